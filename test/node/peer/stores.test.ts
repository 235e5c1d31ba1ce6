import { expect } from 'chai'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import { ChainStore } from '../../../node/peer/chain-store.ts'
import { JournalStore } from '../../../node/peer/journal-store.ts'
import { StateStore } from '../../../node/peer/state-store.ts'
import type { JournalEntry } from '../../../node/round/journal.ts'
import { type MemoryFiles, memoryFiles } from '../../../sim/memory-files.ts'
import { RememberedVerify } from '../../../sim/remembered-verify.ts'
import { certifyLink, testRun } from '../../support/chains.ts'

const test = testRun(4)
const { run, founding, tip } = test
const crypto = new RememberedVerify().of(test.crypto)
const first = certifyLink(test, tip, 'abort')
const second = certifyLink(test, first.tip, 'result', crypto.sha256(Uint8Array.of(1)))
const path = 'runs/x/chain.log'

const collect = async (frames: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = []
  for await (const frame of frames) all.push(frame)
  return all
}

const open = async (files: MemoryFiles) => {
  const cuts: string[] = []
  return { chain: await ChainStore.open(files, path, run, crypto, message => cuts.push(message)), cuts }
}

async function written(): Promise<MemoryFiles> {
  const files = memoryFiles()
  const { chain } = await open(files)
  await chain.append([founding], tip)
  await chain.append([first.bytes, second.bytes], second.tip)
  return files
}

describe('the chain on the disk', () => {
  it('is empty at first, and opens where it was left', async () => {
    expect((await open(memoryFiles())).chain.tip).to.equal(null)
    const { chain, cuts } = await open(await written())
    expect(chain.tip).to.deep.equal(second.tip)
    expect(cuts).to.deep.equal([])
  })

  it('serves its records from any height', async () => {
    const { chain } = await open(await written())
    expect(await collect(chain.records(0))).to.deep.equal([founding, first.bytes, second.bytes])
    expect(await collect(chain.records(2))).to.deep.equal([second.bytes])
    expect(await collect(chain.records(3))).to.deep.equal([])
  })

  it('cut at every byte opens at the last whole record, says so, and grows again', async () => {
    const bytes = (await (await written()).read(path))!
    const tips = [null, tip, first.tip, second.tip]
    const counts = new Map<number, number>()
    for (let length = 0; length <= bytes.length; length++) {
      const { chain, cuts } = await open(memoryFiles(new Map([[path, bytes.subarray(0, length)]])))
      const records = chain.tip === null ? 0 : chain.tip.height + 1
      expect(chain.tip, `cut at ${length}`).to.deep.equal(tips[records])
      counts.set(records, (counts.get(records) ?? 0) + 1)
      // Whole records only, or a warning: never silently less.
      const whole = records === 0 ? 0 : sizeUpTo(bytes, records)
      expect(cuts.length, `cut at ${length}`).to.equal(length === whole ? 0 : 1)
    }
    expect([...counts.keys()]).to.deep.equal([0, 1, 2, 3])

    const files = memoryFiles(new Map([[path, bytes.subarray(0, bytes.length - 1)]]))
    const { chain } = await open(files)
    await chain.append([second.bytes], second.tip)
    expect((await open(files)).chain.tip).to.deep.equal(second.tip)
  })

  it('refuses a whole record that does not follow, naming file, record and way out', async () => {
    const files = memoryFiles()
    const { chain } = await open(files)
    await chain.append([founding], tip)
    await chain.append([second.bytes], { ...second.tip, height: 1 })
    const error = await open(files).then(
      () => null,
      (error: Error) => error
    )
    expect(error).to.have.property('code', 'BROKEN_STORE')
    expect(error!.message).to.match(/runs\/x\/chain\.log: record 1 .*Delete this file/)
  })

  it('writes no more after a write that failed half-way', async () => {
    const files = await written()
    const full = { ...files, append: async () => Promise.reject(new Error('disk full')) }
    const chain = await ChainStore.open(full, path, run, crypto, () => {})
    const third = certifyLink(test, second.tip, 'lost')
    for (const _ of [1, 2]) {
      const message = await chain.append([third.bytes], third.tip).then(
        () => '',
        (error: Error) => error.message
      )
      expect(message).to.equal('disk full')
    }
    expect(chain.tip).to.deep.equal(second.tip)
  })
})

/** Length of the first records, read from their own headers. */
function sizeUpTo(bytes: Uint8Array, records: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 0
  for (let i = 0; i < records; i++) at += 12 + view.getUint32(at, true)
  return at
}

