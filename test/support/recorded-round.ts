/** One round on record, with every message, every masked input and every secret: what an adversary is tried against. */
import { expect } from 'chai'
import { layoutOf } from '../../aggregation/adapter-layout.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import type { Secrets } from '../../node/round/round-state.ts'
import type { Effect } from '../../node/round/round-types.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'
import { Transcript } from './adversary.ts'
import { testDeadlines, testRun } from './chains.ts'
import { linkKinds } from './cluster-claims.ts'
import { type ClusterOptions, RoundCluster } from './round-cluster.ts'
import { laneUniformity, UNIFORMITY_P_MIN } from './uniformity.ts'

/** n, t and f of the cohort that is recorded. */
export const n = 7
export const t = quorumOf(n)
export const f = faultsOf(n)

/** 2,600 weights in either factor: enough lanes for 256 bins. */
export const wideLayout = layoutOf(
  (['A', 'B'] as const).map(factor => ({
    name: `base_model.model.model.layers.0.self_attn.q_proj.lora_${factor}.weight`,
    factor,
    shape: factor === 'A' ? [2, 1300] : [1300, 2]
  }))
)

export interface Recorded {
  readonly cluster: RoundCluster
  readonly transcript: Transcript
  readonly ids: readonly string[]
  secretsOf(ids: readonly string[]): Map<string, Secrets>
  inputOf(id: string): Lanes
}

/** One round, everything on record, and every member's secrets as they were before they were erased. */
export function record(rest: Partial<ClusterOptions> = {}, kinds: readonly string[] = ['result']): Recorded {
  const secrets = new Map<string, Secrets>()
  const rounds = kinds.filter(kind => kind === 'result').length
  const run = testRun(n, { rounds, strategy: 'ffa', deadlines: testDeadlines }, wideLayout)
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 21,
    ...rest,
    onEffect: (id, effect, nowMs) => {
      const { attempt } = cluster.peer(id).state
      if (attempt?.secrets && attempt.round === 0 && !secrets.has(id)) {
        const { maskSecret, encryptionSecret, selfSeed } = attempt.secrets
        secrets.set(id, {
          maskSecret: maskSecret.slice(),
          encryptionSecret: encryptionSecret.slice(),
          selfSeed: selfSeed.slice()
        })
      }
      return rest.onEffect?.(id, effect, nowMs) ?? true
    }
  })
  expect(cluster.start().finish(120_000)).to.equal(true)
  expect(linkKinds(cluster)).to.deep.equal(kinds)
  return {
    cluster,
    transcript: new Transcript(cluster),
    ids: [...cluster.peers.keys()],
    secretsOf: ids => new Map(ids.map(id => [id, secrets.get(id)!])),
    inputOf: id => cluster.peer(id).inputs.get('0.0')!
  }
}

/** Of lanes: how probable it is that uniform ones look so uneven. */
export const pOf = (lanes: Lanes) => laneUniformity(lanes).p

/** For `onEffect`: these die before they announce their masked inputs. */
export const dying =
  (...ids: string[]) =>
  (id: string, effect: Effect) =>
    !(ids.includes(id) && effect.type === 'gossip' && effect.message.type === 'masked-input')

/** Members in id order, which says nothing about their rank. */
export const members = testRun(n).members.map(({ id }) => id)
export const [victim, partner] = members as [string, string]
export const others = members.filter(id => id !== victim)

type MaskEffect = Effect & { type: 'mask' }

/** A broken build: members mask in another way in the first round. */
export const masking = (change: (id: string, effect: MaskEffect) => Partial<MaskEffect>) => ({
  instead: (id: string, effect: Effect): Effect[] =>
    effect.type === 'mask' && effect.round === 0 ? [{ ...effect, ...change(id, effect) }] : [effect]
})

export function expectLaidBare({ inputOf }: Recorded, residual: Lanes): void {
  expect(residual).to.deep.equal(inputOf(victim))
  expect(pOf(residual)).to.be.below(UNIFORMITY_P_MIN)
}
