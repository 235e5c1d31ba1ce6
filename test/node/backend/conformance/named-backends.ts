// The conformance suite on the backends that FEDPEFT_TEST_BACKENDS names, opened as every command opens them: run by
// scripts/test-backend.ts. `npm test` has its own files for those that are everywhere.
import { availableParallelism } from 'node:os'
import { openBackend } from '../../../../node/platform/open-backend.ts'
import { testBackends } from '../../../support/test-backends.ts'
import { describeBackend } from './backend.ts'

for (const name of testBackends) {
  describeBackend(
    name,
    async () => (await openBackend({ name, threads: Math.min(2, availableParallelism()) })).backend
  )
}
