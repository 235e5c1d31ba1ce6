// From the number of a kernel to its code.

import {
  accumulateKernel, activateGradientKernel, activateKernel, addBiasKernel, addKernel, attentionGradientKernel,
  attentionKernel, columnSumsKernel, copyColumnsKernel, crossEntropyKernel, foldHeadsKernel, gateGradientKernel,
  gateKernel, gatherGradientKernel, gatherKernel, layerNormGradientKernel, layerNormKernel, matmulKernel,
  multiplyKernel, normGainGradientKernel, rmsNormGradientKernel, rmsNormKernel, rotateKernel
} from '../kernel-ids.ts'
import { activate, activateGradient, gate, gateGradient } from './activations.ts'
import { attention } from './attention.ts'
import { attentionGradient } from './attention-gradient.ts'
import { crossEntropy } from './cross-entropy.ts'
import { accumulate, add, multiply } from './elementwise.ts'
import { matmul } from './matmul.ts'
import { layerNorm, layerNormGradient, rmsNorm, rmsNormGradient } from './norms.ts'
import { rotate } from './rotate.ts'
import { addBias, columnSums, copyColumns, foldHeads, gather, gatherGradient, normGainGradient } from './rows.ts'

export function runTask(kernel: i32, task: i32): void {
  switch (kernel) {
    case matmulKernel: return matmul(task)
    case addKernel: return add(task)
    case multiplyKernel: return multiply(task)
    case accumulateKernel: return accumulate(task)
    case addBiasKernel: return addBias(task)
    case columnSumsKernel: return columnSums(task)
    case gatherKernel: return gather(task)
    case gatherGradientKernel: return gatherGradient(task)
    case copyColumnsKernel: return copyColumns(task)
    case rmsNormKernel: return rmsNorm(task)
    case rmsNormGradientKernel: return rmsNormGradient(task)
    case normGainGradientKernel: return normGainGradient(task)
    case layerNormKernel: return layerNorm(task)
    case layerNormGradientKernel: return layerNormGradient(task)
    case activateKernel: return activate(task)
    case activateGradientKernel: return activateGradient(task)
    case gateKernel: return gate(task)
    case gateGradientKernel: return gateGradient(task)
    case rotateKernel: return rotate(task)
    case attentionKernel: return attention(task)
    case attentionGradientKernel: return attentionGradient(task)
    case foldHeadsKernel: return foldHeads(task)
    case crossEntropyKernel: return crossEntropy(task)
    default: unreachable()
  }
}
