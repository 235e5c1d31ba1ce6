/** A run manifest as the file that a person edits: every field with its default and what it means. */
import { stringify } from 'yaml'
import { COHORT_MAX, FAN_IN_MAX } from '../../protocols/limits.ts'
import type { RunManifest } from '../../protocols/run-manifest.ts'

/** What each field means, by its path; a section's words stand above it. */
const explanations: Readonly<Record<string, string>> = {
  formatVersion: 'Format of this file. Peers one minor version apart take part, others are refused by name.',
  name: 'What people call the run.',
  author: 'Peer id of the author, whose key signs this file and the list of founding members.',
  model: 'The frozen base model. Every peer loads it by itself and compares the digest before it trains.',
  'model.source':
    '"embedded" is the toy model that comes with fedpeft; or a model of the Hugging Face Hub (owner/name), or a folder.',
  'model.revision': 'Of a model of the Hub: the commit that every peer fetches. The digest is what counts.',
  'model.sha256': 'Digest of config.json, the weights and tokenizer.json.',
  adapter: [
    'What is trained. kind lora (Hu et al. 2021): delta W = alpha / rank * B A. Or kind bottleneck (placement: pfeiffer or',
    'houlsby, reductionFactor: 16, activation: relu), or kind prefix (virtualTokens: 16; strategy fedit); both with a seed.'
  ].join('\n'),
  'adapter.kind': 'lora, bottleneck or prefix.',
  'adapter.rank': 'Rank r of A [r, in] and B [out, r]: 1 to 256. More learns more and sends more.',
  'adapter.alpha': 'The adapter is scaled by alpha / rank.',
  'adapter.rankStabilized': 'Scale by alpha / sqrt(rank) instead (rsLoRA): for high ranks.',
  'adapter.placement': 'pfeiffer: behind the feed-forward part of each layer; houlsby: behind attention too.',
  'adapter.reductionFactor': "The model's width over the units of the bottleneck.",
  'adapter.activation': 'Between the two projections: relu, gelu, gelu-tanh or silu.',
  'adapter.virtualTokens': 'Length of the learned prefix.',
  'adapter.dropout': 'Share of the inputs of A that is dropped while training, 0 to below 1.',
  'adapter.targetModules': 'Which linear layers: all-linear, or a list such as [q_proj, v_proj].',
  'adapter.seed': 'Every peer initialises A from this seed (B begins at zero).',
  training: 'Local training of one peer in one round.',
  'training.steps': 'Optimizer steps per round.',
  'training.batchSize': 'Windows of text per step.',
  'training.sequenceLength': 'Tokens per window.',
  'training.learningRate': 'Learning rate of the local optimizer, at its highest.',
  'training.schedule': 'How it goes over the rounds: constant or cosine.',
  'training.stepSchedule': 'How it goes over the steps of a round, after the warm-up: constant or cosine.',
  'training.warmupSteps': 'Steps at the start of each round over which it rises from 0.',
  'training.optimizer': 'adamw (Loshchilov and Hutter 2019) or sgd. It begins afresh in each round.',
  'training.momentum': 'Of sgd, 0 to below 1; adamw has its own.',
  'training.weightDecay': 'Weight decay, 0 to below 1: decoupled with adamw, added to the gradient with sgd.',
  'training.gradientClipNorm': 'Gradients are clipped to this L2 norm.',
  'training.proximalMu':
    'Pulls local training back to the global adapter, for very different data (FedProx, Li et al. 2020); 0: off.',
  rounds: 'Rounds in all.',
  cohort: 'Who takes part in a round. Of n members t = floor(2n/3) + 1 must stay to the end.',
  'cohort.founders':
    'The first round begins when this many members are there: at least 4, at most "size" unless larger: tree.',
  'cohort.size': `The most members of one cohort, at most ${COHORT_MAX}.`,
  'cohort.larger':
    'With more members than "size": draw (each round takes some of them) or tree (all, in cohorts whose sums are added up).',
  'cohort.fanIn': `Of larger: tree. The most cohort sums that one parent cohort adds, 2 to ${FAN_IN_MAX}.`,
  'cohort.allowThree':
    'Allow a cohort of three, which tolerates no loss and leaves no room for privacy noise.',
  'cohort.attempts':
    'Attempts at a round that may fail in a row before the run pauses, until its author sets the members anew.',
  deadlines: 'How long the others wait in each phase, in milliseconds, before they go on without a member.',
  'deadlines.keysMs': 'Advertising keys, and again sharing them.',
  'deadlines.trainingMs': 'Local training: give the slowest machine time.',
  'deadlines.inputsMs': 'Announcing and pulling the masked inputs.',
  'deadlines.unmaskingMs': 'Handing out the shares that open the sum.',
  'deadlines.viewMs': 'Silence of the aggregator before its stand-in takes over.',
  strategy: [
    'What is summed: rolora (B and A in turn; exact, half the bytes), ffa (B only, A stays as initialised),',
    'fedit (A and B together; the mean of products is not the product of means, and twice the bytes).'
  ].join('\n'),
  serverOptimizer: [
    'What every peer does with the mean change: fedavg (adds learningRate times it) or',
    'fedadam (Reddi et al. 2021; name: fedadam, learningRate: 0.01, beta1: 0.9, beta2: 0.99, tau: 0.001).'
  ].join('\n'),
  secureSum:
    "The masked sum (Bonawitz et al. 2017): nobody sees one peer's change, everybody can re-add the sum.",
  'secureSum.ringBits':
    'Integers modulo 2^16 (fewest bytes), 2^20 (for wide weights, many peers or noise) or 2^32 (finest).',
  'secureSum.clipNorm': "A peer's change is clipped to this L2 norm.",
  'secureSum.maxWeight':
    'The most that a peer with much data weighs against one with little: a power of two, 1 to 64.',
  'secureSum.colluders':
    'Curious peers in collusion that the sum withstands, at most t - 2; default is n - t.',
  'secureSum.verifiers': [
    'Who pulls all masked changes and re-adds the sum: everyone, or a committee of 4 to 64 that is drawn in each round',
    '(everyone, in a cohort that is not larger). The others pull only the sum. See docs/verification.md.'
  ].join('\n'),
  'secureSum.randomK': [
    'Fraction of the coordinates that a round sums, drawn anew for every round and the same for all; 1 is all of them. Bytes and',
    'masks shrink as much; what a peer does not send it keeps for later rounds (error feedback). Not with privacy noise.'
  ].join('\n'),
  privacy: [
    'Noise for differential privacy: mechanism none, skellam or discrete-gaussian. Without, the sum itself is public within the',
    'cohort. With noise, of the members t = floor(2n/3) + 1 and no more than secureSum.colluders curious, every weight is 1 and no',
    'training loss is published. What settings cost: fedpeft-node privacy, join --dry-run.'
  ].join('\n'),
  'privacy.mechanism': 'none, skellam or discrete-gaussian.',
  'privacy.noiseMultiplier':
    "Standard deviation of the honest survivors' noise together, over the clip norm: more hides more and learns less.",
  'privacy.epsilon': 'The run ends before a round that would pass it; lost rounds count.',
  'privacy.delta': 'Probability with which epsilon need not hold: far below one in the number of members.',
  'privacy.sampler':
    'table (within 2^-110 of the distribution, quick) or exact (discrete-gaussian only, slower).',
  'privacy.clipping': [
    'kind: fixed keeps secureSum.clipNorm; adaptive begins with it and follows the changes (Andrew et al. 2021), counting the',
    'unclipped with noise of their own: targetFraction: 0.5, learningRate: 0.2, min: 0.001, max: 1000, countNoise: 0.05.'
  ].join('\n'),
  'privacy.clipping.targetFraction': 'Of the clients, that should stay unclipped.',
  'privacy.clipping.learningRate':
    'How fast the clip norm follows: C <- C exp(-learningRate (fraction - targetFraction)).',
  'privacy.clipping.min': 'The clip norm stays between min',
  'privacy.clipping.max': 'and max.',
  'privacy.clipping.countNoise':
    'Deviation of the noise on the count of the unclipped, as a part of the cohort: less costs more of the epsilon.',
  admission: [
    'Who may join. kind: open (anyone with the address); kind: list (the peers below); kind: invitation (the author, the peers',
    'below, and whoever has an invitation: fedpeft-node invite create). See docs/admission.md.'
  ].join('\n'),
  'admission.kind': 'open, list or invitation.',
  'admission.peers':
    'Peer ids that may join without an invitation: [12D3KooW…, …]; of an invitation run it may be empty.'
}

