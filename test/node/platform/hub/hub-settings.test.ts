import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { HubError } from '../../../../node/platform/hub/errors.ts'
import { hubSettings } from '../../../../node/platform/hub/hub-settings.ts'
import { scratchFolder } from '../../../support/cli.ts'

describe('settings of the Hub', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())
  const none = { HF_HOME: join(scratch.path, 'none') }

  it('are those of huggingface.co unless a mirror is named', async () => {
    expect((await hubSettings(none)).endpoint).to.equal('https://huggingface.co')
    const { endpoint } = await hubSettings({ ...none, HF_ENDPOINT: 'http://mirror:8080/hub//' })
    expect(endpoint).to.equal('http://mirror:8080/hub')
    for (const wrong of ['mirror.example', 'ftp://mirror', 'file:///etc']) {
      const error = await hubSettings({ ...none, HF_ENDPOINT: wrong }).catch(error => error)
      expect(error).to.be.instanceOf(HubError)
      expect(error.code).to.equal('BAD_SETTING')
      expect(error.message).to.include(`HF_ENDPOINT: got "${wrong}"`)
    }
  })

  it('keep files where huggingface_hub keeps them', async () => {
    const cacheDir = async (env: Record<string, string>) => (await hubSettings(env)).cacheDir
    expect(await cacheDir({})).to.equal(join(homedir(), '.cache', 'huggingface', 'hub'))
    expect(await cacheDir({ XDG_CACHE_HOME: '/x' })).to.equal(join('/x', 'huggingface', 'hub'))
    expect(await cacheDir({ XDG_CACHE_HOME: '/x', HF_HOME: '/h' })).to.equal(join('/h', 'hub'))
    expect(await cacheDir({ HF_HOME: '~/h' })).to.equal(join(homedir(), 'h', 'hub'))
    expect(await cacheDir({ HF_HOME: '' })).to.equal(join(homedir(), '.cache', 'huggingface', 'hub'))
    expect(await cacheDir({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' })).to.equal('/old')
    expect(await cacheDir({ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/c' })).to.equal('/c')
  })

  it('take the token from its variable, or from the file that a login leaves', async () => {
    const home = join(scratch.path, 'home')
    mkdirSync(home)
    expect((await hubSettings({ HF_HOME: home })).token).to.equal(null)
    writeFileSync(join(home, 'token'), 'hf_file\n')
    const token = async (env: Record<string, string>) => (await hubSettings({ HF_HOME: home, ...env })).token
    expect(await token({})).to.deep.equal({ value: 'hf_file', source: join(home, 'token') })
    expect(await token({ HF_TOKEN: ' hf_variable ' })).to.deep.equal({
      value: 'hf_variable',
      source: 'HF_TOKEN'
    })
    expect((await token({ HF_TOKEN: ' ' }))?.value).to.equal('hf_file')
    expect((await token({ HUGGING_FACE_HUB_TOKEN: 'hf_old' }))?.value).to.equal('hf_old')
    expect(await token({ HF_TOKEN: 'hf_variable', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).to.equal(null)
    writeFileSync(join(scratch.path, 'other'), 'hf_other')
    expect((await token({ HF_TOKEN_PATH: join(scratch.path, 'other') }))?.value).to.equal('hf_other')
    writeFileSync(join(home, 'token'), '\n')
    expect(await token({})).to.equal(null)
  })

  it('know when to stay offline, and when a proxy is set that Node does not use', async () => {
    const offline = async (env: Record<string, string>) => (await hubSettings({ ...none, ...env })).isOffline
    for (const value of ['1', 'true', 'YES', 'on'])
      expect(await offline({ HF_HUB_OFFLINE: value })).to.equal(true)
    for (const value of ['0', 'false', '']) expect(await offline({ HF_HUB_OFFLINE: value })).to.equal(false)
    expect(await offline({ TRANSFORMERS_OFFLINE: '1' })).to.equal(true)
    const proxy = async (env: Record<string, string>) =>
      (await hubSettings({ ...none, ...env })).isProxyIgnored
    expect(await proxy({})).to.equal(false)
    expect(await proxy({ HTTPS_PROXY: 'http://p:3128' })).to.equal(true)
    expect(await proxy({ HTTPS_PROXY: 'http://p:3128', NODE_USE_ENV_PROXY: '1' })).to.equal(false)
  })
})
