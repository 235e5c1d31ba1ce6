import { expect } from 'chai'
import { type Configuration, soundRules } from './configuration.ts'
import { exploreAll, summaryOf } from './explorer.ts'
import { plantedErrors } from './planted-errors.ts'

const order = [0, 1, 2, 3]
const bounds = { views: 2, attempts: 2, leaders: [order, [1, 2, 3, 0]], rules: soundRules }

const names = ['the first leader lies', 'the second leader lies', null, 'a voter lies']

/** One agreement at a time, by the place of the liar; one member dies, at any moment, and comes back. */
const agreements = (['survivors', 'result'] as const).flatMap(scope =>
  [0, 1, 3].map(
    (liar): Configuration => ({
      ...bounds,
      name: `${scope}, ${names[liar]}, one member dies and comes back`,
      scope,
      liar,
      crash: 'restart'
    })
  )
)

const whole: readonly Configuration[] = [
  ...agreements,
  {
    ...bounds,
    name: 'survivors, nobody lies, anyone may be dead',
    scope: 'survivors',
    liar: null,
    crash: 'none'
  },
  { ...bounds, name: 'two attempts, the first leader lies', scope: 'round', liar: 0, crash: 'none' },
  {
    ...bounds,
    name: 'two attempts, a voter lies, one member dies and comes back',
    scope: 'round',
    liar: 3,
    crash: 'restart'
  }
]

describe('the rules of voting and release, in every order of events, with a crash', function () {
  this.timeout(600_000)
  const startedMs = performance.now()

  for (const configuration of whole) {
    it(`hold: ${configuration.name}`, () => {
      const exploration = exploreAll(configuration)
      console.log(`      ${summaryOf(configuration, exploration)}`)
      expect(exploration.violation?.trace.join('\n'), exploration.violation?.what).to.equal(undefined)
      expect(exploration.states).to.be.above(10_000)
    })
  }

  for (const { name, rules, where, breach, isSlow } of plantedErrors) {
    if (!isSlow) continue
    it(`are broken by this error: ${name}`, () => {
      const configuration = { ...bounds, ...where, name, rules }
      const exploration = exploreAll(configuration)
      console.log(`      ${summaryOf(configuration, exploration)}`)
      expect(exploration.violation?.what).to.match(breach)
    })
  }

  after(() => console.log(`      explored for ${((performance.now() - startedMs) / 1000).toFixed(0)} s`))
})