describe('the journal on the disk', () => {
  const at = (round: number, attempt: number): JournalEntry => ({ kind: 'advertise', round, attempt })
  const vote: JournalEntry = {
    kind: 'vote',
    round: 1,
    attempt: 0,
    subject: 'survivors',
    vote: 'commit',
    view: 2,
    valueHash: Uint8Array.of(1, 2),
    lock: { certificate: Uint8Array.of(3), decision: Uint8Array.of(4) }
  }
  const current = { round: 1, attempt: 0 }

  it('keeps what was appended, by attempt', async () => {
    const files = memoryFiles()
    const journal = await JournalStore.open(files, 'journal.log', null)
    for (const entry of [at(0, 0), at(1, 0), vote]) await journal.append(entry)
    const again = await JournalStore.open(files, 'journal.log', current)
    expect(again.entriesOf(current)).to.deep.equal([at(1, 0), vote])
    expect(again.lossOf(current)).to.equal(null)
  })

  it('writes no more after a write that failed, though the next one would not', async () => {
    const files = memoryFiles()
    let isFull = true
    const failing = {
      ...files,
      append: async (path: string, bytes: Uint8Array) =>
        isFull ? Promise.reject(new Error('disk full')) : files.append(path, bytes)
    }
    const journal = await JournalStore.open(failing, 'journal.log', null)
    for (const _ of [1, 2]) {
      const message = await journal.append(at(1, 0)).then(
        () => '',
        (error: Error) => error.message
      )
      // What was half written must not be followed by anything.
      expect(message).to.equal('disk full')
      isFull = false
    }
    expect(journal.entriesOf(current)).to.deep.equal([])
  })

  it('cut at every byte keeps what was whole, and takes new entries after it', async () => {
    const files = memoryFiles()
    const journal = await JournalStore.open(files, 'journal.log', null)
    await journal.append(at(1, 0))
    const oneLine = (await files.size('journal.log'))!
    await journal.append(vote)
    const bytes = (await files.read('journal.log'))!
    for (let length = 0; length <= bytes.length; length++) {
      const cut = memoryFiles(new Map([['journal.log', bytes.subarray(0, length)]]))
      const opened = await JournalStore.open(cut, 'journal.log', current)
      expect(opened.lossOf(current), `cut at ${length}`).to.equal(null)
      const whole = length < oneLine ? [] : length < bytes.length ? [at(1, 0)] : [at(1, 0), vote]
      expect(opened.entriesOf(current), `cut at ${length}`).to.deep.equal(whole)
      await opened.append({ ...vote, view: 3 })
      const reopened = await JournalStore.open(cut, 'journal.log', current)
      expect(reopened.entriesOf(current), `cut at ${length}`).to.deep.equal([...whole, { ...vote, view: 3 }])
    }
  })

  for (const [name, contents] of [
    ['missing', null],
    ['broken in the middle', new TextEncoder().encode('{"kind":"adv\n{}\n')]
  ] as const) {
    it(`${name} beside a chain is lost for that attempt, however often it is opened, and for no other`, async () => {
      const files = memoryFiles(contents === null ? new Map() : new Map([['journal.log', contents]]))
      for (const _ of [1, 2]) {
        const journal = await JournalStore.open(files, 'journal.log', current)
        await journal.prune(current)
        expect(journal.lossOf(current)).to.match(/journal\.log/)
        expect(journal.lossOf({ round: 1, attempt: 1 })).to.equal(null)
      }
      const journal = await JournalStore.open(files, 'journal.log', current)
      const next = { round: 1, attempt: 1 }
      await journal.prune(next)
      await journal.append(at(1, 1))
      const again = await JournalStore.open(files, 'journal.log', next)
      expect(again.lossOf(next)).to.equal(null)
      expect(again.entriesOf(next)).to.deep.equal([at(1, 1)])
    })
  }

  it('missing before the founding is simply new', async () => {
    const journal = await JournalStore.open(memoryFiles(), 'journal.log', null)
    expect(journal.lossOf({ round: 0, attempt: 0 })).to.equal(null)
  })

  it('lets go of closed attempts on the disk too', async () => {
    const files = memoryFiles()
    const journal = await JournalStore.open(files, 'journal.log', null)
    for (const entry of [at(0, 0), at(0, 1), vote]) await journal.append(entry)
    await journal.prune(current)
    const again = await JournalStore.open(files, 'journal.log', current)
    expect(again.entriesOf({ round: 0, attempt: 1 })).to.deep.equal([])
    expect(again.entriesOf(current)).to.deep.equal([vote])
  })
})

describe('states on the disk', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const hash = addressOf(chunkHashes(bytes, crypto), crypto)
  const other = Uint8Array.of(4)
  const otherHash = addressOf(chunkHashes(other, crypto), crypto)

  it('come back under their hash, or not at all', async () => {
    const files = memoryFiles()
    const states = new StateStore(files, 'states', crypto)
    expect(await states.read(hash)).to.equal(null)
    await states.write(hash, bytes)
    expect(await states.read(hash)).to.deep.equal(bytes)
    const [name] = await files.list('states')
    await files.write(`states/${name}`, Uint8Array.of(1, 2, 4))
    expect(await states.read(hash)).to.equal(null)
  })

  it('go when they are no longer kept', async () => {
    const files = memoryFiles()
    const states = new StateStore(files, 'states', crypto)
    await states.write(hash, bytes)
    await states.write(otherHash, other)
    await states.keepOnly([otherHash])
    expect(await states.read(hash)).to.equal(null)
    expect(await states.read(otherHash)).to.deep.equal(other)
  })
})
