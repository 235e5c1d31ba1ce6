import { expect } from 'chai'
import { contextOfRound, extendChain } from '../../protocols/chain.ts'
import { treeAt } from '../../protocols/chain-cohorts.ts'
import { openCohortSum } from '../../protocols/cohort-sum.ts'
import { ZERO_HASH } from '../../protocols/envelope.ts'
import { CertifiedDecision, type CohortSum, Decision } from '../../protocols/messages.js'
import type { TreeNode } from '../../protocols/tree.ts'
import { certify, linkAfter, testRun } from '../support/chains.ts'
import { type CertifyingSum, certifiedSum, cohortSumOf } from '../support/cohort-sums.ts'

const test = testRun(16, { cohort: { founders: 16, size: 4, larger: 'tree', fanIn: 2 } })
const { run, crypto, tip } = test
const tree = treeAt(tip, run, crypto)!
const ofRound = contextOfRound(tip, run, tree.largestLeaf)
const hash = (number: number) => crypto.sha256(Uint8Array.of(number))
const lengthBytes = 408

const sumOf = (node: TreeNode) => cohortSumOf(test, tree, node, lengthBytes)
const certified = (node: TreeNode, sum: CohortSum, how: CertifyingSum = {}) =>
  certifiedSum(test, tree, node, sum, how)

