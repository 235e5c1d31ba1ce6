import { expect } from 'chai'
import { decodeJournal, encodeJournalEntry, type JournalEntry } from '../../../node/round/journal.ts'

const hash = new Uint8Array(32).fill(0xab)

const entries: JournalEntry[] = [
  { round: 3, attempt: 1, kind: 'advertise' },
  {
    round: 3,
    attempt: 1,
    kind: 'vote',
    subject: 'survivors',
    vote: 'commit',
    view: 2,
    valueHash: hash,
    lock: { certificate: Uint8Array.of(1, 2, 3), decision: new Uint8Array() }
  },
  { round: 3, attempt: 1, kind: 'new-view', subject: 'result', view: 4 },
  { round: 3, attempt: 1, kind: 'release', survivorsHash: hash }
]

describe('journal of a round', () => {
  it('comes back as it was written', () => {
    const text = entries.map(encodeJournalEntry).join('')
    expect(decodeJournal(text)).to.deep.equal(entries)
  })

  it('takes the byte arrays of the network, which have a JSON form of their own', () => {
    const entry: JournalEntry = { round: 0, attempt: 0, kind: 'release', survivorsHash: Buffer.from(hash) }
    expect(decodeJournal(encodeJournalEntry(entry))).to.deep.equal([{ ...entry, survivorsHash: hash }])
  })

  it('leaves out a last line that was never synced', () => {
    const text = entries.map(encodeJournalEntry).join('')
    const whole = decodeJournal(text.slice(0, -1))
    expect(whole).to.deep.equal(entries.slice(0, -1))
  })

  it('is not trusted if another line is broken', () => {
    const lines = entries.map(encodeJournalEntry)
    expect(() => decodeJournal(`${lines[0]}{"round":3,\n${lines[2]}`)).to.throw(SyntaxError)
  })
})
