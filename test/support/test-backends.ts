import type { Backend, BackendName } from '../../node/backend/backend.ts'
import { openBackend } from '../../node/platform/open-backend.ts'

/**
 * The backends that models and training are tested on, the first one alone where one is enough. By default those that are
 * everywhere; FEDPEFT_TEST_BACKENDS=tensorflow,cuda runs the same tests on others.
 */
export const testBackends: readonly BackendName[] = (
  process.env['FEDPEFT_TEST_BACKENDS'] ?? 'wasm,cpu'
).split(',') as BackendName[]

/**
 * Opens a backend, with one thread, for the tests of a `describe`, and closes it after them with all that is on it.
 * @returns what gives it while they run
 */
export function useBackend(name: BackendName = testBackends[0]!): () => Backend {
  let backend: Backend
  before(async () => {
    backend = (await openBackend({ name, threads: 1 })).backend
  })
  after(() => backend.close())
  return () => backend
}
