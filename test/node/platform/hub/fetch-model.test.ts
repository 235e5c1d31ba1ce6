import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { seededRandom } from '../../../../aggregation/random.ts'
import { lockDirectory } from '../../../../node/platform/directory-lock.ts'
import { HubError, type HubErrorCode } from '../../../../node/platform/hub/errors.ts'
import { FilesError } from '../../../../protocols/files-error.ts'
import { scratchFolder } from '../../../support/cli.ts'
import { type HubDownload, hubDownload } from '../../../support/hub-download.ts'
import { commitOf, type HubServer, startHub } from '../../../support/hub-server.ts'
import { skipBecause } from '../../../support/skip.ts'

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const random = seededRandom(5)
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.nextUint32())
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const repo = 'owner/tiny'
const first = commitOf('first')
const second = commitOf('second')
const weights = noise(300_000)
const files = {
  '.gitattributes': text('*.safetensors filter=lfs'),
  'README.md': text('# tiny'),
  'config.json': text('{"model_type":"llama"}'),
  'tokenizer.json': noise(5000),
  'tokenizer_config.json': text('{}'),
  'chat_template.jinja': text('{{ messages }}'),
  'model.safetensors': weights,
  'pytorch_model.bin': noise(2000)
}
const wanted = [
  'chat_template.jinja',
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json'
]

