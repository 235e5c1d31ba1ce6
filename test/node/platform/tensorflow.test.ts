import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { packageDir } from '../../../node/platform/package-dir.ts'
import { openTensorflow } from '../../../node/platform/tensorflow.ts'
import { findTensorflow, type NoTensorflow, nvidiaFacts } from '../../../node/platform/tensorflow-search.ts'
import { skipBecause } from '../../support/skip.ts'

const cpuPackage = '@tensorflow/tfjs-node'

describe('TensorFlow through tfjs-node', () => {
  let dir: string
  let before: NodeJS.ProcessEnv
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fedpeft-'))
    before = { ...process.env }
  })
  afterEach(() => {
    rmSync(dir, { recursive: true })
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  })

  /** An empty machine of its own, as far as the search looks. */
  const places = () => ({
    environment: { XDG_CACHE_HOME: join(dir, 'cache') } as NodeJS.ProcessEnv,
    importer: join(dir, 'project', 'index.js'),
    nvidiaFolder: join(dir, 'nvidia')
  })

  /** A package whose main file is `main`, in the node_modules of `parent`. */
  function install(parent: string, name: string, main: string | null): string {
    const folder = join(dir, parent, 'node_modules', name)
    const lib = join(folder, 'lib', 'napi-v8')
    mkdirSync(lib, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, main: 'index.js' }))
    if (main === null) return folder
    writeFileSync(join(lib, 'tfjs_binding.node'), '')
    writeFileSync(join(folder, 'index.js'), main)
    return folder
  }

  function nvidia(version: string, cards: readonly string[]): void {
    mkdirSync(join(dir, 'nvidia', 'gpus'), { recursive: true })
    writeFileSync(
      join(dir, 'nvidia', 'version'),
      `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Thu Feb 22 01:44:30 UTC 2024\nGCC version:  12.3.0\n`
    )
    for (const [i, card] of cards.entries()) {
      mkdirSync(join(dir, 'nvidia', 'gpus', `0000:0${i}:00.0`))
      writeFileSync(
        join(dir, 'nvidia', 'gpus', `0000:0${i}:00.0`, 'information'),
        `Model: \t\t ${card}\nIRQ:   \t\t 61\n`
      )
    }
  }

  function refused(backend: 'cuda' | 'tensorflow'): NoTensorflow {
    const result = openTensorflow(backend, { threads: 1, places: places() })
    if (result.isThere) throw new Error(`expected a refusal, got ${result.description}`)
    return result
  }

  it('that is not installed is told with the command that builds it', () => {
    const { code, reason, fix } = refused('tensorflow')
    expect(code).to.equal('NOT_INSTALLED')
    expect(reason).to.contain(join(dir, 'cache', 'fedpeft', 'tfjs-node'))
    expect(fix).to.match(/node \/.*build-addon\.mjs$/)
  })

  it('whose addon was not downloaded is told apart', () => {
    const folder = install('project', cpuPackage, null)
    const { code, reason } = refused('tensorflow')
    expect(code).to.equal('ADDON_MISSING')
    expect(reason).to.contain(folder)
  })

  it('is taken from the named folder, then from beside this package, then from where the script builds it', () => {
    const search = (environment: NodeJS.ProcessEnv = {}) => {
      const all = places()
      const found = findTensorflow('tensorflow', {
        ...all,
        environment: { ...all.environment, ...environment }
      })
      return found.isThere ? found.folder : found.code
    }
    const built = install(join('cache', 'fedpeft', 'tfjs-node'), cpuPackage, '')
    expect(search()).to.equal(built)
    // Without its addon, the nearer one is of no use.
    install('project', cpuPackage, null)
    expect(search()).to.equal(built)
    const beside = install('project', cpuPackage, '')
    expect(search()).to.equal(beside)
    const named = install('named', cpuPackage, '')
    expect(search({ FEDPEFT_TFJS_NODE: join(dir, 'named') })).to.equal(named)
    expect(search({ FEDPEFT_TFJS_NODE: named })).to.equal(named)
    expect(search({ FEDPEFT_TFJS_NODE: join(dir, 'empty') })).to.equal(beside)
  })

  const failures: ReadonlyArray<readonly [string, string, NoTensorflow['code'], RegExp]> = [
    [
      'an old C library',
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by /a/libtensorflow_cc.so.2)",
      'OLD_LIBC',
      /needs GLIBC_2\.99/
    ],
    [
      'an old C++ library',
      "/lib/libstdc++.so.6: version `GLIBCXX_3.4.99' not found (required by /a/tfjs_binding.node)",
      'OLD_LIBC',
      /needs GLIBCXX_3\.4\.99/
    ],
    [
      'a library that is not there',
      'libtensorflow.so.2: cannot open shared object file: No such file or directory',
      'LIBRARY_MISSING',
      /needs libtensorflow\.so\.2,/
    ],
    ['anything else', 'Module did not self-register', 'LOAD_FAILED', /could not be loaded: Module did not/]
  ]
  for (const [what, message, code, reason] of failures) {
    it(`that fails to load for ${what} says so`, () => {
      install('project', cpuPackage, `throw new Error(${JSON.stringify(message)})`)
      const result = refused('tensorflow')
      expect(result.code).to.equal(code)
      expect(result.reason).to.match(reason)
      expect(result.fix).to.contain('build-addon.mjs')
    })
  }

  it('does not touch the CUDA build without a driver, with an old one, or without a card', () => {
    install('project', '@tensorflow/tfjs-node-gpu', "throw new Error('loaded')")
    expect(refused('cuda')).to.include({ code: 'NO_DRIVER' })
    nvidia('470.256.02', ['Tesla K80'])
    expect(refused('cuda')).to.include({ code: 'OLD_DRIVER' })
    nvidia('550.54.14', [])
    rmSync(join(dir, 'nvidia', 'gpus'), { recursive: true })
    expect(refused('cuda')).to.include({ code: 'NO_CARD' })
    nvidia('550.54.14', ['NVIDIA H100 80GB HBM3'])
    expect(refused('cuda')).to.include({ code: 'LOAD_FAILED' })
  })

  it('tells a card that TensorFlow does not use', () => {
    const gpuPackage = '@tensorflow/tfjs-node-gpu'
    const backend = "{ binding: { TF_Version: '2.21.0', isUsingGpuDevice: () => false } }"
    install('project', gpuPackage, `module.exports = { version: {}, backend: () => (${backend}) }`)
    nvidia('550.54.14', ['NVIDIA H100 80GB HBM3'])
    const { code, reason } = refused('cuda')
    expect(code).to.equal('CARD_REFUSED')
    expect(reason).to.contain('550.54.14 lists (NVIDIA H100 80GB HBM3)')
  })

  it("reads the driver's version and the names of the cards", () => {
    nvidia('550.54.14', ['NVIDIA H100 80GB HBM3', 'NVIDIA L4'])
    expect(nvidiaFacts(join(dir, 'nvidia'))).to.deep.equal({
      driverVersion: '550.54.14',
      cards: ['NVIDIA H100 80GB HBM3', 'NVIDIA L4']
    })
  })

  it('computes, where it is built', function () {
    if (!findTensorflow('tensorflow').isThere)
      skipBecause(this, 'the TensorFlow addon is not built (node scripts/tensorflow/build-addon.mjs)')
    // In a process of its own: once loaded it stays.
    const program = `
      import { openTensorflow } from ${JSON.stringify(pathToFileURL(join(packageDir(), 'node/platform/tensorflow.ts')).href)}
      const open = () => openTensorflow('tensorflow', { threads: 1 })
      const { tf, isOnCard, threads, description } = open()
      const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]]), false, true)
      const again = open().tf === tf
      console.log(JSON.stringify({ values: [...product.dataSync()], isOnCard, threads, description, again }))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8'
    })
    expect(stdout, stderr).to.match(/^\{/)
    const result = JSON.parse(stdout) as Record<string, unknown>
    expect(result).to.deep.include({ values: [17, 23, 39, 53], isOnCard: false, threads: 1, again: true })
    expect(result['description']).to.match(
      /^TensorFlow 2\.\d+\.\d+ through @tensorflow\/tfjs-node 4\.22\.0, CPU, 1 thread$/
    )
  })
})
