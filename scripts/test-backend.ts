// Runs the suites of backends, models, adapters and training on one backend: `npm run test:cuda`, `npm run test:tensorflow`.
// Where the backend cannot be had it prints one line that begins with SKIPPED, and exits 0.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type BackendName, backendNames } from '../node/backend/backend.ts'
import { runBackendTrial } from '../node/platform/doctor/run-backend-trial.ts'
import { nvidiaFacts } from '../node/platform/tensorflow-search.ts'

/** Of everything that computes; what only reads files is the same on every backend. */
const root = fileURLToPath(new URL('..', import.meta.url))
const suites = [
  'test/node/backend/conformance/named-backends.ts',
  'test/node/backend/ops.test.ts',
  'test/node/backend/tape.test.ts',
  'test/node/platform/trainer-pool-backend.test.ts',
  ...globSync('test/node/{model,peft,runtime,train}/*.test.ts', { cwd: root })
]

async function main(name: BackendName): Promise<number> {
  const outcome = await runBackendTrial(name, availableParallelism())
  if (outcome.kind === 'unavailable') {
    console.log(`SKIPPED: ${name}: ${outcome.reason}. ${outcome.fix}`)
    return 0
  }
  if (outcome.kind !== 'works') {
    console.error(`${name} is here, but does not work: ${outcome.reason}`)
    return 1
  }
  console.log(`backend  ${name}: ${outcome.description}`)
  if (name === 'cuda') {
    const { driverVersion, cards } = nvidiaFacts()
    console.log(`card     ${cards.join(', ')}\ndriver   ${driverVersion}`)
  }
  console.log(`product  ${outcome.gflopPerSecond.toFixed(0)} GFLOP per second`)
  console.log(`Node     ${process.versions.node} on ${process.platform} ${process.arch}`)
  const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...suites], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, FEDPEFT_TEST_BACKENDS: name }
  })
  return status ?? 1
}

const name = process.argv[2] as BackendName
if (backendNames.includes(name)) process.exitCode = await main(name)
else {
  console.error(`usage: node scripts/test-backend.ts ${backendNames.join(' | ')}`)
  process.exitCode = 2
}
