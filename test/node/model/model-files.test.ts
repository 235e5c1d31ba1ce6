import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { ModelError, type ModelErrorCode } from '../../../node/model/errors.ts'
import { llamaConfigJson, type ModelConfig } from '../../../node/model/model-config.ts'
import { openModel, openModelWeights } from '../../../node/model/model-files.ts'
import { saveWeights } from '../../../node/model/safetensors/save-weights.ts'
import { type NamedTensor, writeSafetensors } from '../../../node/model/safetensors.ts'
import { modelTensors } from '../../../node/model/tensors.ts'
import { memoryWeights } from '../../../node/model/weight-source.ts'
import { sha256Hash } from '../../../node/platform/content-hash.ts'
import { toHex } from '../../../protocols/hex.ts'
import type { Files } from '../../../protocols/ports.ts'
import { tokenizerConfigJson, tokenizerJson } from '../../../scripts/pretrain/bpe.ts'
import { type MemoryFiles, memoryFiles } from '../../../sim/memory-files.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const config: ModelConfig = {
  family: 'llama',
  hiddenSize: 8,
  layerCount: 2,
  headCount: 2,
  keyValueHeadCount: 1,
  headSize: 4,
  intermediateSize: 12,
  vocabularySize: 257,
  activation: 'silu',
  rotary: { theta: 10_000, scaling: { kind: 'none' } },
  normEpsilon: 1e-5,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  headNorm: false,
  windows: [null, null],
  maxPositions: 32,
  tiedEmbeddings: true,
  beginTokenId: 0,
  endTokenId: 0,
  initializerRange: 0.02
}

/** A weight of every name that the config calls for, each full of its own number. */
function weightsOf(config: ModelConfig): Map<string, NamedTensor> {
  const weights = new Map<string, NamedTensor>()
  for (const { name, shape } of modelTensors(config)) {
    const length = shape.reduce((product, size) => product * size, 1)
    weights.set(name, { shape, data: new Float32Array(length).fill(weights.size + 1) })
  }
  return weights
}

function folder(weights = weightsOf(config), of = config): MemoryFiles {
  return memoryFiles([
    ['config.json', utf8(llamaConfigJson(of))],
    ['model.safetensors', writeSafetensors(weights)],
    ['tokenizer.json', utf8(tokenizerJson([]))],
    ['tokenizer_config.json', utf8(tokenizerConfigJson(32))]
  ])
}

async function refusal(files: MemoryFiles, code: ModelErrorCode): Promise<ModelError> {
  const error = await openModel(files, './m').then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(ModelError)
  expect(error.code).to.equal(code)
  return error
}

/** With weights in several files. */
async function split(): Promise<MemoryFiles> {
  const files = folder()
  await saveWeights(files, memoryWeights(weightsOf(config)), { shardBytesMax: 2000 })
  return files
}

async function digestOf(files: MemoryFiles): Promise<string> {
  return toHex(await (await openModel(files, './m')).digest(sha256Hash))
}

