/** `join --dry-run`: what taking part would cost and tell, found out without a single connection. */
import { roundWeight } from '../../../aggregation/encoding.ts'
import { strategyByName } from '../../../aggregation/strategies.ts'
import { cohortSizeOf, largestCohortOf } from '../../../protocols/chain-cohorts.ts'
import { committeeRisk } from '../../../protocols/committee-risk.ts'
import { toHex } from '../../../protocols/hex.ts'
import { faultsOf, quorumOf } from '../../../protocols/quorum.ts'
import { type RunManifest, runId } from '../../../protocols/run-manifest.ts'
import { trainJobOf } from '../../peer/local-training.ts'
import { embeddedModelName } from '../../platform/embedded-model.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { freeBytesAt } from '../../platform/node-files.ts'
import { planFields } from '../budget-options.ts'
import type { CommandHost } from '../host.ts'
import { type RunPrivacy, runPrivacyLines, runPrivacyOf, runPrivacyWarnings } from '../privacy/run-privacy.ts'
import { checkpointBytes, type RoundBytesEstimate, roundBytesEstimate, runDiskBytes } from './round-cost.ts'
import { bytesText, durationText, energyText } from './words.ts'
import { baseModelHere, openWorkshop, type Workshop, type WorkshopOptions } from './workshop.ts'

/** The first step also sets the backend up, so the second is the one that is timed. */
const STEPS = 2

interface Measured {
  readonly stepSeconds: number
  readonly loss: number
  readonly heldOutSeconds: number
  readonly heldOutBitsPerByte: number
  readonly memoryBytes: number
  /** Of the whole machine; null where it does not say. */
  readonly energyJoulesPerStep: number | null
}

/** @throws as openWorkshop; TrainError DIVERGED */
export async function dryRun(
  manifest: RunManifest,
  options: WorkshopOptions,
  host: CommandHost
): Promise<void> {
  const { output, signal } = host
  const run = runId(manifest, nodeCrypto().sha256)
  output.say(`run "${manifest.name}" ${toHex(run)}: a dry run, nothing goes online\n`)
  const offlineBecause = 'a dry run goes nowhere online'
  const openBase = () => baseModelHere(manifest, options, host, { offlineBecause })
  const workshop = await openWorkshop(manifest, options, host, null, openBase)
  try {
    const measured = await measure(manifest, workshop, signal)
    const first = cohortSizeOf(manifest.cohort.founders, { manifest })
    const bytes = roundBytesEstimate(manifest, run, workshop.trainer.layout, first)
    const most = roundBytesEstimate(manifest, run, workshop.trainer.layout, largestCohortOf(manifest))
    const { layout } = workshop.trainer
    const disk = {
      neededBytes: runDiskBytes(layout.length),
      checkpointBytes: checkpointBytes(layout.length),
      freeBytes: await freeBytesAt(options.dir)
    }
    const { secondsPerRound = Number.POSITIVE_INFINITY } = options
    const trainingSeconds = Math.min(manifest.training.steps * measured.stepSeconds, secondsPerRound)
    const seconds = trainingSeconds + measured.heldOutSeconds
    const leaves = whatLeaves(manifest, workshop)
    const privacy = runPrivacyOf(manifest, layout, manifest.cohort.founders)
    for (const line of costLines(manifest, workshop, measured, bytes, most, disk, seconds, options, privacy))
      output.say(line)
    for (const warning of privacy === null ? [] : runPrivacyWarnings(privacy)) output.warn(warning)
    output.say(`\nWhat leaves this machine:\n${leaves.map(line => `  - ${line}`).join('\n')}`)
    output.say(`What never leaves it:\n${STAYS.map(line => `  - ${line}`).join('\n')}`)
    output.event({
      event: 'done',
      dryRun: true,
      run: toHex(run),
      model: { name: workshop.base.name, sha256: workshop.base.sha256 },
      data: workshop.shard.description,
      backend: workshop.backend,
      plan: planFields(workshop.plan, manifest.training),
      trainingStep: { seconds: measured.stepSeconds, lossNatsPerToken: measured.loss },
      heldOutBitsPerByte: measured.heldOutBitsPerByte,
      memoryBytes: measured.memoryBytes,
      energyJoulesPerStep: measured.energyJoulesPerStep,
      disk,
      round: { seconds, bytes, bytesAtMost: most },
      epsilon: privacy?.epsilon ?? null,
      privacy,
      leaves,
      stays: STAYS
    })
  } finally {
    await workshop.pool.close()
  }
}

