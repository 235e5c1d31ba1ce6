import { expect } from 'chai'
import { createRoundMachine } from '../../../node/round/round-machine.ts'
import type { RunState } from '../../../node/round/round-state.ts'
import type { Effect } from '../../../node/round/round-types.ts'
import { openMessage, type SignedMessage, sealMessage } from '../../../protocols/envelope.ts'
import { judgeMessage } from '../../../protocols/gossip-validation.ts'
import { Decision, Envelope, Proposal } from '../../../protocols/messages.js'
import { leafOf, pathOfNode } from '../../../protocols/tree.ts'
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
