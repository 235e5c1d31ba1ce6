import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import type { Backend, Tensor } from '../../../node/backend/backend.ts'
import { openCpuBackend } from '../../../node/backend/composed/cpu-backend.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { packageDir } from '../../../node/platform/package-dir.ts'
import { type BenchResult, ratiosOf } from '../../../scripts/bench/ratios.ts'
import { type BenchShape, randomWeights, shapes, stepFlops } from '../../../scripts/bench/shapes.ts'
import { tinyConfig } from '../../support/tiny-model.ts'

describe('the benchmark of training', () => {
  it('counts the products that a step consists of, no more and no fewer', async () => {
    const shape: BenchShape = {
      config: tinyConfig,
      adapter: { ...shapes.d256l6.adapter, rank: 2 },
      batchSize: 3,
      sequenceLength: 5
    }
    const backend = await openCpuBackend()
    let counted = 0
    const matmul: Backend['matmul'] = (a, b, options) => {
      const product: Tensor = backend.matmul(a, b, options)
      const inner = a.shape[options?.transposeA ? 0 : 1]!
      counted += 2 * inner * product.shape[0]! * product.shape[1]!
      return product
    }
    const base = await FrozenModel.load({ ...backend, matmul }, tinyConfig, randomWeights(tinyConfig))
    const model = new AdaptedModel(base, shape.adapter)
    const ids = Int32Array.from({ length: 15 }, (_, i) => i)
    const adapter = new Float32Array(model.layout.length).fill(0.1)
    const tokens = { ids, batch: shape.batchSize, time: shape.sequenceLength }
    await model.lossAndGradient(tokens, ids, adapter, ['A', 'B'], adapter.slice())
    await backend.close()
    const { layerCount, headCount, headSize } = tinyConfig
    // Attention is one kernel. Each of 15 positions sees 3 on average; the first layer's keys need no gradient.
    const attention = 2 * 15 * 3 * headCount * headSize * (6 * layerCount - 1)
    expect(stepFlops(shape)).to.equal(counted + attention)
  })

  it('gives the smallest of its ratios, and none where a side was not measured', () => {
    const result = (
      backend: string,
      shape: BenchResult['shape'],
      threads: number,
      tokensPerSecond: number
    ) => ({
      ...{ backend, shape, threads, tokensPerSecond, gflopPerCpuSecond: 1 },
      ...{ limitGflopPerCpuSecond: 2, ratioToLimit: 0.5, peakMemoryBytes: 1 }
    })
    const results = [
      result('wasm', 'd256l6', 1, 100),
      result('wasm', 'd256l6', 2, 190),
      result('wasm', 'smollm2-135m', 1, 10),
      result('wasm', 'smollm2-135m', 2, 18),
      result('stock-wasm', 'd256l6', 1, 20),
      result('tensorflow', 'smollm2-135m', 1, 9),
      result('tensorflow', 'smollm2-135m', 2, 16),
      result('pytorch', 'smollm2-135m', 1, 10),
      result('pytorch', 'smollm2-135m', 2, 20)
    ]
    expect(ratiosOf(results)).to.deep.equal({
      wasmToStockWasm: 5,
      wasmTwoThreadSpeedup: 1.8,
      tensorflowToPytorch: 0.8
    })
    expect(ratiosOf([result('wasm', 'd256l6', 1, 100)])).to.deep.equal({
      wasmToStockWasm: null,
      wasmTwoThreadSpeedup: null,
      tensorflowToPytorch: null
    })
  })

  it('refuses what it does not know, with its usage', () => {
    for (const [args, expected] of [
      [['--backends', 'abacus'], /--backends: "abacus" is none of cuda, .*stock-wasm/],
      [['--shapes', 'gpt-5'], /--shapes: "gpt-5" is none of d256l6, smollm2-135m/],
      [['--seconds', '0'], /--seconds: "0" is not a number above 0/],
      [['--fast'], /Unknown option '--fast'/]
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, ['scripts/bench/train.ts', ...args], {
        cwd: packageDir(),
        encoding: 'utf8'
      })
      expect(status).to.equal(2)
      expect(stderr).to.match(expected).and.to.contain('usage: npm run bench:train')
    }
  })
})
