import { expect } from 'chai'
import { createRoundMachine, transcriptOf } from '../../../node/round/round-machine.ts'
import type { RunState } from '../../../node/round/round-state.ts'
import type { Effect, RoundEvent } from '../../../node/round/round-types.ts'
import { contextOfRound } from '../../../protocols/chain.ts'
import { treeAt } from '../../../protocols/chain-cohorts.ts'
import { contextOfNode } from '../../../protocols/cohort-sum.ts'
import { rankMembers } from '../../../protocols/election.ts'
import { openMessage, type SignedMessage, sealMessage } from '../../../protocols/envelope.ts'
import { judgeMessage } from '../../../protocols/gossip-validation.ts'
import { toHex } from '../../../protocols/hex.ts'
import {
  CertifiedDecision,
  type CohortSum,
  Decision,
  Envelope,
  Proposal
} from '../../../protocols/messages.js'
import { leafOf, pathOfNode } from '../../../protocols/tree.ts'
import { linkAfter, testRun } from '../../support/chains.ts'
import { certifiedSum, cohortSumOf } from '../../support/cohort-sums.ts'
import { bytes32 } from '../../support/liars.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { lyingNetwork, noticesOf, treeCluster, treeOf } from '../../support/tree-cluster.ts'

describe('a member of a parent cohort that lies', () => {
  it('about what the sums below add up to gets no vote: another leads, and the sum is right', async () => {
    const lied: string[] = []
    const cluster = treeCluster({ founders: 8 })
    // Whoever leads the root proposes another state.
    const network = lyingNetwork(cluster, ({ type, payload, context, sender }) => {
      if (type !== 'proposal' || context.cohort !== '1/0') return null
      const proposal = Proposal.decode(payload)
      const { link } = Decision.decode(proposal.decision)
      if (link === undefined || (lied.length > 0 && lied[0] !== sender)) return null
      lied.push(sender)
      return Proposal.encode({
        ...proposal,
        decision: Decision.encode({ link: { ...link, stateHash: bytes32(1) } })
      })
    })
    const lives = await Promise.all(Array.from({ length: 8 }, (_, i) => cluster.start(i + 1, { network })))
    expect(await cluster.runToEnd()).to.equal(true)
    expect(lied.length).to.be.above(0)
    const [link] = linksOf(lives[0]!)
    expect(link).to.include({ kind: 'result' })
    expect(link!.stateHash).to.not.deep.equal(bytes32(1))
    expect(link!.survivors.length).to.equal(8)
    const root = lives.filter(({ member }) => link!.cohort.includes(member.id) && member.id !== lied[0])
    const refusals = root.flatMap(life => noticesOf(life, 'refused').filter(({ peer }) => peer === lied[0]))
    expect(new Set(refusals.map(({ what, reason }) => `${what}: ${reason}`))).to.deep.equal(
      new Set(['proposal: its result decision does not follow from what this peer knows'])
    )
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('and leaves out a cohort whose sum the others hold gets no vote either', async () => {
    let left = ''
    const cluster = treeCluster({ founders: 8 })
    const network = lyingNetwork(cluster, ({ type, payload, context, sender }) => {
      if (type !== 'proposal' || context.cohort !== '1/0') return null
      const proposal = Proposal.decode(payload)
      const { link } = Decision.decode(proposal.decision)
      if (link === undefined || (left !== '' && left !== sender)) return null
      left = sender
      const children = link.children.slice(1)
      return Proposal.encode({ ...proposal, decision: Decision.encode({ link: { ...link, children } }) })
    })
    const lives = await Promise.all(Array.from({ length: 8 }, (_, i) => cluster.start(i + 1, { network })))
    expect(await cluster.runToEnd()).to.equal(true)
    expect(left).to.not.equal('')
    expect(linksOf(lives[0]!)[0]!.children.length).to.equal(2)
    await cluster.stop()
  })
})

describe('what was said in one cohort', () => {
  it('means nothing in another: replayed it is not heard, relabelled it is not signed', async () => {
    const { machine, state, run, others } = await inTheFirstRound()
    const [own, other] = [state.attempt!, others]
    // Said by a member of another cohort, in its own.
    const replayed = machine.step(state, { type: 'message', message: other }, 2_000_000)
    expect(replayed.state.attempt!.advertised.size).to.equal(own.advertised.size)
    expect(replayed.state.backlog.size).to.equal(0)
    expect(saidIn(replayed.effects)).to.deep.equal([])
    // The same words as if said here: the signature covers the cohort.
    const envelope = Envelope.decode(other.bytes)
    const relabelled = Envelope.encode({
      ...envelope,
      context: { ...envelope.context!, cohort: own.context.cohort! }
    })
    expect(judgeMessage(relabelled, run.run, null, run.crypto)).to.include({
      verdict: 'reject',
      reason: 'BAD_SIGNATURE'
    })
    // Signed anew by its own hand, for a cohort that it is not in.
    const { signer } = run.members.find(({ id }) => id === other.sender)!
    const stranger = sealMessage(other.type, own.context, other.payload, signer, run.crypto)
    const refused = machine.step(state, { type: 'message', message: stranger }, 2_000_000)
    expect(refused.state.attempt!.advertised.size).to.equal(own.advertised.size)
    expect(refused.effects).to.deep.include({
      type: 'notice',
      notice: 'refused',
      peer: other.sender,
      what: 'advertise-keys',
      reason: 'not in the cohort'
    })
  })
})

describe('a cohort of which more than f members lie', () => {
  const run = testRun(16, { cohort: { founders: 16, size: 4, larger: 'tree', fanIn: 2 } })
  const tree = treeAt(run.tip, run.run, run.crypto)!
  const parent = tree.levels[1]![0]!
  const member = run.members.find(({ id }) => parent.cohort.includes(id))!
  // Not its own: of that it hears from within.
  const child = parent.children
    .map(index => tree.levels[0]![index]!)
    .find(({ cohort }) => !cohort.includes(member.id))!
  const length = 4 * 102

  /** A member of the parent cohort, at the start of the round. */
  function seated() {
    const machine = createRoundMachine({
      crypto: run.crypto,
      signer: member.signer,
      self: member.id,
      run: run.run,
      factorsOf: () => ['B'],
      laneCountOf: () => 102
    })
    const { state } = machine.step(machine.initial(0), { type: 'adopt', tip: run.tip }, 0)
    const cohort = pathOfNode(parent)
    const probed = { type: 'probed', round: 0, attempt: 0, journal: [], transcript: [], answers: 3 } as const
    return { machine, state: machine.step(state, { ...probed, cohort }, 1).state }
  }
  const handedUp = (sum: CohortSum, from = child.cohort[0]!): SignedMessage => {
    const { signer } = run.members.find(({ id }) => id === from)!
    const context = contextOfNode(contextOfRound(run.tip, run.run, 4), child, sum.rosterHash)
    return sealMessage('certificate', context, certifiedSum(run, tree, child, sum), signer, run.crypto)
  }
  const childIn = (state: RunState) =>
    state.parents
      .find(({ place }) => place.node.index === parent.index && place.node.level === 1)!
      .children.get(child.index)

  it('and that certifies two sums is left out, and both are kept for those who know of one only', () => {
    const { machine, state } = seated()
    const sum = cohortSumOf(run, tree, child, length)
    const once = machine.step(state, { type: 'message', message: handedUp(sum) }, 2)
    expect(once.effects.filter(({ type }) => type === 'pull-sum')).to.have.lengthOf(1)
    expect(childIn(once.state)!.standing).to.equal('pulling')
    // From another member: the same, and no more work.
    const again = machine.step(once.state, { type: 'message', message: handedUp(sum, child.cohort[1]!) }, 3)
    expect(again.effects.filter(({ type }) => type === 'pull-sum')).to.deep.equal([])
    const other = handedUp({ ...sum, beacon: bytes32(9) })
    const twice = machine.step(again.state, { type: 'message', message: other }, 4)
    expect(childIn(twice.state)!.standing).to.equal('useless')
    expect(twice.effects).to.deep.include({
      type: 'notice',
      notice: 'refused',
      peer: other.sender,
      what: 'certificate',
      reason: 'that cohort has certified something else'
    })
    const kept = transcriptOf(twice.state, pathOfNode(parent)).map(({ hash }) => toHex(hash))
    expect(kept).to.include(toHex(other.hash))
    // Its sum may come: it does not count any more.
    const event = { type: 'sum-held', round: 0, attempt: 0, address: sum.address, isSound: true } as const
    expect(childIn(machine.step(twice.state, event, 5).state)!.standing).to.equal('useless')
  })

  it('and whose sum no inputs can have is left out, and a forged one is not heard at all', () => {
    const { machine, state } = seated()
    const sum = cohortSumOf(run, tree, child, length)
    const { state: pulling } = machine.step(state, { type: 'message', message: handedUp(sum) }, 2)
    const event = { type: 'sum-held', round: 0, attempt: 0, address: sum.address, isSound: false } as const
    expect(childIn(machine.step(pulling, event, 3).state)!.standing).to.equal('useless')
    const forged = CertifiedDecision.decode(certifiedSum(run, tree, child, sum))
    const few = { ...forged.certificate!, signatures: forged.certificate!.signatures.slice(1) }
    const message = handedUp(sum)
    const { signer } = run.members.find(({ id }) => id === message.sender)!
    const payload = CertifiedDecision.encode({ ...forged, certificate: few })
    const sealed = sealMessage('certificate', message.context, payload, signer, run.crypto)
    const refused = machine.step(state, { type: 'message', message: sealed }, 2)
    expect(childIn(refused.state)).to.equal(undefined)
    expect(refused.effects.filter(({ type }) => type === 'pull-sum')).to.deep.equal([])
    expect(refused.effects).to.deep.include({
      type: 'notice',
      notice: 'refused',
      peer: message.sender,
      what: 'certificate',
      reason: 'its certificate does not hold'
    })
  })
})

describe('a leader that leaves out a cohort', () => {
  const run = testRun(12, { cohort: { founders: 12, size: 4, larger: 'tree', fanIn: 3 } })
  const tree = treeAt(run.tip, run.run, run.crypto)!
  const { root } = tree
  const leader = rankMembers(root.cohort, run.tip.beacon, 0, run.crypto.sha256)[0]!
  const member = run.members.find(({ id }) => root.cohort.includes(id) && id !== leader)!
  const others = tree.levels[0]!.filter(({ cohort }) => !cohort.includes(member.id))
  const length = 4 * 102
  // Each at an address of its own.
  const sums = others.map((node, i) => ({ ...cohortSumOf(run, tree, node, length), address: bytes32(i + 1) }))
  const hashOf = (cohortSum: CohortSum) => run.crypto.sha256(Decision.encode({ cohortSum }))

  /** Of the root, with the sums of two of its three cohorts; the third is late. */
  function holding(count: number) {
    const machine = createRoundMachine({
      crypto: run.crypto,
      signer: member.signer,
      self: member.id,
      run: run.run,
      factorsOf: () => ['B'],
      laneCountOf: () => 102
    })
    let { state } = machine.step(machine.initial(0), { type: 'adopt', tip: run.tip }, 0)
    const step = (event: RoundEvent, nowMs: number) => {
      const stepped = machine.step(state, event, nowMs)
      ;({ state } = stepped)
      return stepped.effects
    }
    const probed = { type: 'probed', round: 0, attempt: 0, journal: [], transcript: [], answers: 3 } as const
    step({ ...probed, cohort: pathOfNode(root) }, 1)
    for (const [i, node] of others.slice(0, count).entries()) {
      const { signer } = run.members.find(({ id }) => id === node.cohort[0])!
      const context = contextOfNode(contextOfRound(run.tip, run.run, 4), node, sums[i]!.rosterHash)
      const payload = certifiedSum(run, tree, node, sums[i]!)
      step({ type: 'message', message: sealMessage('certificate', context, payload, signer, run.crypto) }, 2)
      step({ type: 'sum-held', round: 0, attempt: 0, address: sums[i]!.address, isSound: true }, 3)
    }
    const { dueMs, context } = state.parents[0]!
    step({ type: 'tick' }, dueMs + 1)
    /** What this member does about a result that adds so many of the sums. */
    return (children: readonly Uint8Array[]) => {
      const link = {
        ...linkAfter(run, run.tip, 'result', bytes32(7)),
        node: pathOfNode(root),
        children: [...children]
      }
      const payload = Proposal.encode({
        subject: 'result',
        view: 0,
        decision: Decision.encode({ link }),
        newViews: []
      })
      const { signer } = run.members.find(({ id }) => id === leader)!
      return step(
        { type: 'message', message: sealMessage('proposal', context, payload, signer, run.crypto) },
        dueMs + 2
      )
    }
  }
  const refused = {
    type: 'notice',
    notice: 'refused',
    peer: leader,
    what: 'proposal',
    reason: 'its result decision does not follow from what this peer knows'
  }
  const added = (effects: readonly Effect[]) =>
    effects.flatMap(effect => (effect.type === 'add-sums' ? [effect.addresses] : []))

  it('whose sum was here in time is refused before anything is added', () => {
    const effects = holding(2)([hashOf(sums[0]!)])
    expect(effects).to.deep.include(refused)
    expect(added(effects)).to.deep.equal([])
  })

  it('whose sum is not here is listened to: what it names is added', () => {
    const effects = holding(1)([hashOf(sums[0]!)])
    expect(effects).to.not.deep.include(refused)
    expect(added(effects)).to.deep.equal([[sums[0]!.address]])
    // And one that names all that are here.
    const both = holding(2)(sums.map(hashOf))
    expect(both).to.not.deep.include(refused)
    expect(added(both)).to.deep.equal([sums.map(({ address }) => address)])
  })
})

function saidIn(effects: readonly Effect[]): Effect[] {
  return effects.filter(({ type }) => type === 'gossip' || type === 'send')
}

/** The machine of one member at the start of a round of four cohorts, and what a member of another one has said. */
async function inTheFirstRound() {
  const heard: SignedMessage[] = []
  const cluster = treeCluster({
    founders: 16,
    recorder: () => record => {
      if (record.direction === 'out' && record.kind === 'gossip' && record.label.includes('/cohort/'))
        heard.push(openMessage(record.bytes, cluster.run.crypto))
    }
  })
  const lives = await cluster.startAll()
  await cluster.runUntil(() => lives.every(({ peer }) => peer.status().phase === 'ShareKeys'))
  const { run } = cluster
  const { tip } = lives[0]!.peer.status()
  const member = run.members[0]!
  const tree = treeOf(cluster, lives[0]!)
  await cluster.stop()
  const machine = createRoundMachine({
    crypto: run.crypto,
    signer: member.signer,
    self: member.id,
    run: run.run,
    factorsOf: () => ['B'],
    laneCountOf: () => 102
  })
  const begun = machine.step(machine.initial(1_999_000), { type: 'adopt', tip: tip! }, 1_999_000)
  const cohort = pathOfNode(leafOf(tree, member.id)!)
  const probed = { type: 'probed', round: 0, attempt: 0, journal: [], transcript: [], answers: 3 } as const
  const { state } = machine.step(begun.state, { ...probed, cohort }, 1_999_500)
  const others = heard.find(({ type, context }) => type === 'advertise-keys' && context.cohort !== cohort)!
  return { machine, state: state as RunState, run, others }
}
