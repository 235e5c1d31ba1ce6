/** `fedpeft-node sim`: a bootstrap and N peers, on loopback or in memory, their baselines, and what came of it. */

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type RunManifest, runId } from '../../../protocols/run-manifest.ts'
import type { SignedManifest } from '../../../protocols/signed-manifest.ts'
import { heldOutOf, localOnly, pooledSteps, pooledTogether } from '../../../sim/baselines.ts'
import { type FederationResult, runFederation, type SimMember } from '../../../sim/federation.ts'
import { RememberedVerify } from '../../../sim/remembered-verify.ts'
import { createReport, doneEvent, type Measurements } from '../../../sim/report.ts'
import { type Scenario, scenarioManifest } from '../../../sim/scenario.ts'
import { valueCount } from '../../model/safetensors/header.ts'
import { runFolder } from '../../peer/run-disk.ts'
import { adapterOf } from '../../peft/adapter-of.ts'
import { saveAdapter } from '../../peft/peft-files.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import { isSolitary } from '../../platform/open-backend.ts'
import { systemClock } from '../../platform/system-clock.ts'
import type { OpenOptions, TrainerPool } from '../../platform/trainer-pool.ts'
import { pooledShard } from '../../train/dataset.ts'
import { planText } from '../../train/plan.ts'
import type { Trainer } from '../../train/trainer.ts'
import { adapterText } from '../adapter-text.ts'
import { backendRequest, tellBackend } from '../backend-options.ts'
import { planFields, poolBudget, roundBudget, tellNotice } from '../budget-options.ts'
import type { CommandHost } from '../host.ts'
import {
  type BaseModel,
  checkBaseModel,
  examplesOf,
  openBaseModel,
  openRunTrainers
} from '../open-trainer.ts'
import { runPrivacyOf } from '../privacy/run-privacy.ts'
import { asksForNoise, tellRunPrivacy, withLeastNoise } from '../privacy-options.ts'
import { resolveModel } from '../resolve-model.ts'
import { UserError } from '../user-error.ts'
import { openClients, type SimClient } from './clients.ts'
import { estimateSeconds } from './estimate.ts'
import { type Loopback, memberDirs, openLoopback, openMemoryNetwork } from './loopback.ts'
import { reportText } from './print-report.ts'
import { SimProgress } from './progress.ts'
import { RoundLines } from './round-lines.ts'
import { freshFolder, writeLog, writeReport, writeRun } from './sim-folder.ts'
import type { SimOptions } from './sim-options.ts'
import { scenarioOf } from './sim-scenario.ts'
import { trainersAtOnce } from './trainers-at-once.ts'

/** Enough for a process that works on the last link, or has just missed it and pulls it. */
const OUTSIDER_LINGER_MS = 8_000

/** Everything that is open while a simulation runs. */
interface Bench {
  readonly startedAtMs: number
  readonly scenario: Scenario
  readonly manifest: RunManifest
  readonly base: BaseModel
  readonly out: string
  readonly loopback: Loopback
  readonly pool: TrainerPool
  readonly threads: number
  /** Peers that train side by side, unless the backend lets only one. */
  readonly atOnce: number
  /** Of the peers in this process; the rest is left to others. */
  readonly clients: readonly SimClient[]
  readonly trainers: readonly Trainer[]
  /** Of the same data, without a limit of time. */
  readonly baselines: { readonly local: readonly Trainer[]; pooled(): Trainer }
  readonly host: CommandHost
  readonly log: string[]
}

