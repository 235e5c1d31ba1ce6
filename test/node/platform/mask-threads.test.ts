import { expect } from 'chai'
import { AggregationError } from '../../../aggregation/errors.ts'
import type { SignedMask } from '../../../aggregation/mask-stream.ts'
import { RING_WIDTHS, type RingBits } from '../../../aggregation/ring.ts'
import type { MaskedSum } from '../../../aggregation/secure-sum.ts'
import { maskingHere } from '../../../node/peer/masking.ts'
import { packMasks, unpackMasks } from '../../../node/platform/mask-messages.ts'
import { MaskThreads } from '../../../node/platform/mask-threads.ts'
import { nodeCrypto, seededCrypto } from '../../../node/platform/node-crypto.ts'
import { maskVectorInput } from '../../support/mask-vector-input.ts'

const crypto = nodeCrypto()
const never = new AbortController().signal

function jobOf(ringBits: RingBits, lanes: number, masks: number, bodies = 3): MaskedSum {
  const secrets = seededCrypto(Uint8Array.of(ringBits, masks))
  const mask = (_: unknown, i: number): SignedMask => ({
    key: secrets.randomBytes(32),
    sign: i % 3 === 0 ? -1 : 1
  })
  const body = (_: unknown, i: number) => maskVectorInput(ringBits, lanes).map(byte => byte & (15 + 16 * i))
  return {
    ringBits,
    bodies: Array.from({ length: bodies }, body),
    masks: Array.from({ length: masks }, mask)
  }
}

describe('masks made on other threads', () => {
  const threads = new MaskThreads({ threads: 2, smallestBytes: 0 })
  after(() => threads.close())

  it('are the same as here, whatever the width, the length and how the work is cut', async () => {
    for (const ringBits of RING_WIDTHS) {
      for (const lanes of [1, 32_769, 100_001]) {
        const job = jobOf(ringBits, lanes, 5)
        const before = job.bodies.map(body => body.slice())
        const there = await threads.sum(job, never)
        const here = await maskingHere(crypto).sum(job, never)
        expect(Buffer.from(there!).equals(here!), `${ringBits} bits, ${lanes} lanes`).to.equal(true)
        expect(job.bodies).to.deep.equal(before)
      }
    }
  })

  it('are made at once if they are few', async () => {
    const here = new MaskThreads({ workerUrl: new URL('file:///nowhere.ts') })
    const job = jobOf(16, 1000, 4)
    expect(await here.sum(job, never)).to.deep.equal(await maskingHere(crypto).sum(job, never))
    await here.close()
  })

  it('do not stop this thread: others are answered meanwhile', async () => {
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    await threads.sum(jobOf(16, 300_000, 50, 1), never)
    isOver = true
    // One turn would be what is left to a thread that was busy from the beginning to the end.
    expect(turns).to.be.above(20)
  })

  it('end when the attempt does, and the next job is done', async () => {
    const stop = new AbortController()
    const job = jobOf(16, 1_000_000, 100, 1)
    const sum = threads.sum(job, stop.signal)
    setImmediate(() => stop.abort())
    expect(await sum).to.equal(null)
    expect(await threads.sum(job, AbortSignal.abort())).to.equal(null)
    const next = jobOf(32, 1000, 2)
    expect(await threads.sum(next, never)).to.deep.equal(await maskingHere(crypto).sum(next, never))
  })

  it('of two attempts at once do not mix', async () => {
    const jobs = [jobOf(16, 100_000, 7), jobOf(20, 100_000, 8)]
    const there = await Promise.all(jobs.map(job => threads.sum(job, never)))
    const here = await Promise.all(jobs.map(job => maskingHere(crypto).sum(job, never)))
    there.forEach((sum, i) => {
      expect(Buffer.from(sum!).equals(here[i]!)).to.equal(true)
    })
  })

  it('refuse bodies that do not fit each other', async () => {
    const job = jobOf(16, 1000, 2)
    const refused = await threads
      .sum({ ...job, bodies: [...job.bodies, new Uint8Array(4)] }, never)
      .catch(e => e)
    expect(refused).to.be.instanceOf(AggregationError)
    expect(refused.code).to.equal('LENGTH_MISMATCH')
    const none = await threads.sum({ ...job, bodies: [] }, never).catch(e => e)
    expect(none.code).to.equal('TOO_FEW')
  })

  it('fail when a thread ends, and the next job has a new one', async () => {
    const workerUrl = new URL('../../support/dying-mask-worker.ts', import.meta.url)
    const dying = new MaskThreads({ threads: 2, smallestBytes: 0, workerUrl })
    const failure = await dying.sum(jobOf(20, 100_000, 2), never).catch(e => e)
    expect(failure).to.be.an('error')
    expect(failure.message).to.contain('exit code 3')
    const job = jobOf(16, 100_000, 2)
    const sum = await dying.sum(job, never)
    expect(Buffer.from(sum!).equals((await maskingHere(crypto).sum(job, never))!)).to.equal(true)
    await dying.close()
  })

  it('under way when it is closed come to nothing, and later ones too', async () => {
    const closing = new MaskThreads({ threads: 2, smallestBytes: 0 })
    const sum = closing.sum(jobOf(16, 1_000_000, 100, 1), never)
    await new Promise(setImmediate)
    await closing.close()
    expect(await sum).to.equal(null)
    expect(await closing.sum(jobOf(16, 10, 1), never)).to.equal(null)
  })

  it('get their keys in shared memory, which the caller overwrites', () => {
    const { masks } = jobOf(16, 1, 5)
    const packed = packMasks(masks)
    expect(unpackMasks(packed)).to.deep.equal(masks)
    const copies = unpackMasks(packed)
    new Uint8Array(packed).fill(0)
    expect(copies).to.deep.equal(masks)
  })
})
