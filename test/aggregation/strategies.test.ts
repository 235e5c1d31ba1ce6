import { expect } from 'chai'
import { AggregationError } from '../../aggregation/errors.ts'
import { fedit, ffa, rolora, strategyByName } from '../../aggregation/strategies.ts'

describe('strategies', () => {
  const first = (strategy: typeof fedit) => [0, 1, 2, 3].map(rounds => strategy.factorsOf(rounds).join(''))

  it('fedit trains A and B in every round', () =>
    expect(first(fedit)).to.deep.equal(['AB', 'AB', 'AB', 'AB']))
  it('ffa trains B only', () => expect(first(ffa)).to.deep.equal(['B', 'B', 'B', 'B']))
  it('rolora starts with B, as A has no gradient while B is zero', () =>
    expect(first(rolora)).to.deep.equal(['B', 'A', 'B', 'A']))

  it('are found by name; an unknown name is answered with those that there are', () => {
    for (const strategy of [fedit, ffa, rolora]) expect(strategyByName(strategy.name)).to.equal(strategy)
    expect(() => strategyByName('fedsa')).to.throw(
      AggregationError,
      'unknown strategy "fedsa": choose one of rolora, ffa, fedit'
    )
  })
})
