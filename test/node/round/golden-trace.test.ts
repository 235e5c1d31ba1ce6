import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../../../node/platform/package-dir.ts'
import type { Effect, RoundEvent } from '../../../node/round/round-types.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import { CertifiedDecision, NewView, Proposal, Vote } from '../../../protocols/messages.js'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

const path = join(packageDir(), 'test/golden/round-trace.txt')

const heading = `# One round of four members under virtual time; the aggregator dies when it should say what it holds.
# milliseconds, peer (place in the sorted cohort), < what it is told, > what it does, in this order.
# Written by UPDATE_GOLDEN=1 node scripts/test.mjs test/node/round/golden-trace.test.ts`

const short = (hash: Uint8Array) => toHex(hash.subarray(0, 4))

function words({ type, payload }: SignedMessage): string {
  if (type === 'prepare' || type === 'commit') {
    const { subject, view, valueHash } = Vote.decode(payload)
    return `${type} ${subject} view ${view} ${short(valueHash)}`
  }
  if (type === 'proposal') {
    const { subject, view } = Proposal.decode(payload)
    return `proposal ${subject} view ${view}`
  }
  if (type === 'new-view') {
    const { subject, view, prepared } = NewView.decode(payload)
    return `new-view ${subject} view ${view}${prepared === undefined ? '' : ` locked in view ${prepared.view}`}`
  }
  if (type !== 'certificate') return type
  const { kind, subject, view, valueHash, signatures } = CertifiedDecision.decode(payload).certificate!
  return `certificate ${kind} ${subject} view ${view} ${short(valueHash)} by ${signatures.map(({ index }) => index).join('')}`
}

/**
 * One round of four, in which the aggregator dies when it has announced its masked input: who was told what, and what
 * it did then. Peers are named by their place in the sorted cohort.
 */
function trace(): string {
  const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
  const name = (id: string) => `p${run.members.findIndex(member => member.id === id)}`
  const lines: string[] = []
  const say = (nowMs: number, peer: string, text: string) =>
    lines.push(`${String(Math.round(nowMs - 1_000_000)).padStart(5)} ${name(peer)} ${text}`)
  let dead = false
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 4,
    onStep: (id, event, effects, nowMs) => {
      const heard = heardIn(event)
      if (heard !== null) say(nowMs, id, `< ${heard}`)
      else if (effects.length > 0 && event.type === 'tick') say(nowMs, id, '< tick')
    },
    onEffect: (id, effect, nowMs) => {
      const { attempt } = cluster.peer(id).state
      const isInventory = effect.type === 'send' && effect.message.type === 'inventory'
      if (!dead && isInventory && attempt?.ranked[0] === id) {
        dead = true
        say(nowMs, id, 'dies')
        return false
      }
      const done = doneBy(effect)
      if (done !== null) say(nowMs, id, `> ${done}`)
      return true
    }
  })
  cluster.start()
  expect(cluster.finish(60_000)).to.equal(true)
  return `${heading}\n${lines.join('\n')}\n`

  function heardIn(event: RoundEvent): string | null {
    if (event.type === 'tick') return null
    if (event.type === 'message') {
      if (event.message.type === 'tip') return null
      return `${name(event.message.sender)}: ${words(event.message)}`
    }
    if (event.type === 'peer') return `${name(event.peer)} is ${event.connected ? 'in' : 'out of'} reach`
    if (event.type === 'body-held') return `body of ${name(event.owner)}`
    if (event.type === 'unmasked') return `unmasked, state ${short(event.outcome.stateHash)}`
    return event.type
  }

  function doneBy(effect: Effect): string | null {
    switch (effect.type) {
      case 'gossip':
        return effect.message.type === 'tip' ? null : `all: ${words(effect.message)}`
      case 'send':
        return `${effect.to.map(name).join(' ')}: ${words(effect.message)}`
      case 'journal': {
        const { entry } = effect
        if (entry.kind === 'vote') return `journal ${entry.vote} ${entry.subject} view ${entry.view}`
        return entry.kind === 'new-view'
          ? `journal new-view ${entry.subject} view ${entry.view}`
          : `journal ${entry.kind}`
      }
      case 'pull':
        return `pull body of ${name(effect.owner)} from ${effect.holders.map(name).join(' ')}`
      case 'mask':
        return `mask with ${effect.pairMasks.length} pairs`
      case 'unmask':
        return `unmask ${effect.survivors.map(({ peer }) => name(peer)).join(' ')}, less ${effect.droppedPairMasks.length} pairs`
      case 'probe':
        return `probe ${effect.from.map(name).join(' ')}`
      case 'commit':
        return `link ${effect.link.height} ${effect.link.kind} ${short(effect.tip.linkHash)}, state ${short(effect.link.stateHash)}`
      case 'notice':
        return effect.notice === 'phase' ? `phase ${effect.phase}` : null
      default:
        return effect.type
    }
  }
}

describe('the golden trace of a round', () => {
  it('is what it was (UPDATE_GOLDEN=1 writes it anew)', () => {
    const now = trace()
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, now)
    expect(now.split('\n')).to.deep.equal(readFileSync(path, 'utf8').split('\n'))
  })
})
