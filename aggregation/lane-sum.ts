/**
 * Adds packed lanes a piece at a time: the inner loop of masking. Two implementations of the same: WebAssembly with SIMD
 * (assembly/lane-sum.ts), and plain for engines without.
 */
import { addLanes, bytesOfLanes, type Lanes, lanesOfBytes, type RingBits, subtractLanes } from './ring.ts'

/** The sum of one piece of a vector, modulo 2^b. All bytes are packed lanes as bytesOfLanes gives them. */
export interface PieceSum {
  /** At most PIECE_BYTES, and a whole number of lanes. */
  begin(piece: Uint8Array): void
  /** As long as the piece. */
  add(bytes: Uint8Array): void
  subtract(bytes: Uint8Array): void
  /** @param out - as long as the piece */
  finish(out: Uint8Array): void
  /** Overwrites what is left here of sums and masks, and lets go: it is somebody else's from here on. */
  end(): void
}

/** One for the caller alone, until it ends it. */
export type PieceSums = (ringBits: RingBits) => PieceSum

/**
 * Where a vector may be cut so that its parts can be masked by themselves: 80 bytes are five AES blocks, and 40, 32 or 20
 * whole lanes.
 */
export const CUT_BYTES = 80

/**
 * Bytes of key stream that are made at a time, as many cuts as there are in 64 KiB: they stay in the second-level cache
 * between the cipher and the addition.
 */
export const PIECE_BYTES: number = Math.floor(65_536 / CUT_BYTES) * CUT_BYTES

/** In plain JavaScript. */
export const plainPieceSums: PieceSums = ringBits => {
  let sum: Lanes | null = null
  // What arrives may be a view of anything.
  const begin = (piece: Uint8Array) => {
    sum = lanesOfBytes(new Uint8Array(piece), ringBits)
  }
  return {
    begin,
    add: bytes => addLanes(sum!, lanesOfBytes(bytes, ringBits)),
    subtract: bytes => subtractLanes(sum!, lanesOfBytes(bytes, ringBits)),
    finish: out => out.set(bytesOfLanes(sum!)),
    end: () => void sum?.fill(0)
  }
}

// What we use of the WebAssembly JavaScript interface (W3C, WebAssembly JavaScript Interface 2.0). TypeScript describes it
// only together with all of the browser, whose globals do not belong here.
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object) => { readonly exports: unknown }
  validate(bytes: Uint8Array<ArrayBuffer>): boolean
}

type Loop = (bytes: number) => void

/** Of assembly/lane-sum.ts. */
interface LaneSumExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly sumAt: { readonly value: number }
  readonly sourceAt: { readonly value: number }
  readonly add16: Loop
  readonly subtract16: Loop
  readonly add20: Loop
  readonly subtract20: Loop
  readonly add32: Loop
  readonly subtract32: Loop
  readonly pack20: Loop
  clear(): void
}

/**
 * By the compiled kernel, or in plain JavaScript where the engine has no WebAssembly with SIMD.
 * @param kernel - the bytes of lane-sum.wasm
 */
export function wasmPieceSums(kernel: Uint8Array<ArrayBuffer>): PieceSums {
  const { WebAssembly: webAssembly } = globalThis as { WebAssembly?: WebAssemblyApi }
  if (!webAssembly?.validate(kernel)) return plainPieceSums
  const module = new webAssembly.Module(kernel)
  // Every memory takes gigabytes of address space until the garbage is collected: they are used again.
  const idle: LaneSumExports[] = []
  return ringBits => {
    const kernel = idle.pop() ?? (new webAssembly.Instance(module).exports as LaneSumExports)
    return wasmPieceSum(kernel, ringBits, () => {
      kernel.clear()
      idle.push(kernel)
    })
  }
}

function wasmPieceSum(kernel: LaneSumExports, ringBits: RingBits, end: () => void): PieceSum {
  const { buffer } = kernel.memory
  const sum = new Uint8Array(buffer, kernel.sumAt.value, PIECE_BYTES)
  const source = new Uint8Array(buffer, kernel.sourceAt.value, PIECE_BYTES)
  const addLoop = { 16: kernel.add16, 20: kernel.add20, 32: kernel.add32 }[ringBits]
  const subtractLoop = { 16: kernel.subtract16, 20: kernel.subtract20, 32: kernel.subtract32 }[ringBits]
  const add = (bytes: Uint8Array) => {
    source.set(bytes)
    addLoop(bytes.length)
  }
  const subtract = (bytes: Uint8Array) => {
    source.set(bytes)
    subtractLoop(bytes.length)
  }
  if (ringBits !== 20) {
    const begin = (piece: Uint8Array) => sum.set(piece)
    return { begin, add, subtract, finish: out => out.set(sum.subarray(0, out.length)), end }
  }
  return {
    // The sums of 20 bits lie unpacked there.
    begin: piece => {
      kernel.clear()
      add(piece)
    },
    add,
    subtract,
    finish: out => {
      kernel.pack20(out.length)
      out.set(source.subarray(0, out.length))
      // After an odd number of lanes, four bits are left over.
      if (out.length % 5 === 3) out[out.length - 1]! &= 15
    },
    end
  }
}
