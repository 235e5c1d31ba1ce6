// The entry point of a thread that makes masks.
import { parentPort } from 'node:worker_threads'
import { wasmPieceSums } from '../../aggregation/lane-sum.ts'
import { applyMasks } from '../../aggregation/mask-stream.ts'
import { readLaneSumKernel } from './kernel-files.ts'
import { type MaskPart, type MaskReply, type MaskRequest, unpackMasks } from './mask-messages.ts'
import { nodeCrypto } from './node-crypto.ts'

const port = parentPort!
const crypto = nodeCrypto()
const pieceSums = wasmPieceSums(readLaneSumKernel())

function apply({ lanes, from, to, masks: packed, ringBits, stop }: MaskPart): void {
  const masks = unpackMasks(packed)
  const flag = new Int32Array(stop)
  try {
    applyMasks(new Uint8Array(lanes, from, to - from), masks, ringBits, crypto, {
      pieceSums,
      firstByte: from,
      isOver: () => Atomics.load(flag, 0) !== 0
    })
  } finally {
    for (const { key } of masks) key.fill(0)
  }
}

port.on('message', (request: MaskRequest) => {
  if (request === 'end') return port.close()
  const { id } = request
  let failure: string | null = null
  try {
    apply(request)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  port.postMessage({ id, failure } satisfies MaskReply)
})
