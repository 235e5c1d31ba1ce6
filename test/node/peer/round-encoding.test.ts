import { expect } from 'chai'
import { layoutOf } from '../../../aggregation/adapter-layout.ts'
import { checkEncoding } from '../../../aggregation/encoding.ts'
import { createRunContext, roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { toHex } from '../../../protocols/hex.ts'
import { parseManifest } from '../../../protocols/run-manifest.ts'
import { leastManifest } from '../../support/manifests.ts'

const crypto = nodeCrypto()
const manifest = parseManifest(leastManifest)
const layout = layoutOf([
  { name: 'x.lora_A.weight', factor: 'A', shape: [2, 10] },
  { name: 'x.lora_B.weight', factor: 'B', shape: [7, 2] }
])
const initial = new Float32Array(layout.length).fill(0.5)
const base = manifest.model.sha256
const run = createRunContext(manifest, base, layout, initial, crypto)

describe('the encoding of a round', () => {
  it('sums the factors that the strategy trains: B on even counts, A on odd ones', () => {
    expect([0, 1, 2].map(completed => roundEncodingOf(run, layout, 4, completed).dimension)).to.deep.equal([
      14, 20, 14
    ])
    const both = { ...run, manifest: parseManifest({ ...leastManifest, strategy: 'fedit' }) }
    expect(roundEncodingOf(both, layout, 4, 1).dimension).to.equal(34)
  })

  it('is one that encodeInput takes, for every cohort size', () => {
    for (let n = 1; n <= 64; n++) checkEncoding(roundEncodingOf(run, layout, n, n))
  })

  it('has another hash for another cohort size, round, layout or run', () => {
    const other = createRunContext(
      parseManifest({ ...leastManifest, name: 'b' }),
      base,
      layout,
      initial,
      crypto
    )
    const moved = layoutOf(layout.tensors.map(tensor => ({ ...tensor, name: tensor.name.replace('x', 'y') })))
    const hashes = [
      run.encodingHashOf(4, 0),
      run.encodingHashOf(5, 0),
      run.encodingHashOf(4, 1),
      run.encodingHashOf(4, 2),
      other.encodingHashOf(4, 0),
      createRunContext(manifest, base, moved, initial, crypto).encodingHashOf(4, 0)
    ].map(toHex)
    expect(new Set(hashes).size).to.equal(hashes.length)
    expect(toHex(createRunContext(manifest, base, layout, initial, crypto).encodingHashOf(4, 0))).to.equal(
      hashes[0]
    )
  })
})

describe('the fixed points of a run', () => {
  it('start at a state that the initial adapter decides', () => {
    const other = createRunContext(manifest, base, layout, new Float32Array(layout.length), crypto)
    expect(toHex(other.initialStateHash)).not.to.equal(toHex(run.initialStateHash))
  })

  it('refuse another base model with a message that names both digests', () => {
    const ours = 'cd'.repeat(32)
    expect(() => createRunContext(manifest, ours, layout, initial, crypto))
      .to.throw(new RegExp(`${base}.*${ours}.*--model`))
      .with.property('code', 'OTHER_BASE_MODEL')
  })
})
