/** Every moment of a round at which a member can die: before each kind of effect, in each phase. */
import type { Effect } from '../../node/round/round-types.ts'
import { CertifiedDecision, NewView, Proposal, Vote } from '../../protocols/messages.js'
import { type TestRun, testDeadlines, testRun } from './chains.ts'
import { type ClusterOptions, RoundCluster } from './round-cluster.ts'

export interface CrashPoint {
  /** `phase: effect`. */
  readonly name: string
  /** Which of the victim's effects it is, from 0. */
  readonly at: number
}

function wordsOf(effect: Effect): string {
  if (effect.type === 'journal') {
    const { entry } = effect
    if (entry.kind === 'vote') return `journal ${entry.vote} ${entry.subject}`
    return entry.kind === 'new-view' ? `journal new-view ${entry.subject}` : `journal ${entry.kind}`
  }
  if (effect.type !== 'gossip' && effect.type !== 'send') return effect.type
  const { type, payload } = effect.message
  return `${effect.type} ${type} ${subjectOf(type, payload)}`.trimEnd()
}

function subjectOf(type: string, payload: Uint8Array): string {
  if (type === 'proposal') return Proposal.decode(payload).subject
  if (type === 'new-view') return NewView.decode(payload).subject
  if (type === 'prepare' || type === 'commit') return Vote.decode(payload).subject
  if (type !== 'certificate') return ''
  const { certificate } = CertifiedDecision.decode(payload)
  return `${certificate!.kind} ${certificate!.subject}`
}

/** Ids by rank in the first attempt of a cluster with this run and seed, and the moments at which each could die. */
export function crashPointsOf(
  run: TestRun,
  seed: number
): { ranked: string[]; points: Map<string, CrashPoint[]> } {
  const points = new Map<string, CrashPoint[]>()
  const counts = new Map<string, number>()
  let ranked: readonly string[] = []
  const cluster: RoundCluster = new RoundCluster(run, {
    seed,
    onEffect: (id, effect) => {
      const { state } = cluster.peer(id)
      if (effect.type === 'notice') return true
      const at = counts.get(id) ?? 0
      counts.set(id, at + 1)
      // Before the founding, and after the first link, there is nothing of the first round to lose.
      const founding = effect.type === 'gossip' && effect.message.type === 'founding'
      if (state.tip === null || effect.type === 'found' || founding) return true
      if (state.tip.height > (effect.type === 'commit' ? 1 : 0)) return true
      if (state.attempt !== null && state.attempt.tip.height === 0) ranked = state.attempt.ranked
      const name = `${state.phase}: ${wordsOf(effect)}`
      const known = points.get(id) ?? []
      if (!known.some(point => point.name === name)) points.set(id, [...known, { name, at }])
      return true
    }
  })
  cluster.start().reach(1)
  return { ranked: [...ranked], points }
}

/** A cluster in which one member dies at a moment found by `crashPointsOf`. @param then - right after its death */
export function crashAt(
  run: TestRun,
  seed: number,
  victim: string,
  { at }: CrashPoint,
  then: (cluster: RoundCluster) => void = () => {},
  options: Partial<ClusterOptions> = {}
): RoundCluster {
  let count = 0
  const cluster: RoundCluster = new RoundCluster(run, {
    ...options,
    seed,
    onEffect: (id, effect) => {
      if (id !== victim || effect.type === 'notice' || count++ !== at) return true
      cluster.at(cluster.nowMs, () => then(cluster))
      return false
    }
  })
  return cluster.start()
}

export function crashRun(n: number, rounds: number): TestRun {
  return testRun(n, { rounds, deadlines: testDeadlines })
}