/** @throws UserError; SimError and the errors of every floor */
export async function sim(scenarioName: string, options: SimOptions, host: CommandHost): Promise<void> {
  const startedAtMs = performance.now()
  const scenario = await scenarioOf(scenarioName, options)
  const inside = scenario.peers - options.external
  if (inside < 1) {
    throw new UserError(
      `--external ${options.external}: one of the ${scenario.peers} peers at least must stay here`,
      2
    )
  }
  if (options.network === 'memory' && options.external > 0) {
    throw new UserError('--external: nobody can join a network in memory. Leave --network away', 2)
  }
  const out = await freshFolder(options.out)
  const base = await openBaseModel(await resolveModel(scenario.model, host))
  const log: string[] = []
  const dirs = memberDirs(out, inside)
  const loopback =
    options.network === 'memory'
      ? await openMemoryNetwork({ dirs })
      : await openLoopback({ dirs, bootstrapDir: join(out, 'bootstrap'), log: text => void log.push(text) })
  let pool: TrainerPool | null = null
  try {
    const written = scenarioManifest(scenario, loopback.members[0]!.identity.peerId, {
      source: base.name,
      ...(base.revision === null ? {} : { revision: base.revision }),
      sha256: base.sha256
    })
    const { seed: _, ...adapter } = written.adapter
    const { layout } = adapterOf(base.config, adapter)
    const manifest = asksForNoise(options) ? withLeastNoise(written, layout) : written
    // Noise that does not fit the ring is refused before the run is written.
    const privacy = runPrivacyOf(manifest, layout, manifest.cohort.founders)
    checkBaseModel(manifest, base)
    const { sequenceLength } = manifest.training
    const clients = await openClients(scenario.data, scenario.peers, base.tokenizer, sequenceLength)
    const { signed, file, resumed } = await writeRun(out, manifest, loopback.members[0]!.identity)
    if (resumed) host.output.say(`going on with the run in ${out}`)
    const threads = options.threads ?? availableParallelism()
    const atOnce = trainersAtOnce(parametersOf(base), threads, inside)
    const opened = openRunTrainers(manifest, base, {
      trainers: atOnce,
      backend: { ...backendRequest(options), threads },
      ...poolBudget(options),
      onNotice: notice => tellNotice(notice, host.output)
    })
    pool = opened
    const own = clients.slice(0, inside)
    const keepIn = (root: string, folder: string, client?: string): OpenOptions => ({
      keep: { place: { root, folder }, every: options.checkpointEvery },
      onNotice: notice => tellNotice(notice, host.output, client)
    })
    const run = runFolder(runId(manifest, nodeCrypto().sha256))
    const trainers = own.map(({ name, shard }, i) => {
      return opened.open(shard, { ...keepIn(dirs[i]!, `${run}/training`, name), ...roundBudget(options) })
    })
    const baselines = {
      local: own.map(({ name, shard }, i) => opened.open(shard, keepIn(dirs[i]!, 'baseline', name))),
      pooled: () => {
        const everyone = pooledShard(own.map(({ shard }) => shard))
        return opened.open(everyone, keepIn(out, 'baseline'))
      }
    }
    const bench = {
      startedAtMs,
      scenario,
      manifest,
      base,
      out,
      loopback,
      pool,
      threads,
      atOnce,
      clients: own,
      trainers,
      baselines,
      host,
      log
    }
    await announce(bench)
    if (privacy !== null) host.output.event({ event: 'privacy', ...privacy })
    tellRunPrivacy(privacy, host.output)
    for (const { data } of clients.slice(inside)) tellOutsider(bench, file, data)
    await measure(bench, signed)
  } finally {
    await pool?.close()
    await loopback.close()
    await writeLog(out, log, host.output)
  }
}

/** Says what will run, and how long it will take. */
async function announce({
  scenario,
  manifest,
  base,
  pool,
  threads,
  atOnce,
  clients,
  host,
  out,
  loopback
}: Bench): Promise<void> {
  const { output } = host
  const { rounds, training, strategy, adapter } = manifest
  // Before the model is read: whether it fits can be told without it.
  const plan = await pool.plan(training)
  const report = await pool.backend()
  tellBackend(report, output)
  const { name: backend } = report
  // A backend that a process can have once trains for all peers in turn.
  const sideBySide = isSolitary(backend) ? 1 : atOnce
  const steps = rounds * training.steps
  const { run: runsBaselines, pooledSteps: pooledFactor } = scenario.baselines
  const local = runsBaselines ? steps * clients.length : 0
  const pooled = runsBaselines ? pooledSteps(manifest, pooledFactor) : 0
  const work = {
    steps: steps * clients.length + local + pooled * Math.min(sideBySide, 2),
    measuredTokens:
      (1 + rounds + (runsBaselines ? 2 : 0)) *
      clients.reduce((sum, { shard }) => sum + shard.heldOut.length, 0)
  }
  // One that keeps nothing: these steps are of no job.
  const seconds = await estimateSeconds(pool.open(clients[0]!.shard), manifest, work, sideBySide)
  output.event({
    event: 'start',
    peers: scenario.peers,
    rounds,
    strategy,
    backend,
    estimatedSeconds: seconds,
    plan: planFields(plan, training),
    out
  })
  output.say(
    `${scenario.peers} peers fine-tune ${base.name} together: ${rounds} rounds of ${training.steps} steps of ` +
      `${training.batchSize} x ${training.sequenceLength} tokens, ${adapterText(adapter)} (${strategy}), ` +
      `${backend} backend, ${threads} threads\n` +
      `training in ${planText(plan, training)}\n` +
      `clients: ${clients.map(({ name }) => name).join(', ')}\n` +
      `${loopback.address === null ? 'a network in memory' : `bootstrap ${loopback.address}`}\n` +
      `everything below ${out}; this will take about ${minutes(seconds)}`
  )
}

