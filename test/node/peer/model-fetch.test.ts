import { expect } from 'chai'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import { fetchModel } from '../../../node/peer/model-fetch.ts'
import { shareModel } from '../../../node/peer/model-sharing.ts'
import { sha256Hash } from '../../../node/platform/content-hash.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { memorySource } from '../../../protocols/blob-storage.ts'
import { toHex } from '../../../protocols/hex.ts'
import { CHUNK_BYTES } from '../../../protocols/limits.ts'
import {
  decodeFileList,
  encodeFileList,
  MODEL_PROTOCOL,
  provesModel,
  type SharedFile
} from '../../../protocols/shared-model.ts'
import type { SimNetwork } from '../../../sim/sim-network.ts'
import { crypto, randomBytes, World } from '../../support/blob-world.ts'
import { hashOf, MemoryShelf } from '../../support/memory-shelf.ts'

const text = (content: string): Uint8Array => new TextEncoder().encode(content)

const model = new Map([
  ['config.json', text('{"layers": 1}')],
  ['model-00001-of-00002.safetensors', randomBytes(70 * CHUNK_BYTES + 5, 1)],
  ['model-00002-of-00002.safetensors', randomBytes(CHUNK_BYTES - 1, 2)],
  ['model.safetensors.index.json', text('{"weight_map": {}}')],
  ['tokenizer.json', text('{"model": {}}')],
  ['tokenizer_config.json', text('{"add_bos_token": true}')]
])

const covered = [...model].filter(([path]) => !/index|tokenizer_config/.test(path))
const sha256 = hashOf(Buffer.concat(covered.flatMap(([path, bytes]) => [text(`${path}\0`), hashOf(bytes)])))
const wanted = { sha256, name: 'a model' }

function listOf(files: ReadonlyMap<string, Uint8Array>): SharedFile[] {
  return [...files].map(([path, bytes]) => ({
    path,
    bytes: bytes.length,
    sha256: toHex(hashOf(bytes)),
    address: toHex(addressOf(chunkHashes(bytes, crypto), crypto))
  }))
}

function exchangeOf(world: World, network: SimNetwork) {
  return createBlobExchange({ network, clock: world.clock, crypto, allow: () => true })
}

const nobody = { admit: () => false, has: () => false }

/** A peer that shares these files as that model, whether they are or not. */
function sharer(world: World, files: ReadonlyMap<string, Uint8Array> = model): SimNetwork {
  const network = world.join()
  const blobs = exchangeOf(world, network)
  const open = async () => [...files].map(([path, bytes]) => ({ path, source: memorySource(bytes) }))
  shareModel(
    { network, blobs, crypto, allow: () => true, guests: nobody, log: () => {} },
    { sha256, newHash: sha256Hash, open }
  )
  return network
}

function fetcher(world: World, shelf = new MemoryShelf()) {
  const network = world.join()
  const log: string[] = []
  const notices: string[] = []
  const fetch = (signal = new AbortController().signal, onBytes = (_: number): void => {}) =>
    fetchModel(
      {
        network,
        clock: world.clock,
        crypto,
        shelf,
        allow: () => true,
        upload: {},
        log: line => log.push(line),
        onNotice: line => notices.push(line),
        onProgress: ({ doneBytes }) => onBytes(doneBytes)
      },
      wanted,
      signal
    )
  return { network, shelf, log, notices, fetch }
}

async function reasonOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => expect.fail('expected it to fail'),
    (error: Error) => error
  )
}

