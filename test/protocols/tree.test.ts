import { expect } from 'chai'
import fc from 'fast-check'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import {
  childrenOf,
  cohortTree,
  isNodePath,
  leafOf,
  lineOf,
  nodeAt,
  parentOf,
  pathOfNode,
  type TreeShape
} from '../../protocols/tree.ts'
import { numberedPeer } from '../support/manifests.ts'
import { chiSquareTail } from '../support/uniformity.ts'

const { sha256 } = nodeCrypto()
const beacon = (number: number) => sha256(Uint8Array.of(number & 255, number >> 8))
const everyone = Array.from({ length: 200 }, (_, i) => numberedPeer(i))

const shapes: fc.Arbitrary<TreeShape & { readonly count: number }> = fc
  .record({ least: fc.integer({ min: 3, max: 6 }), over: fc.nat(12), fanIn: fc.integer({ min: 2, max: 32 }) })
  .chain(({ least, over, fanIn }) =>
    fc.record({
      least: fc.constant(least),
      size: fc.constant(least + over),
      fanIn: fc.constant(fanIn),
      count: fc.integer({ min: least, max: everyone.length })
    })
  )

/** Chi-square over counts that should be alike. */
function evenness(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return chiSquareTail(statistic, counts.length - 1)
}

describe('the tree of cohorts', () => {
  it('puts every member into exactly one leaf, as equal as can be, and none below the least', () => {
    fc.assert(
      fc.property(shapes, fc.nat(500), (shape, number) => {
        const { count, size, least } = shape
        const { levels, largestLeaf } = cohortTree(everyone.slice(0, count), beacon(number), shape, sha256)
        const leaves = levels[0]!.map(({ cohort }) => cohort)
        expect(leaves.flat().sort()).to.deep.equal(everyone.slice(0, count).sort())
        const sizes = leaves.map(({ length }) => length)
        expect(Math.max(...sizes)).to.equal(largestLeaf)
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1)
        expect(Math.min(...sizes)).to.be.at.least(least)
        expect(largestLeaf).to.be.at.most(Math.max(size, 2 * least - 1))
      })
    )
  })

  it('gives every node but the root one parent, adds at most the fan-in at each, and ends in one root', () => {
    fc.assert(
      fc.property(shapes, fc.nat(500), (shape, number) => {
        const tree = cohortTree(everyone.slice(0, shape.count), beacon(number), shape, sha256)
        const { levels, root } = tree
        expect(levels.at(-1)).to.deep.equal([root])
        for (const node of levels.flat()) {
          expect(nodeAt(tree, pathOfNode(node))).to.equal(node)
          expect(isNodePath(pathOfNode(node))).to.equal(true)
          const parent = parentOf(tree, node)
          expect(parent === null).to.equal(node === root)
          if (parent !== null) expect(childrenOf(tree, parent)).to.include(node)
          if (node.level === 0) continue
          const children = childrenOf(tree, node)
          expect(children.length).to.be.within(1, shape.fanIn)
          expect(children.flatMap(({ members }) => members).sort()).to.deep.equal([...node.members].sort())
        }
        expect(root.members.length).to.equal(shape.count)
      })
    )
  })

  it('seats parent cohorts of the members below them, as many as a cohort takes or all', () => {
    fc.assert(
      fc.property(shapes, fc.nat(500), (shape, number) => {
        const { levels } = cohortTree(everyone.slice(0, shape.count), beacon(number), shape, sha256)
        for (const { level, cohort, members } of levels.flat()) {
          expect(cohort).to.deep.equal([...new Set(cohort)].sort())
          for (const peer of cohort) expect(members).to.include(peer)
          if (level > 0) expect(cohort.length).to.equal(Math.min(shape.size, members.length))
        }
      })
    )
  })

  it('does not depend on the order in which the members are listed', () => {
    const shape = { size: 5, least: 4, fanIn: 3 }
    const members = everyone.slice(0, 61)
    const tree = cohortTree(members, beacon(7), shape, sha256)
    fc.assert(
      fc.property(fc.shuffledSubarray(members, { minLength: members.length }), list => {
        expect(cohortTree(list, beacon(7), shape, sha256)).to.deep.equal(tree)
      }),
      { numRuns: 20 }
    )
    expect(cohortTree(members, beacon(8), shape, sha256)).not.to.deep.equal(tree)
  })

  it('seats everyone in each leaf and in the root as often as anyone else', () => {
    const members = everyone.slice(0, 20)
    const inFirstLeaf = members.map(() => 0)
    const inRoot = members.map(() => 0)
    for (let i = 0; i < 1500; i++) {
      const tree = cohortTree(members, beacon(i), { size: 5, least: 4, fanIn: 2 }, sha256)
      for (const peer of tree.levels[0]![0]!.cohort) inFirstLeaf[members.indexOf(peer)]!++
      for (const peer of tree.root.cohort) inRoot[members.indexOf(peer)]!++
    }
    expect(evenness(inFirstLeaf)).to.be.above(1e-4)
    expect(evenness(inRoot)).to.be.above(1e-4)
  })

  it('of one cohort is that cohort', () => {
    const members = everyone.slice(0, 7)
    const { levels, root } = cohortTree(members, beacon(1), { size: 4, least: 4, fanIn: 32 }, sha256)
    expect(levels.length).to.equal(1)
    expect(root.cohort).to.deep.equal([...members].sort())
  })

  it('leads from a member up to the root', () => {
    const tree = cohortTree(everyone.slice(0, 16), beacon(3), { size: 4, least: 4, fanIn: 2 }, sha256)
    expect(tree.levels.map(({ length }) => length)).to.deep.equal([4, 2, 1])
    for (const peer of everyone.slice(0, 16)) {
      const line = lineOf(tree, peer)
      expect(line.map(({ level }) => level)).to.deep.equal([0, 1, 2])
      expect(line[0]).to.equal(leafOf(tree, peer))
      for (const { members } of line) expect(members).to.include(peer)
    }
    expect(lineOf(tree, numberedPeer(999))).to.deep.equal([])
  })

  it('has no node for a name that is none', () => {
    const tree = cohortTree(everyone.slice(0, 16), beacon(3), { size: 4, least: 4, fanIn: 2 }, sha256)
    for (const path of ['', '0', '0/4', '3/0', '00/1', '0/01', '-1/0', '0/1/2', ' 0/1', '1e0/0', '0/99999'])
      expect(nodeAt(tree, path), path).to.equal(null)
  })
})
