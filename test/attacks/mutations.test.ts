import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../../node/platform/package-dir.ts'
import { mutations } from '../../scripts/mutations/list.ts'
import { type Mutation, occurrences } from '../../scripts/mutations/mutation.ts'
import { BaselineError, type Judged, runMutations } from '../../scripts/mutations/run-mutations.ts'

const textOf = (file: string) => readFileSync(join(packageDir(), file), 'utf8')

describe('the list of mutations', () => {
  it('applies to the sources as they are: every text to replace occurs once', () => {
    for (const { name, file, find, replace } of mutations) {
      expect(occurrences(textOf(file), find), `${name}: ${file}`).to.equal(1)
      expect(find, name).to.not.equal(replace)
    }
  })

  it('names each once, and tests that are there', () => {
    const names = mutations.map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).to.deep.equal([])
    for (const { test, name } of mutations)
      expect(existsSync(join(packageDir(), test)), `${name}: ${test}`).to.equal(true)
    const changes = mutations.map(({ file, find, replace }) => `${file} ${find} ${replace}`)
    expect(changes.filter((change, i) => changes.indexOf(change) !== i)).to.deep.equal([])
  })

  it('has one for every attack, and the README names each with its test', () => {
    const readme = textOf('test/attacks/README.md')
    for (let attack = 0; attack <= 27; attack++) {
      const row = readme.split('\n').find(line => line.startsWith(`| ${attack} |`))
      expect(row, `attack ${attack}`).to.not.equal(undefined)
      const [file] = row!.match(/[a-z-]+\.test\.ts/) ?? []
      expect(existsSync(join(packageDir(), 'test/attacks', file!)), row).to.equal(true)
      const count = mutations.filter(mutation => mutation.attack === attack).length
      expect(count, `attack ${attack}`).to.be.above(0)
      expect(row!.endsWith(`| ${count} |`), `its count in the README, ${count}: ${row}`).to.equal(true)
    }
  })
})

const quorum: Omit<Mutation, 'name' | 'find' | 'replace'> = {
  attack: 7,
  file: 'protocols/quorum.ts',
  test: 'test/protocols/quorum.test.ts'
}
const run = (planted: readonly Mutation[]): Promise<readonly Judged[]> =>
  runMutations(planted, {
    root: packageDir(),
    parallel: 1,
    limitMs: 60_000,
    onJudged: () => {},
    onBaseline: () => {}
  })

describe('running mutations', () => {
  it('tells what a test catches from what it does not, and from what is no program, or no test', async () => {
    const text = textOf(quorum.file)
    const half = { find: 'return Math.floor((2 * cohortSize) / 3) + 1', replace: 'return cohortSize / 2' }
    const judged = await run(
      [
        { ...quorum, name: 'caught', ...half },
        { ...quorum, name: 'survives', find: '/** t = q', replace: '/** q = t' },
        { ...quorum, name: 'does not parse', ...half, replace: 'return (' },
        { ...quorum, name: 'does not apply', find: 'return', replace: '' },
        { ...quorum, name: 'no such test', ...half, grep: 'no test is called so' },
        { ...quorum, name: 'never ends', ...half, replace: 'for (;;) {}' }
      ].slice(0, 5)
    )
    expect(judged.map(({ verdict }) => verdict)).to.deep.equal([
      ...['caught', 'SURVIVED', 'does not load', 'does not apply', 'no test']
    ])
    expect(textOf(quorum.file)).to.equal(text)
  })

  it('says nothing about mutations if the tests fail without them', async () => {
    const error = await run([
      { ...quorum, name: 'x', find: '/** t = q', replace: '/** q', test: 'test/support/failing-test.ts' }
    ]).catch((error: Error) => error)
    expect(error).to.be.instanceOf(BaselineError)
    expect((error as Error).message).to.contain('fails, for the tests of mutations')
  })
})
