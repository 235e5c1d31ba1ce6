import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { JoinProgress } from '../../../../node/cli/join/progress.ts'
import { createOutput } from '../../../../node/cli/output.ts'
import type { RoundBytes } from '../../../../node/peer/byte-account.ts'
import type { PeerEvent } from '../../../../node/peer/peer-types.ts'
import { emptyRecord } from '../../../../protocols/admission.ts'
import type { ChainTip } from '../../../../protocols/chain-tip.ts'
import { fromHex } from '../../../../protocols/hex.ts'
import { LinkBody } from '../../../../protocols/messages.js'
import { jsonLines } from '../../../support/cli.ts'
import { numberedPeer } from '../../../support/manifests.ts'

const [self, b, c] = [1, 2, 3].map(numberedPeer) as [string, string, string]
const short = (peer: string) => `…${peer.slice(-6)}`
const hash = (byte: string) => fromHex(byte.repeat(32))!

const bytes: RoundBytes = {
  maskedUpload: { sent: 50_000, received: 0 },
  verification: { sent: 1_000, received: 100_000 },
  control: { sent: 1_000, received: 2_000 }
}

const tip: ChainTip = {
  height: 3,
  linkHash: hash('ab'),
  round: 2,
  attempt: 0,
  members: [self, b, c],
  beacon: hash('0b'),
  stateHash: hash('cd'),
  completedRounds: 2,
  silent: [],
  recentLinks: [],
  privacy: null,
  end: null,
  expelled: [],
  pardon: null,
  failures: [],
  admission: emptyRecord,
  paused: false,
  orderLinks: [],
  history: []
}

function linkEvent(kind: 'result' | 'abort' | 'lost'): PeerEvent {
  const link = LinkBody.decode(
    LinkBody.encode({
      ...LinkBody.decode(new Uint8Array()),
      height: 3,
      kind,
      round: 1,
      attempt: 2,
      cohort: [self, b, c],
      members: [self, b, c],
      survivors: kind === 'abort' ? [] : [self, c].map(peer => ({ peer, address: hash('11') })),
      stateHash: hash('cd'),
      meanLoss: 3.25,
      completedRounds: 2,
      reason: { result: '', abort: 'too-few-inputs', lost: 'not-opened' }[kind],
      expulsions: kind === 'abort' ? [{ peer: b, kind: 'wrong-share', evidenceHash: hash('ee') }] : []
    })
  )
  return { type: 'link', kind, link, tip, bytes }
}

function phase(name: string, round: number, attempt = 0, aggregator: string | null = b): PeerEvent {
  const cohort = [self, b, c]
  return { type: 'notice', notice: 'phase', phase: name, round, attempt, aggregator, cohort } as PeerEvent
}

function told(
  events: readonly PeerEvent[],
  json = true,
  terminal = false
): { words: string; lines: object[] } {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const output = createOutput({ stdout, stderr }, json)
  if (terminal) Object.assign(output.words, { isTTY: true })
  const progress = new JoinProgress(output, self, 8)
  for (const event of events) progress.take(event)
  const text = (stream: PassThrough) => String(stream.read() ?? '')
  const [out, err] = [text(stdout), text(stderr)]
  return json ? { words: err, lines: jsonLines(out) } : { words: out, lines: [] }
}