function tellOutsider({ host, loopback, manifest }: Bench, file: string, data: string): void {
  const command = `fedpeft-node join ${loopback.address} --run ${file} --data ${data} --dir ANOTHER-FOLDER`
  host.output.event({ event: 'outsider', address: loopback.address, run: file, data })
  host.output.say(
    `a peer of its own process (${manifest.cohort.founders} founders are needed):\n  ${command}`
  )
}

async function measure(bench: Bench, signed: SignedManifest): Promise<void> {
  const { scenario, manifest, base, out, loopback, clients, trainers, baselines, host, startedAtMs } = bench
  const { output, signal } = host
  const names = new Map(loopback.members.map(({ identity }, i) => [identity.peerId, clients[i]!.name]))
  const progress = new SimProgress(output, names, manifest.rounds)
  progress.stage('measuring the base model', 0)
  const baseHeldOut = await heldOutOf(trainers, null)
  const { federated, ...federation } = await federate(bench, signed, progress, baseHeldOut)
  let local: number[] | null = null
  let pooled: number[] | null = null
  if (scenario.baselines.run) {
    const steps = manifest.rounds * manifest.training.steps
    progress.stage('baseline: each client alone, with early stopping', steps * clients.length)
    local = await localOnly(baselines.local, manifest, scenario, () => progress.step(), signal)
    progress.stage(
      'baseline: everyone together, no privacy',
      pooledSteps(manifest, scenario.baselines.pooledSteps)
    )
    const together = baselines.pooled()
    pooled = await pooledTogether(together, trainers, manifest, scenario, () => progress.step(), signal)
    // What they were kept for has its result.
    for (const { checkpoints } of [...baselines.local, together]) await checkpoints?.keepOnly([])
  }
  progress.clear()
  const adapterDir = await saveSimAdapter(bench, federation.adapter)
  const perClient: Measurements = { base: baseHeldOut, local, federated, pooled }
  const report = createReport({
    manifest,
    clients: clients.map(({ name }) => name),
    ...federation,
    perClient,
    baseParameters: parametersOf(base),
    adapterElements: federation.adapter.length,
    adapterDir,
    wallSeconds: (performance.now() - startedAtMs) / 1000
  })
  const reportFile = await writeReport(out, report)
  output.say(
    `\n${reportText(report)}\n\nreport   ${reportFile}\nchat     fedpeft-node chat --adapter ${adapterDir} --prompt "My fellow citizens,"`
  )
  output.say(`took ${minutes(report.wallSeconds)}`)
  output.event(doneEvent(report))
}

async function federate(
  { manifest, loopback, clients, trainers, host, log }: Bench,
  signedManifest: SignedManifest,
  progress: SimProgress,
  baseHeldOut: readonly number[]
): Promise<FederationResult & { readonly federated: readonly number[] }> {
  progress.stage('federated', manifest.rounds * manifest.training.steps * clients.length)
  const lines = new RoundLines(host.output, progress, trainers, baseHeldOut, manifest.rounds)
  const members: SimMember[] = loopback.members.map(({ identity, dir, network }, i) => ({
    name: clients[i]!.name,
    signer: identity,
    network,
    files: nodeFiles(dir),
    trainer: trainers[i]!,
    examples: examplesOf(clients[i]!.shard, manifest.training.sequenceLength)
  }))
  const result = await runFederation(members, {
    clock: systemClock,
    crypto: loopback.address === null ? new RememberedVerify().of(nodeCrypto()) : nodeCrypto(),
    signedManifest,
    signal: host.signal,
    lingerMs: clients.length < manifest.cohort.founders ? OUTSIDER_LINGER_MS : 0,
    onEvent(member, event, peer) {
      progress.take(member.network.peerId, event)
      lines.take(event, peer)
    },
    log: (member, message) => void log.push(`${member.name}: ${message}`)
  })
  return { ...result, federated: await lines.heldOutOf(result.adapter) }
}

async function saveSimAdapter({ out, base, trainers }: Bench, adapter: Float32Array): Promise<string> {
  const { adapterKind: kind, layout, adapterConfigJson } = trainers[0]!
  const file = { kind, configJson: adapterConfigJson(base.name), layout, values: adapter }
  await saveAdapter(nodeFiles(out), 'adapter', file)
  return join(out, 'adapter')
}

function parametersOf({ weights }: BaseModel): number {
  let count = 0
  for (const name of weights.names()) count += valueCount(weights.shapeOf(name)!)
  return count
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${(seconds / 60).toFixed(1)} minutes`
}
