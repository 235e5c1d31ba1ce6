import { expect } from 'chai'
import fc from 'fast-check'
import { loadManifestFile, readManifestDocument } from '../../../node/cli/manifest-file.ts'
import { manifestYaml } from '../../../node/cli/manifest-yaml.ts'
import { UserError } from '../../../node/cli/user-error.ts'
import { ed25519Signer, nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { toHex } from '../../../protocols/hex.ts'
import { peerIdOf } from '../../../protocols/peer-id.ts'
import { parseManifest } from '../../../protocols/run-manifest.ts'
import { signManifest } from '../../../protocols/signed-manifest.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { arbitraryManifest, leastManifest } from '../../support/manifests.ts'

const crypto = nodeCrypto()
const signer = ed25519Signer(new Uint8Array(32).fill(5))
const author = peerIdOf(signer.publicKey)
const signed = signManifest(parseManifest({ ...leastManifest, author }), signer)
const yaml = manifestYaml(signed.manifest, toHex(signed.signature))

async function load(text: string) {
  const files = memoryFiles()
  await files.write('run.yaml', new TextEncoder().encode(text))
  return loadManifestFile(files, 'run.yaml', 'runs/run.yaml', crypto)
}

async function refusal(text: string): Promise<string> {
  try {
    await load(text)
  } catch (error) {
    expect(error).to.be.instanceOf(UserError)
    expect((error as UserError).exitCode).to.equal(2)
    return (error as UserError).message
  }
  throw new Error(`not refused: ${text}`)
}

describe('manifest file', () => {
  it('holds any manifest and its signature', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryManifest(), async given => {
        const manifest = parseManifest({ ...given, author })
        const { signature } = signManifest(manifest, signer)
        expect(await load(manifestYaml(manifest, toHex(signature)))).to.deep.equal({ manifest, signature })
      }),
      { numRuns: 50 }
    )
  })

  it('explains every field', () => {
    const lines = yaml.split('\n')
    const fields = lines.filter(line => /^ *[a-zA-Z0-9]+:/.test(line))
    expect(fields.length).to.be.above(35)
    // The fields of the two sections that have several forms are explained above the section.
    const inner = /^ {2}(name: fedavg|learningRate: 1|kind: open)$/
    const bare = lines.filter(
      (line, i) => /^ *[a-zA-Z0-9]+:/.test(line) && !inner.test(line) && !/^ *#/.test(lines[i - 1] ?? '')
    )
    expect(bare).to.deep.equal([])
  })

  it('may be written in another order, with comments and other spacing', async () => {
    const [first, ...rest] = yaml.split('\n\n').filter(block => !/^# A run/.test(block))
    const shuffled = [...rest.reverse(), first].join('\n# a remark\n\n').replaceAll(': ', ':   ')
    expect((await load(shuffled)).manifest).to.deep.equal(signed.manifest)
  })

  it('edited after signing is refused with the command that signs it again', async () => {
    const message = await refusal(yaml.replace('rounds: 8', 'rounds: 9'))
    expect(message)
      .to.contain('runs/run.yaml')
      .and.to.contain('fedpeft-node init --sign runs/run.yaml')
      .and.to.contain(author)
  })

  it('never signed is refused', async () => {
    expect(await refusal(yaml.replace(/^signature:.*$/m, ''))).to.contain('not signed yet')
    for (const signature of ['12', '0xff', '[1]', '{}', 'null', '1e5']) {
      expect(await refusal(yaml.replace(/^signature:.*$/m, `signature: ${signature}`))).to.contain('--sign')
    }
  })

  it('names the line of an impossible value, of an unknown field, and of a section that lacks one', async () => {
    const line = (text: string) => yaml.split('\n').findIndex(candidate => candidate.includes(text)) + 1
    expect(await refusal(yaml.replace('steps: 12', 'steps: 0'))).to.contain(
      `runs/run.yaml, line ${line('steps:')}: training.steps: got 0; allowed: a whole number from 1 to 100000`
    )
    expect(await refusal(yaml.replace('batchSize:', 'batchsize:'))).to.contain(
      `line ${line('batchSize:')}: training.batchsize: allowed: no such field; did you mean training.batchSize?`
    )
    expect(await refusal(yaml.replace(/sha256: .*/, ''))).to.contain(
      `line ${line('model:')}: model.sha256: got nothing`
    )
    const list = '  kind: list\n  peers:\n    - nobody\n'
    expect(await refusal(yaml.replace('  kind: open\n', list))).to.contain(
      `line ${line('  kind: open') + 2}: admission.peers.0: got "nobody"`
    )
  })

  it('that is not YAML is refused with line and column', async () => {
    expect(await refusal('name: "a\nrounds: [1\n')).to.match(
      /runs\/run\.yaml, line \d+, column \d+: not YAML: /
    )
    expect(await refusal('rounds: 1\nrounds: 2\n')).to.match(/line 2, column 1: not YAML: .*unique/)
  })

  it('that is something else is refused', async () => {
    for (const text of ['', '- a\n- b\n', 'just words', '42']) {
      expect(await refusal(text)).to.contain('not a run manifest')
    }
    expect(await refusal('a'.repeat(70_000))).to.contain('70000 bytes')
  })

  it('that repeats itself through aliases without end is refused', async () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`)
    }
    expect(await refusal(bomb.join('\n'))).to.contain('not usable YAML')
  })

  it('that is not there, or not text, is refused', async () => {
    const files = memoryFiles()
    await files.write('run.yaml', Uint8Array.of(0xff, 0xfe, 0))
    for (const [name, expected] of [
      ['none.yaml', 'fedpeft-node init'],
      ['run.yaml', 'UTF-8']
    ] as const) {
      const error = await readManifestDocument(files, name, name).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(UserError)
      expect((error as UserError).message)
        .to.contain(name)
        .and.to.contain(expected)
    }
  })
})