describe('a model of the Hub', () => {
  const scratch = scratchFolder()
  let hub: HubServer
  let homes = 0
  let home: string
  let download: HubDownload
  const blob = (hash: string) => join(download.cacheDir, 'blobs', hash)
  const part = () => `${blob(sha256(weights))}.fedpeft.incomplete`
  /** As much of the weights is on the disk. */
  const isThere = async (bytes: number): Promise<void> => {
    while (!existsSync(part()) || lstatSync(part()).size < bytes) await setImmediate()
  }
  const requestsFor = (name: string) => hub.requests.filter(({ path }) => path.endsWith(`/${name}`))
  const contentRequests = () => hub.requests.filter(({ host }) => host === 'cdn')

  before(async () => {
    hub = await startHub()
  })
  after(async () => {
    await hub.close()
    scratch.remove()
  })
  beforeEach(() => {
    hub.repos.clear()
    hub.repos.set(repo, { refs: { main: first }, commits: { [first]: files } })
    hub.faults.clear()
    hub.failure = null
    hub.requests.length = 0
    home = join(scratch.path, `home-${homes++}`)
    download = hubDownload(hub, home, { repo, revision: 'main' })
  })

  async function refusal(code: HubErrorCode, env?: Record<string, string>, of = download): Promise<HubError> {
    const error = await of.run(env).then(
      () => new Error('not refused'),
      error => error
    )
    expect(error, String(error)).to.be.instanceOf(HubError)
    expect(error.code).to.equal(code)
    expect(error.message).not.to.include('hf_')
    return error
  }

  it('is fetched into the cache as huggingface_hub lays it out: what is needed and no more', async () => {
    const { dir, commit } = await download.run()
    expect(commit).to.equal(first)
    expect(dir).to.equal(join(download.cacheDir, 'snapshots', first))
    expect(readdirSync(dir).sort()).to.deep.equal(wanted)
    for (const name of wanted) {
      expect(new Uint8Array(readFileSync(join(dir, name)))).to.deep.equal(files[name as keyof typeof files])
    }
    expect(readFileSync(join(download.cacheDir, 'refs', 'main'), 'utf8')).to.equal(first)
    expect(lstatSync(join(dir, 'model.safetensors')).isSymbolicLink()).to.equal(true)
    expect(readlinkSync(join(dir, 'model.safetensors'))).to.equal(join('..', '..', 'blobs', sha256(weights)))
    const gitHash = createHash('sha1').update(`blob 2\0{}`).digest('hex')
    expect(readlinkSync(join(dir, 'tokenizer_config.json'))).to.equal(join('..', '..', 'blobs', gitHash))
    expect(readdirSync(join(download.cacheDir, 'blobs'))).to.have.length(wanted.length)
    expect(download.progress.at(-1)).to.deep.equal({
      file: 'model.safetensors',
      doneBytes: 300_000,
      bytes: 300_000
    })
    expect(download.notices).to.deep.equal([])
  })

  it('is fetched once, and again only what a new commit has changed', async () => {
    const before = await download.run()
    hub.requests.length = 0
    expect(await download.run()).to.deep.equal(before)
    expect(hub.requests.map(({ path }) => path)).to.deep.equal([
      `/api/models/${repo}/revision/main`,
      `/api/models/${repo}/tree/${first}`
    ])
    const newer = { ...files, 'config.json': text('{"model_type":"mistral"}') }
    hub.repos.set(repo, { refs: { main: second }, commits: { [first]: files, [second]: newer } })
    hub.requests.length = 0
    const after = await download.run()
    expect(after.commit).to.equal(second)
    expect(readFileSync(join(after.dir, 'config.json'), 'utf8')).to.include('mistral')
    expect(readdirSync(after.dir).sort()).to.deep.equal(wanted)
    expect(hub.requests.filter(({ path }) => path.includes('/resolve/'))).to.have.length(1)
    expect(contentRequests()).to.deep.equal([])
    expect(readdirSync(before.dir).sort()).to.deep.equal(wanted)
  })

  it('is had by tag, branch of a request, and commit', async () => {
    hub.repos.set(repo, {
      refs: { main: first, 'v1.0': second, 'refs/pr/3': second },
      commits: { [first]: files, [second]: files }
    })
    for (const revision of ['v1.0', 'refs/pr/3', second]) {
      expect((await hubDownload(hub, home, { repo, revision }).run()).commit).to.equal(second)
    }
    expect(readFileSync(join(download.cacheDir, 'refs', 'refs', 'pr', '3'), 'utf8')).to.equal(second)
    expect(readdirSync(join(download.cacheDir, 'refs')).sort()).to.deep.equal(['refs', 'v1.0'])
  })

  it('comes in shards, those that its index lists', async () => {
    const [one, two, other] = ['model-00001-of-00002', 'model-00002-of-00002', 'consolidated'].map(
      name => `${name}.safetensors`
    ) as [string, string, string]
    const { 'model.safetensors': _, ...rest } = files
    const index = text(JSON.stringify({ weight_map: { a: one, b: two } }))
    const sharded: Record<string, Uint8Array> = {
      ...rest,
      [one]: noise(4000),
      [two]: noise(5000),
      [other]: noise(3000),
      'model.safetensors.index.json': index
    }
    hub.repos.set(repo, { refs: { main: first }, commits: { [first]: sharded } })
    const { dir } = await download.run()
    expect(readdirSync(dir)).to.include.members([one, two, 'model.safetensors.index.json'])
    expect(readdirSync(dir)).not.to.include(other)
    hub.requests.length = 0
    await download.run()
    expect(hub.requests).to.have.length(2)

    const { [two]: __, ...incomplete } = sharded
    hub.repos.set(repo, { refs: { main: second }, commits: { [second]: incomplete } })
    const error = await refusal('UNUSABLE_MODEL')
    expect(error.message).to.include(`${repo} has no ${two}`)
  })

  describe('whose connection is cut', () => {
    it('goes on from there at once, without asking anew for what it has', async () => {
      hub.faults.set('model.safetensors', { cutAfter: 100_000, times: 2, isThere })
      const { dir } = await download.run()
      expect(new Uint8Array(readFileSync(join(dir, 'model.safetensors')))).to.deep.equal(weights)
      const ranges = contentRequests()
        .filter(({ path }) => path.includes(sha256(weights)))
        .map(({ range }) => range)
      expect(ranges).to.deep.equal([null, 'bytes=100000-', 'bytes=200000-'])
      expect(download.pauses).to.deep.equal([])
    })

    it('gives up after some attempts that bring nothing, keeps what came, and a rerun goes on', async () => {
      hub.faults.set('model.safetensors', { cutAfter: 120_000, times: 1, isThere })
      const cutForGood = async () => {
        await hub.faulted()
        hub.faults.set('model.safetensors', { cutAfter: 0 })
      }
      const [error] = await Promise.all([refusal('CUT_DOWNLOAD'), cutForGood()])
      expect(error.data).to.include({ file: 'model.safetensors', doneBytes: 120_000, bytes: 300_000 })
      expect(error.message).to.include('goes on from there')
      expect(download.pauses).to.deep.equal([1000, 2000, 4000, 8000, 16_000])
      expect(existsSync(join(download.cacheDir, 'refs'))).to.equal(false)

      hub.faults.clear()
      hub.requests.length = 0
      const { dir } = await download.run()
      expect(new Uint8Array(readFileSync(join(dir, 'model.safetensors')))).to.deep.equal(weights)
      expect(contentRequests().map(({ range }) => range)).to.deep.equal(['bytes=120000-'])
      expect(existsSync(part())).to.equal(false)
    })

    it('is told of a Hub in trouble in the middle', async () => {
      hub.faults.set('model.safetensors', { status: 503, times: 2 })
      await download.run()
      expect(download.pauses).to.deep.equal([1000, 2000])
    })

    it('starts anew where a server sends the whole instead of the rest', async () => {
      hub.faults.set('model.safetensors', { cutAfter: 100_000, times: 1, isThere, ignoreRange: true })
      const all = { ignoreRange: true }
      const [{ dir }] = await Promise.all([
        download.run(),
        hub.faulted().then(() => void hub.faults.set('model.safetensors', all))
      ])
      expect(new Uint8Array(readFileSync(join(dir, 'model.safetensors')))).to.deep.equal(weights)
    })
  })

  describe('stopped by Ctrl-C', () => {
    it('ends at once with nothing half there under its name, and goes on when it is called again', async () => {
      hub.faults.set('model.safetensors', { cutAfter: 150_000, isThere, hang: true })
      const stop = new AbortController()
      const reason = new Error('stopped by SIGINT')
      const [error] = await Promise.all([
        download.run({}, stop.signal).catch(error => error),
        hub
          .faulted()

          .then(() => stop.abort(reason))
      ])
      expect(error).to.equal(reason)
      expect(existsSync(blob(sha256(weights)))).to.equal(false)
      expect(existsSync(join(download.cacheDir, 'snapshots', first, 'model.safetensors'))).to.equal(false)

      hub.faults.clear()
      hub.requests.length = 0
      await download.run()
      expect(contentRequests().map(({ range }) => range)).to.deep.equal(['bytes=150000-'])
    })

    it('does not begin', async () => {
      const reason = new Error('stopped by SIGINT')
      const error = await download.run({}, AbortSignal.abort(reason)).catch(error => error)
      expect(error).to.equal(reason)
    })

    it('ends between two attempts', async () => {
      hub.faults.set('model.safetensors', { status: 503 })
      const stop = new AbortController()
      const reason = new Error('stopped by SIGTERM')
      const [error] = await Promise.all([
        download.run({}, stop.signal).catch(error => error),
        hub.faulted().then(() => stop.abort(reason))
      ])
      expect(error).to.equal(reason)
    })
  })

  describe('that is not what the Hub lists', () => {
    it('is refused by its hash, in LFS or not, and nothing of it is kept', async () => {
      hub.faults.set('model.safetensors', { content: weights.with(777, weights[777]! ^ 1) })
      const error = await refusal('CORRUPT_DOWNLOAD')
      expect(error.message).to.include(sha256(weights)).and.to.include('model.safetensors arrived damaged')
      expect(existsSync(part()) || existsSync(blob(sha256(weights)))).to.equal(false)

      hub.faults.clear()
      hub.faults.set('config.json', { content: text('{"model_type":"LLAMA"}') })
      rmSync(download.cacheDir, { recursive: true })
      expect((await refusal('CORRUPT_DOWNLOAD')).message).to.include('config.json arrived damaged')
    })

    it('is refused where it is longer', async () => {
      hub.faults.set('model.safetensors', { content: noise(300_001) })
      expect((await refusal('CORRUPT_DOWNLOAD')).message).to.include(
        'more comes of model.safetensors than the 300000'
      )
      expect(existsSync(part())).to.equal(false)
    })

    it('and lies here from before, is fetched anew', async () => {
      mkdirSync(join(download.cacheDir, 'blobs'), { recursive: true })
      writeFileSync(part(), noise(200_000))
      const { dir } = await download.run()
      expect(new Uint8Array(readFileSync(join(dir, 'model.safetensors')))).to.deep.equal(weights)
      expect(download.notices).to.deep.equal([
        'model.safetensors: what an earlier download left was damaged; fetching it anew'
      ])
      writeFileSync(part(), noise(400_000))
      rmSync(blob(sha256(weights)))
      await download.run()
      expect(download.notices).to.have.length(1)
    })

    it('and was cut short in the cache, is fetched anew', async () => {
      const { dir } = await download.run()
      truncateSync(join(dir, 'model.safetensors'), 1000)
      await download.run()
      expect(new Uint8Array(readFileSync(join(dir, 'model.safetensors')))).to.deep.equal(weights)
    })
  })

  describe('without the Hub', () => {
    const nowhere = { HF_ENDPOINT: '' }
    before(async () => {
      const gone = await startHub()
      nowhere.HF_ENDPOINT = gone.endpoint
      await gone.close()
    })

    it('comes from the cache, with a word about it', async () => {
      const fetched = await download.run()
      expect(await download.run(nowhere)).to.deep.equal(fetched)
      expect(download.notices).to.have.length(1)
      expect(download.notices[0])
        .to.include(`cannot reach the Hugging Face Hub at ${nowhere.HF_ENDPOINT}: `)
        .and.include('ECONNREFUSED')
        .and.include(`commit ${first}, which main was when it was fetched`)
        .and.include('HF_HUB_OFFLINE=1')
    })

    it('comes from the cache in silence where that is asked for', async () => {
      const fetched = await download.run()
      hub.requests.length = 0
      expect(await download.run({ HF_HUB_OFFLINE: '1' })).to.deep.equal(fetched)
      const byCommit = hubDownload(hub, home, { repo, revision: first })
      expect(await byCommit.run({ HF_HUB_OFFLINE: '1' })).to.deep.equal(fetched)
      expect(hub.requests).to.deep.equal([])
      expect(download.notices).to.deep.equal([])
    })

    it('comes from the cache where the Hub is in trouble, or a page of something else stands between', async () => {
      const fetched = await download.run()
      for (const failure of [
        { status: 503 },
        { status: 429 },
        { status: 200, body: '<html>Welcome to our hotel</html>' }
      ]) {
        hub.failure = failure
        expect(await download.run()).to.deep.equal(fetched)
      }
      expect(download.notices[0]).to.include('answers 503')
      expect(download.notices[1]).to.include('too many requests')
      expect(download.notices[2]).to.include('does not answer as a Hugging Face Hub')
    })

    it('cannot be had if it was never fetched, or not all of it', async () => {
      const unreachable = await refusal('UNREACHABLE', nowhere)
      expect(unreachable.message).to.include('is not in the cache')
      const offline = await refusal('NOT_CACHED', { HF_HUB_OFFLINE: '1' })
      expect(offline.message)
        .to.include('does not have revision main of it')
        .and.include('HF_HUB_OFFLINE is set')
        .and.include(`hf download ${repo} --revision main`)
      const proxied = await refusal('UNREACHABLE', { ...nowhere, https_proxy: 'http://p:3128' })
      expect(proxied.message).to.include('NODE_USE_ENV_PROXY=1')

      const { dir } = await download.run()
      rmSync(join(dir, 'tokenizer.json'))
      const incomplete = await refusal('NOT_CACHED', { HF_HUB_OFFLINE: '1' })
      expect(incomplete.data['missing']).to.deep.equal(['tokenizer.json'])
      expect((await refusal('UNREACHABLE', nowhere)).message).to.include('is not in the cache')
    })

    it('stays at the commit before while a newer one is not whole', async () => {
      const before = await download.run()
      hub.repos.set(repo, {
        refs: { main: second },
        commits: { [second]: { ...files, 'model.safetensors': noise(100_000) } }
      })
      hub.faults.set('model.safetensors', { cutAfter: 0 })
      await refusal('CUT_DOWNLOAD')
      expect(await download.run({ HF_HUB_OFFLINE: '1' })).to.deep.equal(before)
    })

    it('is found in a cache that another program filled', async () => {
      const dir = join(download.cacheDir, 'snapshots', first)
      for (const folder of [dir, join(download.cacheDir, 'refs')]) mkdirSync(folder, { recursive: true })
      writeFileSync(join(download.cacheDir, 'refs', 'main'), first)
      for (const name of ['config.json', 'tokenizer.json', 'model.safetensors'] as const)
        writeFileSync(join(dir, name), files[name])
      expect(await download.run({ HF_HUB_OFFLINE: '1' })).to.deep.equal({ dir, commit: first })
      // Online, what that program did not need is added, and nothing else is asked for.
      await download.run()
      expect(readdirSync(dir).sort()).to.deep.equal(wanted)
      expect(requestsFor('model.safetensors')).to.deep.equal([])
    })
  })

  describe('that is not for everyone', () => {
    const token = { HF_TOKEN: 'hf_secret' }

    it('is fetched with the token, which goes to the Hub alone', async () => {
      hub.repos.set(repo, { refs: { main: first }, commits: { [first]: files }, token: 'hf_secret' })
      await download.run(token)
      const [toHub, toCdn] = (['hub', 'cdn'] as const).map(host =>
        hub.requests.filter(request => request.host === host)
      )
      expect(toHub!.length).to.be.greaterThan(5)
      expect(toHub!.every(({ authorization }) => authorization === 'Bearer hf_secret')).to.equal(true)
      expect(toCdn!.length).to.be.greaterThan(0)
      expect(toCdn!.every(({ authorization }) => authorization === null)).to.equal(true)
    })

    it('looks as if it were not there', async () => {
      hub.repos.set(repo, { refs: { main: first }, commits: { [first]: files }, token: 'hf_secret' })
      const without = await refusal('NOT_FOUND')
      expect(without.message)
        .to.include(`has no model ${repo}, or it is private (401)`)
        .and.include('set HF_TOKEN')
      const wrong = await refusal('NOT_FOUND', { HF_TOKEN: 'hf_wrong' })
      expect(wrong.message).to.include('private (404)').and.include('the one from HF_TOKEN may not')
    })

    it('is gated', async () => {
      hub.repos.set(repo, {
        refs: { main: first },
        commits: { [first]: files },
        token: 'hf_secret',
        gated: true
      })
      const without = await refusal('NO_ACCESS')
      expect(without.message).to.include(`${repo} is gated (401): ask for access at ${hub.endpoint}/${repo}`)
      expect(without.message).to.include('The Hub says: the words of the Hub for GatedRepo')
      expect((await refusal('NO_ACCESS', { HF_TOKEN: 'hf_wrong' })).message).to.include('gated (403)')
      await download.run(token)
      hub.failure = { status: 401, errorCode: 'GatedRepo' }
      expect((await refusal('NO_ACCESS')).message).to.include(
        `The cache has it from before, as commit ${first}: HF_HUB_OFFLINE=1`
      )
    })

    it('refuses the token', async () => {
      hub.failure = { status: 401 }
      expect((await refusal('NO_ACCESS', token)).message).to.include(
        'the one from HF_TOKEN may not, or has expired'
      )
    })
  })

  it('is not there, or not at that revision', async () => {
    const other = hubDownload(hub, home, { repo: 'owner/none', revision: 'main' })
    expect((await refusal('NOT_FOUND', { HF_TOKEN: 'hf_x' }, other)).message).to.include(
      'has no model owner/none'
    )
    const noSuch = hubDownload(hub, home, { repo, revision: 'v9' })
    expect((await refusal('NOT_FOUND', {}, noSuch)).message).to.include(`${repo} has no revision v9`)
    expect(existsSync(download.cacheDir)).to.equal(false)
  })

  it('without safetensors says what it holds instead, and is not fetched', async () => {
    const { 'model.safetensors': _, 'tokenizer.json': __, ...rest } = files
    hub.repos.set(repo, { refs: { main: first }, commits: { [first]: rest } })
    const error = await refusal('UNUSABLE_MODEL')
    expect(error.message)
      .to.include(`${repo} has no tokenizer.json and no model.safetensors`)
      .and.include('choose a model that has them')
      .and.include('pytorch_model.bin')
    expect(hub.requests.some(({ path }) => path.includes('/resolve/'))).to.equal(false)
  })

  it('is refused if the answers could name files outside the cache', async () => {
    for (const sha of ['../../evil', '', 'main', first.toUpperCase()]) {
      hub.repos.set(repo, { refs: { main: sha }, commits: { [sha]: files } })
      expect((await refusal('BAD_ANSWER')).message).to.include('Check HF_ENDPOINT')
    }
    expect(existsSync(home)).to.equal(false)
  })

  it('waits for another download of the same, and finds it there', async () => {
    const unlock = await lockDirectory(join(home, 'hub', '.locks', 'models--owner--tiny', 'fedpeft'))
    const other = hubDownload(hub, home, { repo, revision: 'main' })
    const waiting = download.run()
    while (download.pauses.length === 0) await setImmediate()
    expect(download.notices).to.deep.equal([
      `${repo}: process ${process.pid} is downloading it; waiting for that`
    ])
    await unlock()
    const all = await Promise.all([waiting, other.run()])
    expect(all[0]).to.deep.equal(all[1])
    expect(contentRequests().filter(({ path }) => path.includes(sha256(weights)))).to.have.length(1)
  })

  it('is not begun on a disk that is too small for it', async () => {
    hub.faults.set('model.safetensors', { listedBytes: 2 ** 52 })
    const error = await download.run().catch(error => error)
    expect(error).to.be.instanceOf(FilesError)
    expect(error.code).to.equal('NO_SPACE')
    expect(error.message)
      .to.include(`${repo} needs 4503599627 MB more in ${join(home, 'hub')}`)
      .and.include('HF_HOME')
    expect(hub.requests.some(({ path }) => path.includes('/resolve/'))).to.equal(false)
  })

  it('stops when the disk is full, with nothing under its name', async function () {
    // Linux has a device that is always full; elsewhere there is nothing to try it on.
    if (process.platform !== 'linux') skipBecause(this, 'only Linux has a device that is always full')
    mkdirSync(join(download.cacheDir, 'blobs'), { recursive: true })
    symlinkSync('/dev/full', part())
    const error = await download.run().catch(error => error)
    expect(error).to.be.instanceOf(FilesError)
    expect(error.code).to.equal('NO_SPACE')
    expect(error.message).to.include('the disk is full. Free some space, or move the folder to another disk')
    expect(existsSync(blob(sha256(weights)))).to.equal(false)
  })

  it('says where it cannot be written', async () => {
    writeFileSync(home, 'a file where the cache should be')
    const error = await download.run().catch(error => error)
    expect(error).to.be.instanceOf(FilesError)
    expect(error.message).to.include(home)
  })
})
