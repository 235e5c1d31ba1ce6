// Runs in the browser, on files that test/support/chromium.ts serves to it with their types taken out.
import { plainPieceSums, wasmPieceSums } from '../../aggregation/lane-sum.ts'
import { applyMasksAsync } from '../../aggregation/mask-stream.ts'
import { webKeyStream } from '../../aggregation/web-crypto-stream.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'
import { maskVectorInput } from './mask-vector-input.ts'
import type { MaskVector } from './mask-vectors.ts'
import { type ServerStepVectors, serverSteps } from './server-step-vectors.ts'

export interface BrowserFindings {
  readonly userAgent: string
  /** The kernel is what masks were made with, not its replacement. */
  readonly hasKernel: boolean
  /** SHA-256 of each masked vector of test/vectors/masks.json. */
  readonly maskedSha256: readonly string[]
  /** By case of test/golden/server-step.json, the state after each round. */
  readonly states: ReadonlyArray<readonly string[]>
}

const { subtle } = crypto

async function find(): Promise<BrowserFindings> {
  const vectors = (await got('/test/vectors/masks.json').then(response => response.json())) as MaskVector[]
  const golden = (await got('/test/golden/server-step.json').then(response =>
    response.json()
  )) as ServerStepVectors
  const pieceSums = wasmPieceSums(
    new Uint8Array(await (await got('/aggregation/lane-sum.wasm')).arrayBuffer())
  )
  const maskedSha256: string[] = []
  for (const { ringBits, lanes, firstByte, masks } of vectors) {
    const bytes = new Uint8Array(maskVectorInput(ringBits, lanes))
    const signed = masks.map(({ key, sign }) => ({ key: fromHex(key)!, sign }))
    const keyStream = (key: Uint8Array, offset: number) => webKeyStream(subtle, key, offset)
    await applyMasksAsync(bytes, signed, ringBits, keyStream, { pieceSums, firstByte })
    maskedSha256.push(toHex(new Uint8Array(await subtle.digest('SHA-256', bytes))))
  }
  return {
    userAgent: (globalThis as unknown as { navigator: { userAgent: string } }).navigator.userAgent,
    hasKernel: pieceSums !== plainPieceSums,
    maskedSha256,
    states: golden.cases.map(stepCase => serverSteps(golden, stepCase))
  }
}

async function got(path: string): Promise<Response> {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response
}

const body = await find().then(
  found => JSON.stringify({ found }),
  error => JSON.stringify({ failure: String(error?.stack ?? error) })
)
await fetch('/findings', { method: 'POST', body })