const HEADER = `A run of fedpeft. Change what you like, then sign it again: fedpeft-node init --sign FILE
Offer it to others with: fedpeft-node join ADDRESS --run FILE --data YOUR-TEXT`

/**
 * @param signature - hexadecimal
 * @returns YAML with a comment above every field
 */
export function manifestYaml(manifest: RunManifest, signature: string): string {
  const lines = [comment(HEADER, ''), '']
  for (const key of topLevelOrder) lines.push(...field(key, manifest[key], ''), '')
  lines.push(
    comment("The author's signature of everything above, comments aside.", ''),
    `signature: ${scalar(signature)}`,
    ''
  )
  return lines.join('\n')
}

/** From what people change first to what they rarely touch. */
const topLevelOrder: ReadonlyArray<keyof RunManifest> = [
  'formatVersion',
  'name',
  'author',
  'model',
  'adapter',
  'training',
  'rounds',
  'cohort',
  'strategy',
  'serverOptimizer',
  'secureSum',
  'privacy',
  'admission',
  'deadlines'
]

function field(path: string, value: unknown, indent: string): string[] {
  const key = path.slice(path.lastIndexOf('.') + 1)
  const explanation = explanations[path]
  const lines = explanation === undefined ? [] : [comment(explanation, indent)]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [...lines, `${indent}${key}: ${scalar(value)}`]
  }
  const inner = Object.entries(value).flatMap(([name, item]) => field(`${path}.${name}`, item, `${indent}  `))
  return [...lines, `${indent}${key}:`, ...inner]
}

function scalar(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}

function comment(text: string, indent: string): string {
  return text
    .split('\n')
    .map(line => `${indent}# ${line}`)
    .join('\n')
}
