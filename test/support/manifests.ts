import fc from 'fast-check'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { quorumOf } from '../../protocols/quorum.ts'

/** A peer id that differs for every number. */
export function numberedPeer(number: number): string {
  return peerIdOf(Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? number >>> (8 * i) : 9)))
}

/** The least that a person must write. */
export const leastManifest = { name: 'a run', author: numberedPeer(1), model: { sha256: 'ab'.repeat(32) } }

/** Possible manifests over the whole range of every field, some fields left out. */
export function arbitraryManifest(): fc.Arbitrary<Record<string, unknown>> {
  return fc.integer({ min: 4, max: 64 }).chain(founders =>
    fc.record(
      {
        name: fc.stringMatching(/^[A-Za-z0-9 äß—🙂]{1,20}$/u),
        author: fc.nat().map(numberedPeer),
        model: fc.record({
          sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
          source: fc.constantFrom('embedded', '../m')
        }),
        adapter: partial({
          rank: fc.integer({ min: 1, max: 256 }),
          alpha: fc.double({ min: 0.001, max: 4096, noNaN: true }),
          targetModules: fc.oneof(
            fc.constant('all-linear'),
            fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,12}$/), { minLength: 1, maxLength: 5 })
          ),
          seed: fc.nat()
        }),
        training: partial({
          steps: fc.integer({ min: 1, max: 100_000 }),
          schedule: fc.constantFrom('constant', 'cosine'),
          stepSchedule: fc.constantFrom('constant', 'cosine'),
          optimizer: fc.constantFrom('adamw', 'sgd'),
          momentum: fc.double({ min: 0, max: 0.99, noNaN: true }),
          proximalMu: fc.double({ min: 0, max: 10, noNaN: true })
        }),
        rounds: fc.integer({ min: 1, max: 100_000 }),
        cohort: fc.record({ founders: fc.constant(founders), size: fc.integer({ min: founders, max: 64 }) }),
        strategy: fc.constantFrom('rolora', 'ffa', 'fedit'),
        serverOptimizer: fc.oneof(
          fc.record({
            name: fc.constant('fedavg'),
            learningRate: fc.double({ min: 0.01, max: 10, noNaN: true })
          }),
          fc.record({ name: fc.constant('fedadam'), beta1: fc.double({ min: 0, max: 0.99, noNaN: true }) })
        ),
        secureSum: partial({
          ringBits: fc.constantFrom(16, 20, 32),
          randomK: fc.constantFrom(1, 0.5, 0.01),
          maxWeight: fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
          colluders: fc.oneof(fc.constant('default'), fc.integer({ min: 0, max: quorumOf(founders) - 2 }))
        })
      },
      { requiredKeys: ['name', 'author', 'model', 'cohort'] }
    )
  )
}

function partial<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>
}

/** The same value with the keys of every object in another order. */
export function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reordered(item)])
  )
}
