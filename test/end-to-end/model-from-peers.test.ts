import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

/** Processes of their own: three have the base model, of which one does not share it, and the fourth has none. */
describe('a peer without the base model', function () {
  this.timeout(120_000)
  const network = new ProgramNetwork({ rounds: 1, founders: 4, steps: 2 })
  const owners: Program[] = []
  let newcomer: Program

  before(async () => {
    await network.prepare(['author', 'second', 'third', 'newcomer'], 'author')
    // Where the manifest says, there is nothing now.
    renameSync(network.at('model'), network.at('elsewhere'))
    await network.bootstrap()
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('fetches it from the others by its digest, and takes part', async () => {
    const have = ['--model', network.at('elsewhere')]
    owners.push(
      network.join('author', network.at('run.yaml'), ...have),
      network.join('second', network.at('run.yaml'), ...have),
      network.join('third', network.at('run.yaml'), ...have, '--no-share-model')
    )
    await Promise.all(owners.map(owner => owner.waitFor('waiting', { need: 4 })))
    newcomer = network.join('newcomer', network.at('run.yaml'), '--upload-limit', '50MB')
    const { modelSha256, model } = await newcomer.waitFor('ready')
    expect(modelSha256).to.equal(network.manifest!.model.sha256)
    expect(model).to.equal(network.at('newcomer', 'models', String(modelSha256)))
    const fetched = newcomer.named('download').map(({ file }) => file)
    expect(fetched).to.have.members([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json'
    ])
    const ends = await Promise.all([newcomer, ...owners].map(program => program.waitFor('done')))
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
  })

  it('has the same files then, and says what it did', () => {
    const folder = network.at('newcomer', 'models', network.manifest!.model.sha256)
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
      const [got, wanted] = [folder, network.at('elsewhere')].map(dir => readFileSync(join(dir, name)))
      expect(Buffer.compare(got!, wanted!), name).to.equal(0)
    }
    expect(newcomer.stderr)
      .to.contain('Asking the other peers of the run')
      .and.contain('from other peers: model.safetensors')
  })

  it('needs nobody for it when it comes back', async () => {
    newcomer.signal('SIGTERM')
    await newcomer.ended
    const again = network.join('newcomer', network.at('run.yaml'), '--linger', '0')
    await again.waitFor('done')
    expect(again.named('download')).to.deep.equal([])
  })
})