async function measure(manifest: RunManifest, { trainer }: Workshop, signal: AbortSignal): Promise<Measured> {
  const factors = strategyByName(manifest.strategy).factorsOf(0)
  const job = { ...trainJobOf({ manifest }, trainer.initialAdapter(), factors, 0, 1), steps: STEPS }
  let stepStartMs = performance.now()
  let stepSeconds = 0
  const onStep = (): void => {
    stepSeconds = (performance.now() - stepStartMs) / 1000
    stepStartMs = performance.now()
  }
  const { lastLoss, energyJoules } = await trainer.train(job, onStep, signal)
  const startMs = performance.now()
  const { bitsPerByte } = await trainer.evaluate({ adapter: null, split: 'heldOut' })
  signal.throwIfAborted()
  return {
    stepSeconds,
    loss: lastLoss,
    heldOutSeconds: (performance.now() - startMs) / 1000,
    heldOutBitsPerByte: bitsPerByte,
    // In kilobytes on every system.
    memoryBytes: process.resourceUsage().maxRSS * 1024,
    energyJoulesPerStep: energyJoules === null ? null : energyJoules / STEPS
  }
}

function costLines(
  { training, rounds }: RunManifest,
  { backend, trainer, plan }: Workshop,
  measured: Measured,
  bytes: RoundBytesEstimate,
  most: RoundBytesEstimate,
  disk: { readonly neededBytes: number; readonly checkpointBytes: number; readonly freeBytes: number | null },
  seconds: number,
  { secondsPerRound, batteryMin, lowBattery }: WorkshopOptions,
  privacy: RunPrivacy | null
): string[] {
  const free = disk.freeBytes === null ? '' : ` (${bytesText(disk.freeBytes)} are free)`
  const { energyJoulesPerStep } = measured
  const traffic = ({ members, sentBytes, receivedBytes, controlBytes }: RoundBytesEstimate): string =>
    `${bytesText(sentBytes)} sent and ${bytesText(receivedBytes)} received with ${members} members ` +
    `(about ${bytesText(controlBytes)} of it control messages)`
  return [
    `backend   ${backend}`,
    `one step  ${durationText(measured.stepSeconds)}, loss ${measured.loss.toFixed(3)} nats per token; ` +
      `held-out text ${measured.heldOutBitsPerByte.toFixed(3)} bits per byte with the base alone`,
    `memory    ${bytesText(measured.memoryBytes)} at most so far, with tensors of about ${bytesText(plan.estimatedBytes)}`,
    `disk      ${bytesText(disk.neededBytes)}, and up to ${bytesText(disk.checkpointBytes)} of checkpoints in a long round${free}`,
    ...(energyJoulesPerStep === null
      ? []
      : [`energy    ${energyText(energyJoulesPerStep * training.steps)} per round, the whole machine's`]),
    ...(batteryMin === undefined
      ? []
      : [
          `battery   below ${batteryMin} % ${lowBattery === 'pause' ? 'training pauses' : 'fewer steps are done'}`
        ]),
    `a round   ${durationText(seconds)} on this machine (${training.steps} steps${
      secondsPerRound === undefined ? '' : `, or as many as ${durationText(secondsPerRound)} allow,`
    } and one measurement), then the wait ` + `for the others; ${rounds} rounds in all`,
    `network   per round ${traffic(bytes)}`,
    ...(most.members > bytes.members ? [`          at most ${traffic(most)}`] : []),
    ...verificationLines(bytes, most),
    `adapter   ${trainer.layout.length.toLocaleString('en-US')} numbers; one masked change is ` +
      bytesText(bytes.maskedInputBytes),
    ...(privacy === null
      ? [
          'epsilon   none: this run adds no noise. Nobody sees your change by itself, but the sum over the cohort is public ' +
            'in it, and no differential privacy covers what the sum shows'
        ]
      : runPrivacyLines(privacy).map((line, i) => `${i === 0 ? 'epsilon  ' : '         '} ${line}`))
  ]
}

