import { type Backend, ignoredTarget, type Tensor } from '../backend.ts'
import type { Tape, Variable } from '../tape.ts'

/** Logits held at once, in elements: 32 MiB. A long batch times a large vocabulary would not fit. */
const logitsMax = 2 ** 23

/**
 * Nats of every target that counts, predicted from hidden states through the output projection; the gradient is that of
 * their mean. Logits exist for some rows at a time, and their gradient replaces them at once.
 * @param hidden - [n, d] @param head - [vocabulary, d]
 * @param targets - n token ids, or -1 for a position that does not count; at least one counts
 * @returns nats of the counted positions in order, in pieces, [rows] each: free them after reading;
 *   mean - stands for the mean of the nats: seed its gradient with a tensor of one element
 */
export function headLoss(
  tape: Tape,
  hidden: Variable,
  head: Variable,
  targets: Int32Array
): { nats: Tensor[]; mean: Variable } {
  const { backend } = tape
  const counted = countedRows(targets)
  const scale = tape.needsGradient([hidden, head]) ? 1 / counted.length : null
  const rowsMax = Math.max(1, Math.floor(logitsMax / head.tensor.shape[0]!))
  const nats: Tensor[] = []
  const dPicked: Tensor[] = []
  const dHead = scale !== null && head.needsGradient ? backend.zeros(head.tensor.shape) : null
  for (let from = 0; from < counted.length; from += rowsMax) {
    const rows = counted.subarray(from, from + rowsMax)
    const picked = backend.gather(hidden.tensor, rows)
    const logits = backend.matmul(picked, head.tensor, { transposeB: true })
    const wanted = rows.map(row => targets[row]!)
    nats.push(backend.crossEntropy(logits, wanted, scale))
    if (scale !== null && hidden.needsGradient) dPicked.push(backend.matmul(logits, head.tensor))
    if (dHead !== null) backend.matmul(logits, picked, { transposeA: true, onto: dHead })
    backend.free(logits)
    backend.free(picked)
  }
  const saved = dHead === null ? dPicked : [...dPicked, dHead]
  const mean = tape.recordOne([hidden, head], backend.zeros([1]), saved, () => {
    if (dHead !== null) tape.give(head, tape.share(dHead))
    if (hidden.needsGradient) tape.give(hidden, spread(backend, dPicked, counted, targets.length))
  })
  return { nats, mean }
}

function countedRows(targets: Int32Array): Int32Array {
  return Int32Array.from(targets.keys()).filter(row => targets[row] !== ignoredTarget)
}

/** Gradients of the counted rows -> of all rows. */
function spread(backend: Backend, pieces: readonly Tensor[], counted: Int32Array, rows: number): Tensor {
  const joined = backend.joinRows(pieces)
  const all = backend.gatherGradient(joined, counted, rows)
  backend.free(joined)
  return all
}
