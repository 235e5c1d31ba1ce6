/** Switches defences off, one at a time, and sees whether a test notices. */
import type { Mutation } from './mutation.ts'
import { SourceCopy } from './source-copy.ts'
import { runTests, type TestOutcome } from './test-process.ts'

/**
 * `caught`: the mutated source loads, and its test fails, crashes or never ends. Everything else is a finding:
 * `SURVIVED` by the tests; `does not apply` to the sources; `does not load`; `no test` matches.
 */
export type Verdict = 'caught' | 'SURVIVED' | 'does not apply' | 'does not load' | 'no test'

export interface Judged {
  readonly mutation: Mutation
  readonly verdict: Verdict
  /** The first test that failed, or why none did. */
  readonly detail: string
  readonly seconds: number
}

export interface MutationOptions {
  /** Of the project. */
  readonly root: string
  /** Mutations at a time, each in its own copy of the sources. */
  readonly parallel: number
  /** A test that takes longer than this has not ended. */
  readonly limitMs: number
  readonly onJudged: (judged: Judged, done: number) => void
  readonly onBaseline: (tests: number, seconds: number) => void
}

/** The tests fail as they are, so that nothing can be said about mutations. */
export class BaselineError extends Error {}

/** @throws BaselineError if a test fails without any mutation */
export async function runMutations(
  mutations: readonly Mutation[],
  options: MutationOptions
): Promise<readonly Judged[]> {
  const { root, parallel, limitMs, onJudged, onBaseline } = options
  const copies = await Promise.all(
    Array.from({ length: Math.min(parallel, mutations.length) }, () => SourceCopy.of(root))
  )
  try {
    const startedMs = performance.now()
    const titles = await baselineTitles(mutations, copies)
    onBaseline(titles.length, (performance.now() - startedMs) / 1000)
    const judged: Judged[] = []
    const waiting = [...mutations]
    await Promise.all(
      copies.map(async copy => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const result = await judge(copy, next, titles, limitMs)
          judged.push(result)
          onJudged(result, judged.length)
        }
      })
    )
    return judged.sort((a, b) => mutations.indexOf(a.mutation) - mutations.indexOf(b.mutation))
  } finally {
    await Promise.all(copies.map(copy => copy.remove()))
  }
}

/** The titles of all tests in the files that are used, all of which pass. */
async function baselineTitles(
  mutations: readonly Mutation[],
  copies: readonly SourceCopy[]
): Promise<string[]> {
  const files = [...new Set(mutations.map(({ test }) => test))]
  const shares = copies.map((_, i) => files.filter((_, j) => j % copies.length === i))
  const outcomes = await Promise.all(
    shares.map((share, i) => runTests(copies[i]!.folder, { files: share }, 10 * 60_000))
  )
  const broken = outcomes.filter(({ end, failed }) => end !== 'ran' || failed.length > 0)
  if (broken.length > 0) {
    const why = broken.flatMap(({ end, failed }) => (failed.length > 0 ? failed : [end]))
    throw new BaselineError(`the tests fail without any mutation: ${why.join('; ')}`)
  }
  return outcomes.flatMap(({ passed }) => passed)
}

async function judge(
  copy: SourceCopy,
  mutation: Mutation,
  titles: readonly string[],
  limitMs: number
): Promise<Judged> {
  const startedMs = performance.now()
  const { test, grep, file } = mutation
  const of = (verdict: Verdict, detail: string): Judged => ({
    mutation,
    verdict,
    detail,
    seconds: (performance.now() - startedMs) / 1000
  })
  if (grep !== undefined && !titles.some(title => title.includes(grep)))
    return of('no test', `no test of ${test} is called "${grep}"`)
  const order = {
    files: [test],
    mutated: file,
    stopAtFailure: true,
    ...(grep === undefined ? {} : { grep })
  }
  const outcome = await copy.with(mutation, () => runTests(copy.folder, order, limitMs))
  if (outcome === null) return of('does not apply', `its text does not occur exactly once in ${file}`)
  return of(...verdictOf(outcome))
}

function verdictOf({ end, passed, failed }: TestOutcome): [Verdict, string] {
  if (end === 'does not load') return [end, failed[0]!]
  if (end !== 'ran') return ['caught', `the tests ${end}${failed[0] ? `: ${failed[0]}` : ''}`]
  if (failed.length > 0) return ['caught', failed[0]!]
  return passed.length > 0 ? ['SURVIVED', `${passed.length} tests pass`] : ['no test', 'no test ran']
}
