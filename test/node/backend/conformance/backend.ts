import type { Backend } from '../../../../node/backend/backend.ts'
import { describeAttention } from './attention.ts'
import { describeGates } from './gates.ts'
import { describeLinear } from './linear.ts'
import { describeLoss } from './loss.ts'
import { describeMemory } from './memory.ts'
import { describeNorms } from './norms.ts'
import { useWorkbench } from './workbench.ts'

/**
 * What every implementation of `Backend` must do: each kernel against naive loops in float64, each gradient against
 * finite differences, and its memory.
 * @param open - a new backend; those of one suite may live at the same time
 */
export function describeBackend(name: string, open: () => Promise<Backend>): void {
  describe(`the backend ${name}`, () => {
    const bench = useWorkbench(open)
    describe('memory', () => describeMemory(bench, open))
    describe('linear algebra and rows', () => describeLinear(bench))
    describe('norms', () => describeNorms(bench))
    describe('activations and gates', () => describeGates(bench))
    describe('attention', () => describeAttention(bench))
    describe('loss', () => describeLoss(bench))
  })
}
