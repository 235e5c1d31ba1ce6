import { expect } from 'chai'
import { type Configuration, soundRules } from './configuration.ts'
import { exploreAll, summaryOf } from './explorer.ts'
import { plantedErrors } from './planted-errors.ts'
import { RoundModel } from './round-model.ts'
import { StateTable } from './state-table.ts'

const order = [0, 1, 2, 3]
const bounds = { views: 2, attempts: 2, leaders: [order, [1, 2, 3, 0]], rules: soundRules }

/** What `npm run test:slow` explores with a crash besides is in model-check.slow.ts. */
const slice: readonly Configuration[] = [
  { ...bounds, name: 'survivors, the first leader lies', scope: 'survivors', liar: 0, crash: 'none' },
  { ...bounds, name: 'survivors, a voter lies', scope: 'survivors', liar: 3, crash: 'none' },
  { ...bounds, name: 'result, the first leader lies', scope: 'result', liar: 0, crash: 'none' },
  { ...bounds, name: 'result, a voter lies', scope: 'result', liar: 3, crash: 'none' },
  { ...bounds, name: 'two attempts, a voter lies', scope: 'round', liar: 3, crash: 'none' },
  ...[0, 3].map(
    (victim): Configuration => ({
      ...bounds,
      name: `survivors in one view, member ${victim} dies and its journal is rolled back`,
      scope: 'survivors',
      liar: null,
      views: 1,
      crash: 'rolled-back',
      victim
    })
  )
]

describe('the rules of voting and release, in every order of events', () => {
  for (const configuration of slice) {
    it(`hold: ${configuration.name}`, () => {
      const exploration = exploreAll(configuration)
      console.log(`      ${summaryOf(configuration, exploration)}`)
      expect(exploration.violation?.trace.join('\n'), exploration.violation?.what).to.equal(undefined)
      // Worth something only if it goes far.
      expect(exploration.states).to.be.above(1_000)
      expect(exploration.depth).to.be.above(14)
    })
  }

  for (const { name, rules, where, breach, isSlow } of plantedErrors) {
    if (isSlow) continue
    it(`are broken by this error: ${name}`, () => {
      const configuration = { ...bounds, ...where, name, rules }
      const exploration = exploreAll(configuration)
      console.log(`      ${summaryOf(configuration, exploration)}`)
      expect(exploration.violation?.what).to.match(breach)
      expect(exploration.violation?.trace.join('\n')).to.match(/^member \d lies\n1\. attempt 0, .*\n2\. /)
    })
  }

  it('visit the same states with and without the symmetries', () => {
    const configuration = slice[0]!
    const model = new RoundModel(configuration)
    const table = new StateTable(model.width)
    const canonical = new StateTable(model.width)
    const key = new Uint32Array(model.width)
    table.add(model.initial())
    for (let index = 0; index < table.count; index++) {
      table.read(index, key)
      model.successors(key, next => table.add(next), true)
      model.canonical(key)
      canonical.add(key)
    }
    expect(table.count).to.be.above(2 * canonical.count)
    expect(canonical.count).to.equal(exploreAll(configuration).states)
  })
})
