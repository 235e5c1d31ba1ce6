import { BackendError } from '../errors.ts'
import { heapStart } from './kernel-control.ts'
import type { WasmMemory } from './web-assembly.ts'

/** A piece of the memory. Neighbours are linked, so that free ones grow together again. */
export interface Block {
  /** In bytes from the memory's start, a multiple of 64. */
  readonly at: number
  /** A multiple of 64. */
  readonly bytes: number
}

interface Piece extends Block {
  at: number
  bytes: number
  isFree: boolean
  before: Piece | null
  after: Piece | null
}

/** A cache line: neighbouring tensors never share one, and vectors may be read past a tensor's last element. */
const alignment = 64

const pageBytes = 65536

/** Pages that a memory grows by at least, because each time costs the views of it anew. */
const growthPagesMin = 64

/** Kernels may read a vector past the end of the last tensor. */
const reservedAtEnd = 64

/**
 * The pool of the tensors' memory: freed blocks are found again by their size class, and join their free neighbours, so
 * that batches of other sizes do not leave it in pieces. Masmano et al. 2004, TLSF, with 16 classes to each power of two.
 */
export class Heap {
  readonly #memory: WasmMemory
  readonly #maxBytes: number
  readonly #freeByClass: Array<Set<Piece> | undefined> = []
  #last: Piece | null = null
  #end = heapStart
  #heldBytes = 0
  #peakBytes = 0

  /** @param maxBytes - of the whole memory; no more than its maximum */
  constructor(memory: WasmMemory, maxBytes: number) {
    this.#memory = memory
    this.#maxBytes = maxBytes
    this.#extend(memory.buffer.byteLength - reservedAtEnd - heapStart)
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  /** @throws BackendError OUT_OF_MEMORY */
  allocate(bytes: number): Block {
    const wanted = Math.max(1, Math.ceil(bytes / alignment)) * alignment
    const piece = this.#find(wanted) ?? this.#grow(wanted)
    this.#take(piece)
    if (piece.bytes > wanted) this.#split(piece, wanted)
    this.#heldBytes += wanted
    this.#peakBytes = Math.max(this.#peakBytes, this.#heldBytes)
    return piece
  }

  /** @param block - of `allocate`, and not freed since */
  free(block: Block): void {
    let piece = block as Piece
    if (piece.isFree) throw new Error(`the block at ${piece.at} was freed before`)
    this.#heldBytes -= piece.bytes
    if (piece.after?.isFree) this.#join(piece, piece.after)
    if (piece.before?.isFree) {
      const { before } = piece
      this.#take(before)
      this.#join(before, piece)
      piece = before
    }
    this.#offer(piece)
  }

  #find(bytes: number): Piece | null {
    const first = sizeClass(bytes)
    for (const piece of this.#freeByClass[first] ?? []) if (piece.bytes >= bytes) return piece
    for (let i = first + 1; i < this.#freeByClass.length; i++) {
      for (const piece of this.#freeByClass[i] ?? []) return piece
    }
    return null
  }

  #offer(piece: Piece): void {
    piece.isFree = true
    const index = sizeClass(piece.bytes)
    const pieces = this.#freeByClass[index]
    if (pieces) pieces.add(piece)
    else this.#freeByClass[index] = new Set([piece])
  }

  #take(piece: Piece): void {
    piece.isFree = false
    this.#freeByClass[sizeClass(piece.bytes)]?.delete(piece)
  }

  #split(piece: Piece, bytes: number): void {
    const rest: Piece = {
      at: piece.at + bytes,
      bytes: piece.bytes - bytes,
      isFree: false,
      before: piece,
      after: piece.after
    }
    piece.bytes = bytes
    piece.after = rest
    if (rest.after) rest.after.before = rest
    else this.#last = rest
    this.#offer(rest)
  }

  /** @param right - follows `left`; it is taken out of the pool if it is there, and is gone afterwards */
  #join(left: Piece, right: Piece): void {
    this.#take(right)
    left.bytes += right.bytes
    left.after = right.after
    if (right.after) right.after.before = left
    else this.#last = left
    // Whoever still holds it as a block shall not free it again.
    right.isFree = true
  }

  /** Makes the last free piece at least so large. */
  #grow(bytes: number): Piece {
    const tail = this.#last?.isFree ? this.#last.bytes : 0
    const needed = Math.ceil((bytes - tail) / pageBytes)
    const total = this.#memory.buffer.byteLength / pageBytes
    const most = Math.floor(this.#maxBytes / pageBytes) - total
    if (needed > most) throw this.#outOfMemory(bytes)
    // An eighth more than there is, so that the number of times grows with the logarithm only.
    const pages = Math.min(most, Math.max(needed, growthPagesMin, total >> 3))
    try {
      this.#memory.grow(pages)
    } catch (error) {
      throw this.#outOfMemory(bytes, error)
    }
    this.#extend(pages * pageBytes)
    return this.#last!
  }

  /** Adds what lies behind the last piece. */
  #extend(bytes: number): void {
    if (bytes <= 0) return
    const piece: Piece = { at: this.#end, bytes, isFree: false, before: this.#last, after: null }
    if (this.#last) this.#last.after = piece
    this.#last = piece
    this.#end += bytes
    this.#heldBytes += bytes
    this.free(piece)
  }

  #outOfMemory(askedBytes: number, cause?: unknown): BackendError {
    const [heldBytes, maxBytes] = [this.#heldBytes, this.#maxBytes]
    const message =
      `${inMegabytes(askedBytes)} more do not fit beside ${inMegabytes(heldBytes)} in the ${inMegabytes(maxBytes)} that the ` +
      `backend wasm may use: take a smaller batch, shorter sequences or a smaller model, or raise the memory limit (at most 4 GB)`
    return new BackendError('OUT_OF_MEMORY', { askedBytes, heldBytes, maxBytes }, message, { cause })
  }
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** Sizes of one class differ by less than a sixteenth; larger sizes have higher classes. */
function sizeClass(bytes: number): number {
  const units = bytes / alignment
  if (units < 16) return units
  const octave = 31 - Math.clz32(units)
  return (octave - 3) * 16 + ((units >>> (octave - 4)) & 15)
}