function verdict(node: TreeNode, payload: Uint8Array): string {
  try {
    openCohortSum(payload, tree, node, ofRound, lengthBytes, crypto)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

const leaf = tree.levels[0]![0]!
const other = tree.levels[0]![1]!
const parent = tree.levels[1]![0]!
const nothing = {
  survivors: [],
  address: new Uint8Array(),
  length: 0,
  beacon: new Uint8Array(),
  children: []
}

describe('a certified cohort sum', () => {
  it('is taken of a leaf and of a parent cohort, and so is that nothing came of it', () => {
    for (const node of [leaf, parent]) expect(verdict(node, certified(node, sumOf(node)))).to.equal('taken')
    const { payload, open } = { payload: certified(leaf, sumOf(leaf)), open: openCohortSum }
    expect(open(payload, tree, leaf, ofRound, lengthBytes, crypto)).to.include({ kind: 'sum', node: leaf })
    for (const kind of ['abort', 'lost'])
      expect(verdict(leaf, certified(leaf, { ...sumOf(leaf), ...nothing, kind })), kind).to.equal('taken')
    expect(verdict(parent, certified(parent, { ...sumOf(parent), ...nothing, kind: 'lost' }))).to.equal(
      'taken'
    )
  })

  it('needs the commit votes of a quorum of its own cohort, each once, said in it', () => {
    const sum = sumOf(leaf)
    const refused = 'its certificate does not hold'
    expect(verdict(leaf, certified(leaf, sum, { signers: leaf.cohort.slice(0, 2) }))).to.equal(refused)
    const [first] = leaf.cohort
    expect(verdict(leaf, certified(leaf, sum, { signers: [first!, first!, first!] }))).to.equal(refused)
    expect(verdict(leaf, certified(leaf, sum, { vote: 'prepare' }))).to.equal(refused)
    expect(verdict(leaf, certified(leaf, sum, { in: other }))).to.equal(refused)
    // Another cohort's votes, for what it has itself certified.
    const theirs = certified(other, sumOf(other))
    expect(verdict(leaf, theirs)).to.not.equal('taken')
    const { certificate, decision } = CertifiedDecision.decode(certified(leaf, sum))
    const changed = Decision.encode({ cohortSum: { ...sum, address: hash(9) } })
    expect(
      verdict(leaf, CertifiedDecision.encode({ certificate: certificate!, decision: changed }))
    ).to.equal(refused)
    expect(verdict(leaf, CertifiedDecision.encode({ decision }))).to.equal('no cohort sum, or no certificate')
  })

  it('cannot have survivors that are not its own, or fewer than its quorum, or none', () => {
    const survivors = (peers: readonly string[]) => peers.map(peer => ({ peer, address: hash(1) }))
    for (const peers of [
      other.cohort,
      leaf.cohort.slice(0, 2),
      [...leaf.cohort].reverse(),
      [leaf.cohort[0]!, leaf.cohort[0]!, leaf.cohort[1]!],
      []
    ])
      expect(verdict(leaf, certified(leaf, { ...sumOf(leaf), survivors: survivors(peers) }))).to.not.equal(
        'taken'
      )
    expect(
      verdict(leaf, certified(leaf, { ...sumOf(leaf), survivors: survivors(leaf.cohort.slice(1)) }))
    ).to.equal('taken')
  })

  it('is refused with anything else that its kind and its place do not have', () => {
    const wrong: Array<[TreeNode, Partial<CohortSum>]> = [
      [leaf, { kind: 'more' }],
      [leaf, { length: lengthBytes + 4 }],
      [leaf, { address: hash(3).subarray(1) }],
      [leaf, { beacon: new Uint8Array() }],
      [leaf, { children: [hash(1)] }],
      [leaf, { kind: 'lost' }],
      [leaf, { kind: 'abort' }],
      [parent, { rosterHash: hash(2) }],
      [parent, { children: [] }],
      [parent, { children: [hash(1), hash(2), hash(3)] }],
      [parent, { ...nothing, kind: 'abort' }]
    ]
    for (const [node, part] of wrong)
      expect(verdict(node, certified(node, { ...sumOf(node), ...part })), JSON.stringify(part)).to.not.equal(
        'taken'
      )
    expect(verdict(leaf, certified(leaf, sumOf(leaf), { subject: 'survivors' }))).to.equal(
      'a sum decided as survivors'
    )
  })
})

describe('the link of a larger network', () => {
  const survivors = tree.levels[0]!.flatMap(({ cohort }) => cohort.map(peer => ({ peer, address: hash(1) })))
  const link = {
    ...linkAfter(test, tip, 'result', hash(7)),
    rosterHash: ZERO_HASH,
    encodingHash: run.encodingHashOf(4, 0),
    node: '2/0',
    survivors,
    children: [hash(20), hash(21)]
  }
  const extended = (change: object) => {
    try {
      return extendChain(tip, certify(test, { ...link, ...change }), run, crypto).tip
    } catch (error) {
      return (error as Error).message
    }
  }

  it('is certified by the root that the chain fixes, wherever else a quorum signs', () => {
    expect(extended({})).to.include({ height: 1, completedRounds: 1 })
    expect(link.cohort).to.deep.equal(tree.root.cohort)
    for (const node of [leaf, parent].filter(({ cohort }) => cohort.join() !== tree.root.cohort.join()))
      expect(extended({ cohort: [...node.cohort] })).to.contain(
        'its cohort is not the one that the chain fixed'
      )
    expect(extended({ node: '1/0' })).to.contain('it was not agreed on where the chain says')
    expect(extended({ node: undefined })).to.contain('it was not agreed on where the chain says')
  })

  it('is never an abort, and adds what it can add: survivors by cohort, each a quorum', () => {
    expect(extended({ kind: 'abort', reason: 'too-few-inputs' })).to.be.a('string')
    expect(extended({ children: [] })).to.contain('adds no cohort sum')
    expect(extended({ children: [hash(1), hash(2), hash(3)] })).to.contain('more cohort sums than there are')
    expect(extended({ survivors: survivors.slice(2) })).to.contain(
      'fewer survivors in a cohort than its quorum'
    )
    expect(extended({ survivors: [...survivors].reverse() })).to.be.a('string')
    // A whole cohort may be missing; its members are neither heard of nor silent.
    const without = extended({ survivors: survivors.slice(4) })
    expect(without).to.have.property('silent').that.deep.equals([])
    const silent = extended({ survivors: survivors.slice(1) })
    expect(silent).to.have.property('silent').that.deep.equals([tree.levels[0]![0]!.cohort[0]])
  })
})
