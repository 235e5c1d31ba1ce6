import type { Tape, Variable } from '../tape.ts'

/** Rows of a table by index: [rows, d] -> [n, d]. Embeddings, and picking positions out of activations. */
export function gather(tape: Tape, table: Variable, indices: Int32Array): Variable {
  const { backend } = tape
  return tape.recordOne([table], backend.gather(table.tensor, indices), [], dy => {
    tape.give(table, backend.gatherGradient(dy, indices, table.tensor.shape[0]!))
  })
}

/** Cuts columns apart: [n, sum of widths] -> one [n, width] each. */
export function splitColumns(tape: Tape, x: Variable, widths: readonly number[]): Variable[] {
  const { backend } = tape
  return tape.record([x], backend.splitColumns(x.tensor, widths), [], dOutputs => {
    const rows = x.tensor.shape[0]!
    const missing = dOutputs.map((dy, i) => (dy === null ? backend.zeros([rows, widths[i]!]) : null))
    tape.give(x, backend.joinColumns(dOutputs.map((dy, i) => dy ?? missing[i]!)))
    for (const zeros of missing) if (zeros !== null) backend.free(zeros)
  })
}