/** Who re-adds the sum, what that costs with a committee and without, and what is trusted for it. */
function verificationLines(founders: RoundBytesEstimate, most: RoundBytesEstimate): string[] {
  const bytes = founders.otherReceivedBytes === null ? most : founders
  const { members, verifiers, verifierReceivedBytes, otherReceivedBytes, everyoneReceivedBytes } = bytes
  if (otherReceivedBytes === null) return ['verifying everyone re-adds the sum before it counts']
  const liars = faultsOf(members)
  const { deceives } = committeeRisk(members, verifiers, liars)
  return [
    `verifying a committee of ${verifiers} of ${members}, drawn in each round: ${bytesText(verifierReceivedBytes)} received by ` +
      `a member of it, ${bytesText(otherReceivedBytes)} by one outside; if everyone verified, ${bytesText(everyoneReceivedBytes)} by each`,
    `          a wrong sum can pass if ${quorumOf(verifiers)} of the ${verifiers} lie: with ${liars} liars among ${members}, ` +
      `${deceives === 0 ? 'that cannot be' : `a chance of ${deceives.toPrecision(2)} in one round`} (docs/verification.md)`
  ]
}

function whatLeaves(manifest: RunManifest, { examples, trainer }: Workshop): string[] {
  const { secureSum, strategy, privacy } = manifest
  const { clipNorm, ringBits, randomK } = secureSum
  const part = randomK === 1 ? '' : `, ${(100 * randomK).toFixed(1)} % of them at a time`
  const isAdaptive = privacy.mechanism !== 'none' && privacy.clipping.kind === 'adaptive'
  const noise = privacy.mechanism === 'none' ? '' : 'noised, '
  const factors = { rolora: 'B or A, in turns', ffa: 'B', fedit: 'A and B' }[strategy]
  return [
    'to the peers that you connect to: your network address, your peer id, that you take part in this run, and when',
    'each round, signed: public keys, shares of two fresh secrets (each sealed for one member), hashes, votes',
    `each round: your change of the adapter (${factors}; ${trainer.layout.length.toLocaleString('en-US')} numbers in ` +
      `all${part}), clipped to norm ${clipNorm}${isAdaptive ? ' at first' : ''}, rounded, ${noise}and masked in ${ringBits}-bit integers; without the masks of the ` +
      'others it is indistinguishable from random numbers',
    ...inTheSum(manifest, examples),
    "to everyone in the run: the sum over a cohort's survivors, and the adapter made of it",
    ...(manifest.model.source === embeddedModelName
      ? []
      : [
          'to peers that may take part and lack it: the files of the base model (never with --no-share-model)'
        ])
  ]
}

/** What else the sum holds of a member. */
function inTheSum({ secureSum, privacy }: RunManifest, examples: number): string[] {
  const { maxWeight } = secureSum
  if (privacy.mechanism === 'none') {
    const weight = roundWeight(examples, maxWeight)
    return [
      `inside that sum only: your weight (${weight} of at most ${maxWeight}, from ${examples.toLocaleString('en-US')} windows ` +
        'of text) and your mean training loss, coarsely rounded'
    ]
  }
  return privacy.clipping.kind === 'fixed'
    ? []
    : ['inside that sum only, noised: whether your change was longer than the clip norm']
}

const STAYS: readonly string[] = [
  'your text and its tokens',
  'your change of the adapter in the clear, and its gradients',
  'the loss on your held-out text',
  'your private key'
]