describe('the progress of a peer', () => {
  it('names round, members and aggregator once, then each phase', () => {
    const { words } = told([
      phase('AdvertiseKeys', 1),
      phase('ShareKeys', 1),
      phase('LocalTraining', 1),
      phase('Unmasking', 1, 0, c)
    ])
    expect(words.split('\n')).to.deep.equal([
      `round 2 of 8: 3 in: this peer ${short(b)} ${short(c)}`,
      `  AdvertiseKeys, aggregator ${short(b)}`,
      '  ShareKeys',
      '  LocalTraining',
      `  Unmasking, aggregator ${short(c)}`,
      ''
    ])
    expect(told([phase('AdvertiseKeys', 1, 1, self)]).words)
      .to.contain('attempt 2')
      .and.contain('aggregator this peer')
  })

  it('tells of a link who is in the sum, what was learnt and what it cost', () => {
    const { words, lines } = told([linkEvent('result')])
    expect(words).to.equal(
      'round 2 of 8 done: 2 of 3 in the sum, mean training loss 3.25, state cdcdcdcdcdcd; 52 KB sent, 102 KB received\n'
    )
    expect(lines).to.deep.equal([
      {
        event: 'link',
        kind: 'result',
        height: 3,
        round: 1,
        attempt: 2,
        cohort: [self, b, c],
        survivors: [self, c],
        members: [self, b, c],
        expelled: [],
        meanLoss: 3.25,
        completedRounds: 2,
        linkSha256: 'ab'.repeat(32),
        stateSha256: 'cd'.repeat(32),
        beacon: '0b'.repeat(32),
        bytes
      }
    ])
  })

  it('tells of a link with noise what privacy is spent, and of no loss, as there is none', () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const progress = new JoinProgress(createOutput({ stdout, stderr }, true), self, 8, { delta: 1e-5 })
    const event = linkEvent('result') as PeerEvent & { type: 'link' }
    const link = { ...event.link, meanLoss: 0, epsilonSpent: 3.2112345 }
    progress.take({ ...event, link, tip: { ...tip, privacy: { releases: [], epsilon: 3.2112345 } } })
    expect(String(stderr.read()))
      .to.contain('privacy spent: epsilon 3.211 at delta 0.00001')
      .and.not.contain('loss')
    expect(jsonLines(String(stdout.read()))[0]).to.include({ meanLoss: null, epsilonSpent: 3.2112345 })
  })

  it('says why a round begins again', () => {
    const abort = told([linkEvent('abort')])
    expect(abort.words).to.contain('round 2, attempt 3, was given up: too few masked inputs')
    expect(abort.words).to.contain(`${short(b)} is expelled for wrong-share`)
    const expelled = [{ peer: b, kind: 'wrong-share', evidenceSha256: 'ee'.repeat(32) }]
    expect(abort.lines[0]).to.deep.include({ reason: 'too-few-inputs', expelled })
    expect(told([linkEvent('lost')]).words).to.contain('is lost: the sum could not be opened')
    const missing = { type: 'notice', notice: 'given-up', round: 1, attempt: 2, missing: [b, c] } as const
    const words = told([{ ...missing, kind: 'abort', reason: 'too-few-inputs' }]).words
    expect(words).to.equal(`  not heard from here: ${short(b)} ${short(c)}\n`)
  })

  it('says where this peer sits in a larger network, and what its cohorts come to', () => {
    const place = { round: 1, attempt: 0, leaf: 1, leaves: 4, levels: 3, cohort: [self, b, c] }
    const placed = { type: 'notice', notice: 'placed', ...place, adds: [1, 2] } as const
    const end = { type: 'notice', notice: 'cohort-sum', round: 1, attempt: 0 } as const
    const { words, lines } = told([
      placed,
      { ...placed, adds: [] },
      { ...end, level: 0, index: 1, kind: 'sum', survivors: 3, children: 0, ofChildren: 0 },
      { ...end, level: 0, index: 1, kind: 'abort', survivors: 0, children: 0, ofChildren: 0 },
      { ...end, level: 1, index: 0, kind: 'sum', survivors: 7, children: 2, ofChildren: 3 },
      { ...end, level: 2, index: 0, kind: 'lost', survivors: 0, children: 0, ofChildren: 2 }
    ])
    expect(words.split('\n')).to.deep.equal([
      'cohort 2 of 4, in a tree of 3 levels; this peer adds up at level 1, 2 too',
      'cohort 2 of 4, in a tree of 3 levels',
      '  cohort 2 has certified its sum of 3 inputs',
      '  cohort 2 has given up: it is left out of this round',
      '  parent cohort 1 of level 1 has certified its sum of 7 inputs, of 2 of 3 cohorts',
      '  parent cohort 1 of level 2 has come to no sum: it is left out of this round',
      ''
    ])
    expect(lines[0]).to.deep.include({ event: 'placed', leaf: 1, leaves: 4, levels: 3 })
  })

  it('counts in a larger network against all members, not against the root that signed', () => {
    const event = linkEvent('result') as PeerEvent & { type: 'link' }
    const members = [4, 5, 6, 7, 8].map(numberedPeer)
    const { words } = told([
      { type: 'founded', tip: { ...tip, members } },
      { ...event, link: { ...event.link, node: '1/0' } }
    ])
    expect(words).to.contain('2 of 5 in the sum')
  })

  it('says who cheated, in what, and where the evidence lies', () => {
    const what = 'two different masked-input messages'
    const { words, lines } = told([
      {
        type: 'blamed',
        peer: b,
        kind: 'equivocation',
        what,
        round: 1,
        attempt: 0,
        file: 'runs/ab/evidence/x'
      }
    ])
    expect(words).to.equal(`${short(b)} cheated in round 2: ${what}; see runs/ab/evidence/x\n`)
    expect(lines[0]).to.include({
      event: 'blamed',
      peer: b,
      kind: 'equivocation',
      file: 'runs/ab/evidence/x'
    })
  })

  it('says why the run is paused', () => {
    const failures = [0, 1, 2].map(attempt => ({ round: 4, attempt, reason: 'too-few-inputs' }) as const)
    const pause = { code: 'GIVEN_UP', failures } as const
    const { words, lines } = told([{ type: 'notice', notice: 'paused', pause, missing: [c] }])
    const why = 'round 5 was given up 3 times: too few masked inputs; missing at the end were'
    expect(words).to.contain(`${why} ${short(c)}; the run is paused until its author sets the members anew`)
    expect(lines[0]).to.deep.include({ event: 'paused', code: 'GIVEN_UP', missing: [c] })
  })

  it('gives every other event its name, and hashes as text', () => {
    const id = { round: 1, attempt: 0 }
    const { lines } = told([
      { type: 'notice', notice: 'input-announced', ...id, peer: b },
      { type: 'notice', notice: 'input-held', ...id, peer: b },
      { type: 'notice', notice: 'waiting', have: 3, need: 5, missing: [c] },
      { type: 'training', ...id, steps: 1, ofSteps: 12, loss: 3.5 },
      { type: 'founded', tip },
      { type: 'caught-up', from: b, tip, links: 2 },
      { type: 'warning', message: 'late' },
      { type: 'error', error: new Error('disk full') },
      {
        type: 'finished',
        result: {
          completedRounds: 8,
          stateHash: hash('ef'),
          adapter: new Float32Array(1),
          end: 'rounds',
          privacySpent: null
        }
      }
    ])
    const at = {
      height: 3,
      round: 2,
      attempt: 0,
      members: [self, b, c],
      completedRounds: 2,
      linkSha256: 'ab'.repeat(32),
      stateSha256: 'cd'.repeat(32),
      beacon: '0b'.repeat(32)
    }
    expect(lines).to.deep.equal([
      { event: 'input-announced', ...id, peer: b },
      { event: 'input-held', ...id, peer: b },
      { event: 'waiting', have: 3, need: 5, missing: [c] },
      { event: 'training', ...id, steps: 1, ofSteps: 12, loss: 3.5 },
      { event: 'founded', ...at },
      { event: 'caught-up', from: b, links: 2, ...at },
      { event: 'warning', message: 'late' },
      { event: 'failed', message: 'disk full' },
      {
        event: 'finished',
        completedRounds: 8,
        stateSha256: 'ef'.repeat(32),
        end: 'rounds',
        privacySpent: null
      }
    ])
  })

  it('does not repeat itself while it waits, until something changes', () => {
    const waiting = (have: number): PeerEvent => ({
      type: 'notice',
      notice: 'waiting',
      have,
      need: 5,
      missing: [c]
    })
    const { words } = told([waiting(3), waiting(3), waiting(4), phase('AdvertiseKeys', 0), waiting(4)])
    expect(words.match(/waiting for members/g)).to.have.length(3)
    expect(words).to.contain(`waiting for members: 4 of 5 are here; missing ${short(c)}`)
  })

  it('draws the step under way over itself on a terminal, and only the last one elsewhere', () => {
    const step = (steps: number): PeerEvent => {
      return { type: 'training', round: 0, attempt: 0, steps, ofSteps: 3, loss: 4 - steps }
    }
    expect(told([step(1), step(2), step(3)], false).words).to.equal(
      '  step 3 of 3, loss 1.000 nats per token\n'
    )
    const { words } = told([step(1), step(2), step(3)], false, true)
    expect(words).to.contain('\r\u001b[2K  step 2 of 3')
    expect(words.endsWith('\r\u001b[2K  step 3 of 3, loss 1.000 nats per token\n')).to.equal(true)
  })

  it('tells what training took only where it was cut short, or its energy is known', () => {
    const trained = (change: Partial<PeerEvent & { type: 'trained' }>): PeerEvent => ({
      type: 'trained',
      round: 0,
      attempt: 0,
      steps: 12,
      ofSteps: 12,
      endedBy: 'steps',
      seconds: 31,
      energyJoules: null,
      ...change
    })
    expect(told([trained({})], false).words).to.equal('')
    expect(told([trained({ energyJoules: 1234 })], false).words).to.equal(
      '  12 of 12 steps done in 31 s, 1.2 kJ\n'
    )
    expect(told([trained({ steps: 7, endedBy: 'seconds' })], false).words).to.equal(
      '  7 of 12 steps done in 31 s: the time allowed for a round is over\n'
    )
    const low = trained({ steps: 3, endedBy: 'power', seconds: null, energyJoules: 80 })
    expect(told([low], false).words).to.equal('  3 of 12 steps done, 80 J: the battery is low\n')
  })
})
