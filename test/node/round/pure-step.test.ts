import { expect } from 'chai'
import { createRoundMachine } from '../../../node/round/round-machine.ts'
import type { RunState } from '../../../node/round/round-state.ts'
import type { RoundDeps, RoundEvent, RoundMachine } from '../../../node/round/round-types.ts'
import { toHex } from '../../../protocols/hex.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { linkKinds } from '../../support/cluster-claims.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

/** Everything in a value as text, whoever shares what with whom. @param hidden - fields to leave out */
function imprint(value: unknown, hidden: readonly string[] = []): string {
  return JSON.stringify(value, (key, field: unknown) => {
    if (hidden.includes(key)) return 'hidden'
    if (field instanceof Uint8Array) return { bytes: toHex(field) }
    if (field instanceof Map) return { map: [...field] }
    if (field instanceof Set) return { set: [...field] }
    return typeof field === 'number' && !Number.isFinite(field) ? String(field) : field
  })
}

const secretFields = ['secrets', 'goodShares', 'seeds']

/** Plays a round with one fault in it (a peer dies before it unmasks), every step under watch. */
function watchedRound(
  watched: (deps: RoundDeps, machine: RoundMachine<RunState>) => RoundMachine<RunState>
): RoundCluster {
  const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 6,
    watched,
    onEffect: (id, effect) =>
      !(
        id === run.members[1]!.id &&
        effect.type === 'gossip' &&
        effect.message.type === 'unmask-bundle' &&
        cluster.alive.length === 4
      )
  })
  expect(cluster.start().finish(60_000)).to.equal(true)
  expect(linkKinds(cluster)).to.deep.equal(['result'])
  return cluster
}

describe('a step of the round’s machine', () => {
  it('leaves the state that it was given as it was, secrets that it erases at the end excepted', () => {
    let steps = 0
    let erasures = 0
    watchedRound((_deps, machine) => ({
      ...machine,
      step(state, event, nowMs) {
        steps++
        const before = imprint(state, secretFields)
        const secretsBefore = imprint(state.attempt)
        const result = machine.step(state, event, nowMs)
        expect(imprint(state, secretFields), event.type).to.equal(before)
        const goesOn = state.attempt === null || result.state.attempt?.tip === state.attempt.tip
        if (goesOn) expect(imprint(state.attempt), event.type).to.equal(secretsBefore)
        else erasures++
        return result
      }
    }))
    expect(steps).to.be.above(150)
    expect(erasures).to.equal(3)
  }).timeout(30_000)

  it('gives the same state and the same effects for the same input and the same random bytes', () => {
    let compared = 0
    watchedRound((deps, machine) => {
      const tape: Uint8Array[] = []
      let replaying = false
      const recorded = createRoundMachine({
        ...deps,
        crypto: {
          ...deps.crypto,
          randomBytes(length) {
            if (replaying) return tape.shift()!
            const bytes = deps.crypto.randomBytes(length)
            tape.push(bytes.slice())
            return bytes
          }
        }
      })
      return {
        ...machine,
        step(state: RunState, event: RoundEvent, nowMs: number) {
          // A copy with nothing in common: secrets are erased in place.
          const twin = structuredClone(state)
          tape.length = 0
          replaying = false
          const first = recorded.step(state, event, nowMs)
          replaying = true
          const second = recorded.step(twin, structuredClone(event), nowMs)
          compared++
          expect(tape, 'as many random bytes').to.deep.equal([])
          expect(imprint(second.effects), event.type).to.equal(imprint(first.effects))
          expect(imprint(second.state), event.type).to.equal(imprint(first.state))
          return first
        }
      }
    })
    expect(compared).to.be.above(150)
  }).timeout(30_000)
})
