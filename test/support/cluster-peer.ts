/** One peer of a round cluster: its machine, its disk, and the work that its host does for it. */
import { type AdapterLayout, gatherSpans, spansOf } from '../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import { clipToNorm } from '../../aggregation/clip.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { decodeSum, encodeInput, laneCountOf } from '../../aggregation/encoding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import {
  applyRound,
  encodeState,
  initialState,
  type ReplicatedState
} from '../../aggregation/replicated-state.ts'
import { type Lanes, lanesOfBytes } from '../../aggregation/ring.ts'
import { unmaskSum } from '../../aggregation/secure-sum.ts'
import { serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import { createRoundMachine } from '../../node/round/round-machine.ts'
import type { RunState } from '../../node/round/round-state.ts'
import type { Effect, Notice, RoundDeps, RoundMachine, RoundOutcome } from '../../node/round/round-types.ts'
import type { CheckedEvidence } from '../../protocols/evidence.ts'
import { toHex } from '../../protocols/hex.ts'
import type { LinkBody } from '../../protocols/messages.js'
import type { TestMember, TestRun } from './chains.ts'

export class ClusterPeer {
  readonly member: TestMember
  readonly deps: RoundDeps
  readonly machine: RoundMachine<RunState>
  readonly run: TestRun
  state: RunState
  alive = true
  /** Work of an earlier life brings nothing back. */
  epoch = 0
  journal: JournalEntry[] = []
  founding: Uint8Array | null = null
  links: Uint8Array[] = []
  linkBodies: LinkBody[] = []
  replicated: ReplicatedState
  /** States that this peer came to, by hash: on its disk before it votes for one. */
  readonly candidates = new Map<string, ReplicatedState>()
  /** What this peer trained, before any mask: `round.attempt` -> lanes. Kept for the tests to compare. */
  readonly inputs = new Map<string, Lanes>()
  /** What it saw when the masks were off: `round.attempt` -> lanes. */
  readonly sums = new Map<string, Lanes>()
  readonly held = new Map<string, Uint8Array>()
  readonly notices: Notice[] = []
  /** On its disk: what shows who cheated, the first piece against each. */
  readonly blames: CheckedEvidence[] = []

  constructor(
    member: TestMember,
    run: TestRun,
    crypto: CryptoSuite,
    nowMs: number,
    watched: (deps: RoundDeps, machine: RoundMachine<RunState>) => RoundMachine<RunState> = (_, machine) =>
      machine
  ) {
    this.member = member
    this.run = run
    const { manifest, initialAdapter, layout } = run
    this.deps = {
      crypto,
      signer: member.signer,
      self: member.id,
      run: run.run,
      factorsOf: completed => strategyByName(manifest.strategy).factorsOf(completed),
      laneCountOf: (size, completed) => laneCountOf(roundEncodingOf(run.run, layout, size, completed)),
      ...(member.redemption === undefined ? {} : { redemption: member.redemption })
    }
    this.machine = watched(this.deps, createRoundMachine(this.deps))
    this.state = this.machine.initial(nowMs)
    this.replicated = initialState(initialAdapter, manifest.secureSum.clipNorm)
  }

  get id(): string {
    return this.member.id
  }

  /** Hash of the replicated state, in hexadecimal. */
  get stateHash(): string {
    return toHex(stateHashOf(this.replicated, this.deps.crypto))
  }

  /** Pretended training: a small random delta, clipped and encoded as a real one would be. */
  train(effect: Effect & { type: 'train' }): void {
    const { run, layout, manifest } = this.run
    const encoding = roundEncodingOf(run, layout, effect.cohortSize, effect.completedRounds)
    const seed = this.deps.crypto.sha256(
      this.member.signer.publicKey,
      Uint8Array.of(effect.height, effect.attempt)
    )
    const random = seededRandom(seed)
    const delta = gatherSpans(new Float32Array(layout.length), spansOf(layout, effect.factors))
    for (let i = 0; i < delta.length; i++) delta[i] = (random.nextUint32() / 2 ** 32 - 0.5) / 10
    const { clipped } = clipToNorm(delta, manifest.secureSum.clipNorm)
    const input = encodeInput(encoding, { delta: clipped, weight: 1, metrics: [2] }, random)
    this.inputs.set(`${effect.round}.${effect.attempt}`, input)
  }

  /** Adds up, unmasks, and runs the server step. @throws AggregationError BAD_SUM */
  unmask(effect: Effect & { type: 'unmask' }): RoundOutcome {
    const { run, layout, manifest } = this.run
    const { selfKeys, droppedPairMasks } = effect
    const { crypto } = this.deps
    const inputs = effect.survivors.map(({ address }) =>
      lanesOfBytes(this.held.get(toHex(address))!, manifest.secureSum.ringBits)
    )
    const sum = unmaskSum({ inputs, selfKeys, droppedPairMasks }, crypto)
    this.sums.set(`${effect.round}.${effect.attempt}`, sum)
    const encoding = roundEncodingOf(run, layout, effect.cohortSize, effect.completedRounds)
    const decoded = decodeSum(encoding, sum, inputs.length)
    const state = this.serverStep(decoded, layout)
    const stateHash = stateHashOf(state, crypto)
    this.candidates.set(toHex(stateHash), state)
    return {
      stateHash,
      weightSum: decoded.weightSum,
      meanLoss: decoded.meanMetrics[0]!
    }
  }

  private serverStep(decoded: ReturnType<typeof decodeSum>, layout: AdapterLayout): ReplicatedState {
    const { manifest } = this.run
    const optimizer = serverOptimizerOf(manifest.serverOptimizer)
    return applyRound(this.replicated, decoded, strategyByName(manifest.strategy), optimizer, layout)
  }
}

export function stateHashOf(state: ReplicatedState, crypto: CryptoSuite): Uint8Array {
  return addressOf(chunkHashes(encodeState(state), crypto), crypto)
}
