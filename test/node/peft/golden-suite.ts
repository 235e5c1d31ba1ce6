import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AdapterFactor } from '../../../aggregation/adapter-layout.ts'
import type { BackendName } from '../../../node/backend/backend.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { openModelWeights } from '../../../node/model/model-files.ts'
import { parseModelConfig } from '../../../node/model/parse-config.ts'
import { AdaptedModel, type GradientOptions } from '../../../node/peft/adapted-model.ts'
import type { AdapterConfig } from '../../../node/peft/adapter-config.ts'
import { loadAdapter, readAdapterConfig } from '../../../node/peft/peft-files.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { AdamW } from '../../../node/train/optimizer.ts'
import {
  type GoldenAdapter,
  golden,
  goldenAdapter,
  goldenAdapters,
  goldenFamilies,
  relativeDifference
} from '../../support/golden.ts'
import { useBackend } from '../../support/test-backends.ts'

/** Of the largest value of a tensor. */
const tolerance = 1e-4

function expectClose(what: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(relativeDifference(got, expected), `relative difference of ${what}`).to.be.at.most(tolerance)
}

/** The key of a tensor in a file where a bottleneck adapter has its own name. */
export function keyIn(file: AdapterConfig, key: string): string {
  return key.replace(/\.adapters\.\w+\./, `.adapters.${file.adapterName}.`)
}

const bothFactors: readonly AdapterFactor[] = ['A', 'B']

/** The loss before each step and the values after the last, as the fixture's optimizer takes them. */
async function tenSteps(
  model: AdaptedModel,
  start: Float32Array,
  { tokens, targets, losses, adamw }: GoldenAdapter,
  mode: NonNullable<GradientOptions['mode']>
): Promise<{ losses: number[]; values: Float32Array }> {
  const { lr, betas, eps, weightDecay } = adamw
  const optimizer = new AdamW(start.length, { beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay })
  const values = start.slice()
  const gradient = new Float32Array(values.length)
  const ours: number[] = []
  for (const _ of losses) {
    ours.push(await model.lossAndGradient(tokens, targets, values, bothFactors, gradient, { mode }))
    optimizer.step(values, gradient, lr)
  }
  return { losses: ours, values }
}

function describeFamily(family: string, backendName: BackendName, steps: boolean): void {
  describe(`${family} on ${backendName}, as transformers and peft compute it`, () => {
    const backend = useBackend(backendName)
    const base = golden(family)
    const config = parseModelConfig(readFileSync(join(base.folder, 'config.json'), 'utf8'))
    let model: FrozenModel

    before(async () => {
      const weights = await openModelWeights(nodeFiles(base.folder), config, base.folder)
      model = await FrozenModel.load(backend(), config, weights)
    })

    it('the base model: logits and loss', async () => {
      const { tokens, targets, tensors, loss } = base
      const counted = targets.filter(target => target !== -1).length
      expectClose('logits', await model.logits(tokens), tensors.get('logits')!.data)
      expectClose('loss', [(await model.nats(tokens, targets)) / counted], [loss])
    })

    for (const name of goldenAdapters(family)) {
      const fixture = goldenAdapter(family, name)
      const { folder, tokens, targets, tensors } = fixture
      /** The adapter as its own library saved it. */
      const opened = async (): Promise<{
        adapted: AdaptedModel
        adapter: AdapterConfig
        values: Float32Array
      }> => {
        const adapter = await readAdapterConfig(nodeFiles(folder), '')
        const adapted = new AdaptedModel(model, adapter.settings)
        return {
          adapted,
          adapter,
          values: await loadAdapter(nodeFiles(folder), '', adapter, adapted.adapter)
        }
      }
      const expectTensors = (
        kind: 'grad' | 'after',
        got: Float32Array,
        of: AdaptedModel,
        own: AdapterConfig
      ) => {
        for (const { name, offset, length } of of.layout.tensors) {
          const key = `${kind}.${keyIn(own, name)}`
          expectClose(key, got.subarray(offset, offset + length), tensors.get(key)!.data)
        }
      }

      it(`${name}: logits`, async () => {
        const { adapted, values } = await opened()
        expectClose('logits', await adapted.logits(tokens, values), tensors.get('logits')!.data)
      })

      for (const mode of ['record', 'checkpoint'] as const) {
        it(`${name}, ${mode}: loss, gradients${steps ? ', ten steps of AdamW' : ''}`, async () => {
          const { adapted, adapter, values } = await opened()
          const gradient = new Float32Array(values.length).fill(Number.NaN)
          const loss = await adapted.lossAndGradient(tokens, targets, values, bothFactors, gradient, { mode })
          expectClose('loss', [loss], [fixture.loss])
          expectTensors('grad', gradient, adapted, adapter)
          if (!steps) return
          const trained = await tenSteps(adapted, values, fixture, mode)
          expectClose('losses', trained.losses, fixture.losses)
          expectTensors('after', trained.values, adapted, adapter)
        })
      }
    }

    it('leaves nothing but the weights behind', () => {
      model.dispose()
      expect(backend().memory().tensors).to.equal(0)
    })
  })
}

/**
 * All fixtures on one backend, each by recording and by checkpointing.
 * @param steps - ten of AdamW as well, which take ten times as long
 */
export function describeGolden(backendName: BackendName, steps: boolean): void {
  for (const family of goldenFamilies) describeFamily(family, backendName, steps)
}
