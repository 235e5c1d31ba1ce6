/** Masks laid over packed lanes, many at once and a piece at a time, so that neither they nor the lanes leave the cache. */
import type { CryptoSuite, KeyStream } from './crypto-suite.ts'
import { AggregationError } from './errors.ts'
import { CUT_BYTES, PIECE_BYTES, type PieceSum, type PieceSums, plainPieceSums } from './lane-sum.ts'
import type { RingBits } from './ring.ts'

/** A key stream [32-byte key] and whether its owner adds or subtracts it. */
export interface SignedMask {
  readonly key: Uint8Array
  readonly sign: 1 | -1
}

/** A key stream whose maker does not block, e.g. WebCrypto's. */
export interface AsyncKeyStream {
  /** The next `length` bytes; the array may be reused by the next call. */
  next(length: number): Promise<Uint8Array>
}

/** Asks for the next `length` bytes of the key stream of masks[mask]. */
interface KeyStreamRequest {
  mask: number
  length: number
}

export interface MaskOptions {
  readonly pieceSums?: PieceSums
  /** Where in the vector the bytes begin, a multiple of CUT_BYTES. */
  readonly firstByte?: number
  /** Asked before every piece. */
  readonly isOver?: () => boolean
}

/**
 * Lays all masks over packed lanes, in place, modulo 2^b: the AES-256-CTR key stream of each key from counter 0, read as
 * lanes just as the vector is, is added (sign 1) or subtracted (sign -1).
 * @param bytes - all of the vector, or a part of it
 * @throws AggregationError BAD_SETTING
 */
export function applyMasks(
  bytes: Uint8Array,
  masks: readonly SignedMask[],
  ringBits: RingBits,
  crypto: Pick<CryptoSuite, 'keyStream'>,
  options: MaskOptions = {}
): void {
  const { pieceSums = plainPieceSums, firstByte = 0 } = options
  checkCut(firstByte)
  const sum = pieceSums(ringBits)
  const streams: KeyStream[] = []
  try {
    for (const { key } of masks) streams.push(crypto.keyStream(key, firstByte))
    const steps = masking(bytes, masks, sum, options.isOver)
    let step = steps.next()
    while (!step.done) {
      const stream = streams[step.value.mask]!
      // Added when this returns.
      step = steps.next(stream.next(step.value.length))
      stream.release?.()
    }
  } finally {
    for (const stream of streams) stream.end?.()
    sum.end()
  }
}

/** As applyMasks, where a key stream comes from elsewhere. */
export async function applyMasksAsync(
  bytes: Uint8Array,
  masks: readonly SignedMask[],
  ringBits: RingBits,
  keyStream: (key: Uint8Array, offsetBytes: number) => AsyncKeyStream,
  options: MaskOptions = {}
): Promise<void> {
  const { pieceSums = plainPieceSums, firstByte = 0 } = options
  checkCut(firstByte)
  const sum = pieceSums(ringBits)
  const streams = masks.map(({ key }) => keyStream(key, firstByte))
  try {
    const steps = masking(bytes, masks, sum, options.isOver)
    let step = steps.next()
    while (!step.done) step = steps.next(await streams[step.value.mask]!.next(step.value.length))
  } finally {
    sum.end()
  }
}

/** Takes the next value of a piece from every mask before it goes on to the next piece. */
function* masking(
  bytes: Uint8Array,
  masks: readonly SignedMask[],
  sum: PieceSum,
  isOver: () => boolean = () => false
): Generator<KeyStreamRequest, void, Uint8Array> {
  const request: KeyStreamRequest = { mask: 0, length: 0 }
  for (let at = 0; at < bytes.length && !isOver(); at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    sum.begin(piece)
    request.length = piece.length
    for (let mask = 0; mask < masks.length; mask++) {
      request.mask = mask
      const stream = yield request
      if (masks[mask]!.sign === 1) sum.add(stream)
      else sum.subtract(stream)
    }
    sum.finish(piece)
  }
}

function checkCut(firstByte: number): void {
  if (firstByte % CUT_BYTES === 0) return
  const expected = `a multiple of ${CUT_BYTES}`
  throw new AggregationError('BAD_SETTING', { setting: 'firstByte', got: firstByte, expected })
}