describe('a base model from other peers', () => {
  it('comes whole from those who have it, and is shared on while it comes', async () => {
    const world = new World(1)
    const sharers = [sharer(world), sharer(world)]
    const { shelf, fetch } = fetcher(world)
    await world.run(fetch())
    expect(sharers).to.have.length(2)
    expect([...shelf.files.keys()].sort()).to.deep.equal([...model.keys()].sort())
    for (const [path, bytes] of model) expect(Buffer.compare(shelf.files.get(path)!, bytes), path).to.equal(0)
  })

  it('goes on from what an earlier try left, whoever is there then', async () => {
    const world = new World(2)
    const first = sharer(world)
    const shelf = new MemoryShelf()
    const stop = new AbortController()
    const cut = fetcher(world, shelf).fetch(stop.signal, done => {
      if (done > 30 * CHUNK_BYTES) stop.abort(new Error('Ctrl-C'))
    })
    expect((await world.run(reasonOf(cut))).message).to.equal('Ctrl-C')
    world.sim.kill(first.peerId)
    const second = sharer(world)
    const { network, fetch } = fetcher(world, shelf)
    await world.run(fetch())
    expect(shelf.files.size).to.equal(model.size)
    expect(network.bytes().received.get('/fedpeft/blob/1')!.bytes).to.be.below(45 * CHUNK_BYTES)
    expect(second.peerId).not.to.equal(first.peerId)
  })

  it('waits for a peer that comes later, and says that it does', async () => {
    const world = new World(3)
    const { shelf, notices, fetch } = fetcher(world)
    world.clock.after(20_000, () => void sharer(world))
    await world.run(fetch())
    expect(shelf.files.size).to.equal(model.size)
    expect(notices[0]).to.match(/none of the 0 peers here shares a model yet/)
  })

  it('gives up with what to do when nobody has it', async () => {
    const world = new World(4)
    world.join()
    const error = await world.run(reasonOf(fetcher(world).fetch()))
    expect(error.code).to.equal('NO_BASE_MODEL')
    expect(error.message).to.contain(toHex(sha256)).and.contain('--model').and.contain('--no-share-model')
  })

  it('asks a peer no more whose files are not that model, or have another content than it says', async () => {
    const world = new World(5)
    const other = new Map([...model, ['config.json', text('{"layers": 2}')]])
    const stranger = sharer(world, other)
    // The right list, and behind one address something else.
    const liar = world.join()
    const wrong = model.get('model-00002-of-00002.safetensors')!.map(byte => byte ^ 1)
    const address = toHex(exchangeOf(world, liar).put(wrong))
    const files = listOf(model).map(file =>
      file.path === 'model-00002-of-00002.safetensors' ? { ...file, address } : file
    )
    liar.serve(MODEL_PROTOCOL, 32, async function* () {
      yield encodeFileList({ files })
    })
    const { shelf, log, fetch } = fetcher(world)
    world.clock.after(30_000, () => void sharer(world))
    await world.run(fetch())
    expect(Buffer.compare(shelf.files.get('model-00002-of-00002.safetensors')!, wrong)).not.to.equal(0)
    expect(shelf.discarded).to.deep.equal(['model-00002-of-00002.safetensors'])
    expect(log.filter(line => line.includes('asked no more'))).to.satisfy((lines: string[]) =>
      [stranger, liar].every(({ peerId }) => lines.some(line => line.startsWith(peerId)))
    )
  })

  it('takes what the digest does not cover as most peers have it', async () => {
    const world = new World(6)
    sharer(world, new Map([...model, ['tokenizer_config.json', text('{"add_bos_token": false}')]]))
    sharer(world, new Map([...model, ['chat_template.jinja', text('evil')]]))
    sharer(world)
    const { shelf, fetch } = fetcher(world)
    // All three have said what they have.
    await world.clock.advance(1_000)
    await world.run(fetch())
    expect(new TextDecoder().decode(shelf.files.get('tokenizer_config.json'))).to.contain('true')
    expect(shelf.files.has('chat_template.jinja')).to.equal(false)
  })

  it('begins nothing that has no room', async () => {
    const world = new World(7)
    sharer(world)
    const shelf = new MemoryShelf()
    shelf.roomBytes = CHUNK_BYTES
    const error = await world.run(reasonOf(fetcher(world, shelf).fetch()))
    expect(error.code).to.equal('NO_SPACE')
    expect(shelf.begun.size).to.equal(0)
  })
})

describe('the list of a model', () => {
  const files = listOf(model)

  it('proves by the digest what belongs to it, in any order, and nothing else', () => {
    expect(provesModel({ files: [...files].reverse() }, sha256, crypto)).to.equal(true)
    const without = (path: string): SharedFile[] => files.filter(file => file.path !== path)
    expect(provesModel({ files: without('tokenizer.json') }, sha256, crypto)).to.equal(false)
    expect(provesModel({ files: without('model-00002-of-00002.safetensors') }, sha256, crypto)).to.equal(
      false
    )
    const one = files.map(file => (file.path === 'config.json' ? { ...file, sha256: '0'.repeat(64) } : file))
    expect(provesModel({ files: one }, sha256, crypto)).to.equal(false)
    const more = [...files, { ...files[1]!, path: 'model-00003-of-00003.safetensors' }]
    expect(provesModel({ files: more }, sha256, crypto)).to.equal(false)
  })

  it('is refused with a path that leads elsewhere, a file of no model, or sizes out of all measure', () => {
    expect(decodeFileList(encodeFileList({ files }))).to.deep.equal({ files })
    const changed = (change: Partial<SharedFile>): Uint8Array =>
      encodeFileList({ files: [{ ...files[0]!, ...change }] })
    const paths = ['../config.json', '/etc/passwd', 'a/b.safetensors', '..\\x.safetensors', '.safetensors']
    for (const path of [...paths, 'C:x.safetensors', 'model.py', 'pytorch_model.bin', '', 'x.safetensors/..'])
      expect(decodeFileList(changed({ path })), path).to.equal(null)
    expect(decodeFileList(changed({ bytes: -1 }))).to.equal(null)
    expect(decodeFileList(changed({ bytes: 2 ** 50 }))).to.equal(null)
    expect(decodeFileList(changed({ bytes: 2 ** 30 })), 'a config of a gigabyte').to.equal(null)
    expect(decodeFileList(changed({ sha256: 'zz' }))).to.equal(null)
    const twice = [
      files[1]!,
      { ...files[1]!, path: files[1]!.path.toUpperCase().replace('SAFETENSORS', 'safetensors') }
    ]
    expect(decodeFileList(encodeFileList({ files: twice }))).to.equal(null)
    expect(decodeFileList(new Uint8Array(200_000))).to.equal(null)
    expect(decodeFileList(text('[]'))).to.equal(null)
  })
})
