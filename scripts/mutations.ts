// Switches the defences of the round off, one at a time, and says whether a test notices.

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { mutations } from './mutations/list.ts'
import type { Mutation } from './mutations/mutation.ts'
import { BaselineError, type Judged, runMutations } from './mutations/run-mutations.ts'

const help = `npm run test:mutations [-- OPTIONS]

Every mutation switches one defence off in a copy of the sources; the test that it names must fail then.
First the tests run as they are. The checkout is not touched.

  --only NAME    mutations whose name contains NAME; may be repeated
  --attack N     mutations of attack N (test/attacks/README.md)
  --list         say what there is, and run nothing
  --parallel N   at a time (2)
  --help         this

Exit code: 0 all caught, 1 some were not, 2 wrong usage, or the tests fail as they are.`

/** Longer than any of these tests takes on a busy machine. */
const LIMIT_MS = 120_000

function wrongUsage(message: string): never {
  console.error(`${message}\n\n${help}`)
  process.exit(2)
}

function options() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        attack: { type: 'string' },
        list: { type: 'boolean' },
        parallel: { type: 'string' },
        help: { type: 'boolean' }
      }
    }).values
  } catch (error) {
    return wrongUsage((error as Error).message)
  }
}

const { only, attack, list, parallel = '2', help: wantsHelp } = options()
if (wantsHelp) {
  console.log(help)
  process.exit(0)
}
if (!/^[1-9]\d?$/.test(parallel)) wrongUsage(`--parallel takes a number from 1 to 99, not ${parallel}`)

const chosen = mutations.filter(
  ({ name, attack: number }) =>
    (only === undefined || only.some(part => name.includes(part))) &&
    (attack === undefined || number === Number(attack))
)
if (chosen.length === 0) wrongUsage('no mutation is called so: --list names them all')

if (list) {
  for (const mutation of chosen) console.log(lineOf(mutation))
  console.log(`${chosen.length} mutations`)
  process.exit(0)
}

function lineOf({ attack, name, file, test, grep }: Mutation): string {
  const where = grep === undefined ? test : `${test}: ${grep}`
  return `${String(attack).padStart(2)}  ${name}\n      ${file} -> ${where}`
}

function tell({ mutation, verdict, detail, seconds }: Judged, done: number): void {
  const progress = `${String(done).padStart(String(chosen.length).length)}/${chosen.length}`
  console.log(
    `${progress} ${verdict.padEnd(8)} ${mutation.name} (${seconds.toFixed(1)} s)\n        ${detail}`
  )
}

try {
  const startedMs = performance.now()
  const judged = await runMutations(chosen, {
    root: resolve(import.meta.dirname, '..'),
    parallel: Number(parallel),
    limitMs: LIMIT_MS,
    onJudged: tell,
    onBaseline: (tests, seconds) =>
      console.log(`without any mutation ${tests} tests pass (${seconds.toFixed(1)} s)`)
  })
  const missed = judged.filter(({ verdict }) => verdict !== 'caught')
  for (const { mutation, verdict, detail } of missed) console.log(`${verdict}: ${mutation.name} (${detail})`)
  console.log(`took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  console.log(
    `${judged.length} mutations: ${judged.length - missed.length} caught, ${missed.length} not caught`
  )
  process.exitCode = missed.length === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof BaselineError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
