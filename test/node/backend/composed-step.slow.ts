import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { Backend, BackendName } from '../../../node/backend/backend.ts'
import { openCpuBackend } from '../../../node/backend/composed/cpu-backend.ts'
import { BackendError } from '../../../node/backend/errors.ts'
import { openBackend } from '../../../node/platform/open-backend.ts'
import { openTiny, randomTokens } from '../../support/tiny-model.ts'

const batch = { batch: 2, time: 9 }
const tokens = { ...batch, ids: randomTokens(18, 16, 1) }
const targets = randomTokens(18, 16, 2)

/** Loss and gradient of one training step of the tiny model, with both factors of a LoRA away from zero. */
async function step(backend: Backend): Promise<{ loss: number; gradient: Float32Array }> {
  const model = await openTiny(backend)
  const random = seededRandom(3)
  const adapter = model.adapter
    .initial(random)
    .map(value => value + (random.nextUint32() / 2 ** 32 - 0.5) / 4)
  const gradient = new Float32Array(model.layout.length)
  const loss = await model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient)
  await backend.close()
  return { loss, gradient }
}

describe('a training step equals that of cpu on', () => {
  let expected: Awaited<ReturnType<typeof step>>
  before(async () => {
    expected = await step(await openCpuBackend())
  })

  for (const name of ['webgpu', 'wasm'] satisfies BackendName[]) {
    it(name, async function () {
      const opened = await openBackend({ name, threads: 1 }).catch((error: unknown) => {
        if (error instanceof BackendError && error.code === 'UNAVAILABLE') return error
        throw error
      })
      if (opened instanceof BackendError) {
        console.log(`      skipped: ${opened.message}`)
        this.skip()
      }
      const { loss, gradient } = await step(opened.backend)
      expect(loss).to.be.closeTo(expected.loss, 1e-3 * expected.loss)
      const norm = (values: Float32Array) => Math.hypot(...values)
      const difference = norm(gradient.map((value, i) => value - expected.gradient[i]!))
      expect(difference / norm(expected.gradient)).to.be.lessThan(1e-3)
      expect(norm(expected.gradient)).to.be.greaterThan(0.01)
      console.log(
        `      loss off by ${Math.abs(loss - expected.loss)}, gradient by ${difference / norm(expected.gradient)} of its norm`
      )
    })
  }
})