describe('model folder', () => {
  it('opens with config, weights, tokenizer and digest', async () => {
    const model = await openModel(folder(), './m')
    expect(model.config).to.deep.equal(config)
    expect([...model.weights.names()].sort()).to.deep.equal([...weightsOf(config).keys()].sort())
    expect(model.weights.shapeOf('model.layers.1.self_attn.k_proj.weight')).to.deep.equal([4, 8])
    expect(await model.weights.read('model.embed_tokens.weight')).to.deep.equal(
      new Float32Array(257 * 8).fill(1)
    )
    expect(model.tokenizer.vocabularySize).to.equal(257)
    expect(model.tokenizer.endTokenId).to.equal(0)
    expect(await digestOf(folder())).to.match(/^[0-9a-f]{64}$/)
  })

  it('has a digest that any change of config, weights or tokenizer changes, and nothing else', async () => {
    const files = folder()
    const digest = await digestOf(files)

    const otherWeights = weightsOf(config)
    otherWeights.get('model.norm.weight')!.data[0] = 0.5
    const otherConfig = { ...config, normEpsilon: 1e-4 }
    const otherTokenizer = folder()
    await otherTokenizer.write('tokenizer.json', utf8(`${tokenizerJson([])} `))
    const others = [folder(otherWeights), folder(weightsOf(config), otherConfig), otherTokenizer]
    const digests = new Set([digest, ...(await Promise.all(others.map(digestOf)))])
    expect(digests.size).to.equal(4)

    await files.write('README.md', utf8('# new words'))
    expect(await digestOf(files)).to.equal(digest)
  })

  it('has the digest that is written down: SHA-256 over name, zero byte, SHA-256 of the content', async () => {
    const files = folder()
    const hash = createHash('sha256')
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
      hash.update(`${name}\0`).update(sha256((await files.read(name))!))
    }
    expect(await digestOf(files)).to.equal(hash.digest('hex'))
  })

  it('has the digest of its shards, in their order, if the weights are split', async () => {
    const files = await split()
    const shards = (await files.list('')).filter(name => /-of-/.test(name))
    expect(shards.length).to.be.greaterThan(2)
    const hash = createHash('sha256')
    for (const name of ['config.json', ...shards, 'tokenizer.json']) {
      hash.update(`${name}\0`).update(sha256((await files.read(name))!))
    }
    expect(await digestOf(files)).to.equal(hash.digest('hex'))
    expect(await digestOf(files)).to.not.equal(await digestOf(folder()))
    const { weights } = await openModel(files, './m')
    expect(await weights.read('model.embed_tokens.weight')).to.deep.equal(new Float32Array(257 * 8).fill(1))
  })

  it('has a digest to which the index adds nothing: it says nothing that the shards do not', async () => {
    const files = await split()
    const digest = await digestOf(files)
    const index = new TextDecoder().decode((await files.read('model.safetensors.index.json'))!)
    await files.write('model.safetensors.index.json', utf8(`${index} `))
    expect(await digestOf(files)).to.equal(digest)
  })

  it('is not read as a whole to be opened, and its weights can be opened alone', async () => {
    const files = folder()
    const read: string[] = []
    const watched: Files = {
      ...files,
      read: path => {
        read.push(path)
        return files.read(path)
      },
      readInto: path => expect.fail(`values of ${path} were read`)
    }
    await openModel(watched, './m')
    expect(read).to.not.include('model.safetensors')
    const weights = await openModelWeights(files, config, './m')
    expect([...weights.names()].sort()).to.deep.equal([...weightsOf(config).keys()].sort())
    expect(await weights.read('model.norm.weight')).to.have.length(8)
    const wider = { ...config, hiddenSize: 16 }
    const error = await openModelWeights(files, wider, './m').catch(error => error)
    expect(error.code).to.equal('TENSOR_MISMATCH')
  })

  it('gives out what the config calls for and nothing else', async () => {
    const weights = weightsOf(config)
    weights.set('model.layers.0.self_attn.rotary_emb.inv_freq', { shape: [1], data: Float32Array.of(1) })
    const model = await openModel(folder(weights), './m')
    expect(model.weights.shapeOf('model.layers.0.self_attn.rotary_emb.inv_freq')).to.equal(undefined)
    const error = await model.weights
      .read('model.layers.0.self_attn.rotary_emb.inv_freq')
      .catch(error => error)
    expect(error.code).to.equal('TENSOR_MISMATCH')
  })

  it('may name its tensors as the decoder alone does', async () => {
    const bare = new Map(
      [...weightsOf(config)].map(([name, tensor]) => [name.replace(/^model\./, ''), tensor])
    )
    const { weights } = await openModel(folder(bare), './m')
    expect([...weights.names()].sort()).to.deep.equal([...weightsOf(config).keys()].sort())
    expect(await weights.read('model.embed_tokens.weight')).to.deep.equal(new Float32Array(257 * 8).fill(1))
  })

  it('may carry what follows from the rest: rotary frequencies, and the head that is tied', async () => {
    const weights = weightsOf(config)
    weights.set('model.layers.0.self_attn.rotary_emb.inv_freq', {
      shape: [2],
      data: Float32Array.of(1, 0.01)
    })
    weights.set('lm_head.weight', weights.get('model.embed_tokens.weight')!)
    const model = await openModel(folder(weights), './m')
    expect([...model.weights.names()].sort()).to.deep.equal([...weightsOf(config).keys()].sort())
  })

  it('must have its own head if the config does not tie it', async () => {
    const untied = { ...config, tiedEmbeddings: false }
    const error = await refusal(folder(weightsOf(config), untied), 'TENSOR_MISMATCH')
    expect(error.message).to.include('./m/model.safetensors: tensor lm_head.weight is missing')
    const model = await openModel(folder(weightsOf(untied), untied), './m')
    expect(model.weights.shapeOf('lm_head.weight')).to.deep.equal([257, 8])
  })

  describe('is refused, with what to do, if', () => {
    it('there is nothing', async () => {
      const error = await refusal(memoryFiles(), 'MISSING_FILE')
      expect(error.message).to.include('./m is not a model folder').and.to.include('"embedded"')
    })

    it('one file is missing', async () => {
      const files = folder()
      await files.remove('tokenizer.json')
      const error = await refusal(files, 'MISSING_FILE')
      expect(error.message).to.include('./m: tokenizer.json missing. Download it')
    })

    it('the weights have a form that we do not read', async () => {
      const files = folder()
      await files.remove('model.safetensors')
      await files.write('pytorch_model.bin', utf8('x'))
      expect((await refusal(files, 'MISSING_FILE')).message).to.include(
        'Only safetensors weights are supported'
      )
    })

    it('the weights are cut short', async () => {
      const files = folder()
      const whole = (await files.read('model.safetensors'))!
      await files.write('model.safetensors', whole.subarray(0, -4))
      const error = await refusal(files, 'CORRUPT_SAFETENSORS')
      expect(error.message).to.include('./m/model.safetensors').and.to.include('Download')
    })

    it('a tensor is missing', async () => {
      const weights = weightsOf(config)
      weights.delete('model.layers.1.mlp.up_proj.weight')
      const error = await refusal(folder(weights), 'TENSOR_MISMATCH')
      expect(error.message)
        .to.include('model.layers.1.mlp.up_proj.weight is missing')
        .and.to.include('[12, 8]')
    })

    it('a tensor is stored in a format that we do not compute with', async () => {
      const files = folder()
      const file = new TextDecoder('latin1').decode((await files.read('model.safetensors'))!)
      const changed = file.replace('{"dtype":"F32","shape":[257,8]', '{"dtype":"I32","shape":[257,8]')
      await files.write(
        'model.safetensors',
        Uint8Array.from(changed, character => character.charCodeAt(0))
      )
      const error = await refusal(files, 'UNSUPPORTED')
      expect(error.message).to.include('tensor model.embed_tokens.weight is stored as I32')
    })

    it('a tensor has another shape', async () => {
      const weights = weightsOf(config)
      const name = 'model.layers.0.mlp.down_proj.weight'
      weights.set(name, { ...weights.get(name)!, shape: [12, 8] })
      const error = await refusal(folder(weights), 'TENSOR_MISMATCH')
      expect(error.data).to.deep.include({ tensor: name, expected: [8, 12], got: [12, 8] })
      expect(error.message).to.include(`${name} has shape [12, 8], but config.json calls for [8, 12]`)
    })

    it('a tensor is one too many', async () => {
      const weights = weightsOf(config)
      weights.set('model.layers.2.mlp.up_proj.weight', weights.get('model.layers.1.mlp.up_proj.weight')!)
      const error = await refusal(folder(weights), 'TENSOR_MISMATCH')
      expect(error.message).to.include('model.layers.2.mlp.up_proj.weight is one too many')
    })

    it('a tied head differs from the embedding', async () => {
      const weights = weightsOf(config)
      weights.set('lm_head.weight', { shape: [257, 8], data: new Float32Array(257 * 8) })
      expect((await refusal(folder(weights), 'TENSOR_MISMATCH')).data['tensor']).to.equal('lm_head.weight')
    })

    it('the tokenizer has more tokens than the model', async () => {
      const small = { ...config, vocabularySize: 200 }
      const error = await refusal(folder(weightsOf(small), small), 'TOKENIZER_MISMATCH')
      expect(error.data).to.deep.equal({ tokenizerSize: 257, modelSize: 200 })
    })

    it('config.json asks for another architecture', async () => {
      const files = folder()
      await files.write('config.json', utf8(llamaConfigJson(config).replace('"llama"', '"gemma"')))
      expect((await refusal(files, 'UNSUPPORTED')).message).to.include(
        './m/config.json: model_type is "gemma"'
      )
    })
  })
})
