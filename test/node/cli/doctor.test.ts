import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import type { BackendName } from '../../../node/backend/backend.ts'
import type { Check } from '../../../node/cli/doctor/check.ts'
import type { DoctorPorts } from '../../../node/cli/doctor/doctor-ports.ts'
import { type DoctorOptions, doctor } from '../../../node/cli/doctor.ts'
import { createOutput } from '../../../node/cli/output.ts'
import { UserError } from '../../../node/cli/user-error.ts'
import type { HubFacts } from '../../../node/platform/doctor/hub-facts.ts'
import type { DiskFacts, MachineFacts } from '../../../node/platform/doctor/machine-facts.ts'
import type { TrialOutcome } from '../../../node/platform/doctor/trial-outcome.ts'
import { HubError } from '../../../node/platform/hub/errors.ts'
import type { NvidiaFacts } from '../../../node/platform/tensorflow-search.ts'
import { jsonLines } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'

const nowMs = Date.UTC(2026, 10, 22, 12)

const facts: MachineFacts = {
  nodeVersion: '24.21.0',
  nodePath: '/opt/node',
  system: 'linux x64, glibc 2.36',
  cpu: {
    model: 'A processor',
    cores: 4,
    vectors: ['avx', 'avx2', 'fma'],
    wasmSimd: true,
    wasmRelaxedSimd: true
  },
  memory: { totalBytes: 16e9, availableBytes: 12e9 },
  nowMs
}

const hubFacts: HubFacts = {
  endpoint: 'https://hub.example',
  cacheDir: '/cache',
  cachedModels: 1,
  tokenSource: 'HF_TOKEN',
  isOffline: false,
  answer: { isThere: true, milliseconds: 83, dateMs: nowMs - 1000 }
}

const absent: TrialOutcome = { kind: 'unavailable', reason: 'it is not there', fix: 'fetch it' }

function works(gflopPerSecond: number, description = 'a library'): TrialOutcome {
  return { kind: 'works', description, threads: 4, gflopPerSecond, gflopPerCpuSecond: 1, notByItself: null }
}

/** What a made-up machine has; a sound one without any card unless said otherwise. */
interface Machine {
  readonly facts?: Partial<MachineFacts>
  readonly cpu?: Partial<MachineFacts['cpu']>
  readonly disk?: DiskFacts | null
  readonly hub?: Partial<HubFacts> | Error
  readonly model?: Error
  readonly nvidia?: NvidiaFacts
  readonly backends?: Partial<Record<BackendName, TrialOutcome>>
}

interface Visit {
  readonly text: string
  readonly events: Array<Record<string, unknown>>
  readonly tried: Array<readonly [BackendName, number]>
  readonly error: unknown
}

async function visit(machine: Machine, options: Partial<DoctorOptions> = {}, json = false): Promise<Visit> {
  const tried: Array<readonly [BackendName, number]> = []
  const backends = { wasm: works(80), cpu: works(0.5), ...machine.backends }
  const ports: DoctorPorts = {
    machine: async () => ({ ...facts, ...machine.facts, cpu: { ...facts.cpu, ...machine.cpu } }),
    disk: async () =>
      machine.disk === undefined ? { folder: '/home', freeBytes: 50e9, isWritable: true } : machine.disk,
    async hub(isAsked) {
      if (machine.hub instanceof Error) throw machine.hub
      return { ...hubFacts, ...machine.hub, ...(isAsked ? {} : { answer: null }) }
    },
    async embeddedModel() {
      if (machine.model !== undefined) throw machine.model
      return { folder: '/models/embedded', parameters: 467_808 }
    },
    nvidia: () => machine.nvidia ?? { driverVersion: null, cards: [] },
    cudaTensorflow: () => ({
      isThere: false,
      code: 'NOT_INSTALLED',
      reason: 'nowhere',
      fix: 'node build.mjs --gpu'
    }),
    async tryBackend(name, threads) {
      tried.push([name, threads])
      return backends[name] ?? absent
    }
  }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const output = createOutput({ stdout, stderr }, json)
  const host = { output, signal: new AbortController().signal }
  const error = await doctor({ dir: '/home/me/.fedpeft', hub: true, ...options }, host, ports).then(
    () => null,
    (error: unknown) => error
  )
  const [text, words] = [String(stdout.read() ?? ''), String(stderr.read() ?? '')]
  return { text: text + words, events: json ? jsonLines(text) : [], tried, error }
}

async function check(name: string, machine: Machine, options: Partial<DoctorOptions> = {}): Promise<Check> {
  const { events } = await visit(machine, options, true)
  return events.find(event => event['event'] === 'check' && event['name'] === name) as unknown as Check
}

describe('the doctor', () => {
  it('tells a sound machine what it can train with, all on lines of their own', async () => {
    const { text, error, tried } = await visit({ backends: { tensorflow: works(124, 'TensorFlow 2.21.0') } })
    expect(error).to.equal(null)
    expect(tried).to.deep.equal(['cuda', 'tensorflow', 'webgpu', 'wasm', 'cpu'].map(name => [name, 4]))
    expect(text).to.contain('  ok      Node       24.21.0 at /opt/node, on linux x64, glibc 2.36\n')
    expect(text).to.contain(
      '  ok      processor  A processor: 4 cores; avx avx2 fma; WebAssembly with SIMD and fused'
    )
    expect(text).to.contain('  ok      memory     12 GB free of 16 GB\n')
    expect(text).to.contain('  ok      disk       50 GB free at /home/me/.fedpeft\n')
    expect(text).to.contain('  ok      model      the embedded one is whole (467,808 parameters)\n')
    expect(text).to.contain('https://hub.example answers in 83 ms; 1 model in /cache; a token in HF_TOKEN\n')
    expect(text).to.contain('2026-11-22 12:00:00 UTC, within 2 s of the Hub')
    expect(text).to.contain(`  no      webgpu     it is not there\n${' '.repeat(21)}-> fetch it\n`)
    expect(text).to.contain('  ok      tensorflow 124 GFLOP/s; TensorFlow 2.21.0\n')
    expect(text).to.match(/take tensorflow by themselves for models at least \d+ wide, and wasm for narrower/)
  })

  it('ends with one event that says what is usable and what auto takes', async () => {
    const { events } = await visit({}, {}, true)
    expect(events.at(-1)).to.deep.equal({
      event: 'done',
      usable: ['wasm', 'cpu'],
      auto: { narrow: 'wasm', wide: 'wasm' },
      faults: []
    })
  })

  it('fails where nothing can train, after telling all', async () => {
    const nothing = { wasm: absent, cpu: absent }
    const { error, events } = await visit({ backends: nothing }, {}, true)
    expect(error).to.be.instanceOf(UserError).and.to.include({ exitCode: 1 })
    expect(events.at(-1)).to.deep.include({ event: 'done', usable: [], auto: { narrow: null, wide: null } })
  })

  it('tries one backend alone when it is told to, and fails if that one does not work', async () => {
    const fine = await visit({}, { backend: 'wasm', threads: 2 })
    expect(fine.tried).to.deep.equal([['wasm', 2]])
    expect(fine.error).to.equal(null)
    const { error, tried } = await visit({}, { backend: 'cuda' })
    expect(tried).to.deep.equal([['cuda', 4]])
    expect(error).to.be.instanceOf(UserError)
  })

  describe('on backends', () => {
    it('names the whole way to CUDA where there is no driver, and the next step alone where there is', async () => {
      const fixes = ['fetch it', 'then TensorFlow for it: node build.mjs --gpu']
      expect(await check('cuda', {})).to.deep.include({ status: 'absent', found: 'it is not there', fixes })
      const nvidia = { driverVersion: '550.54.14', cards: ['NVIDIA H100'] }
      const withCard = await check('cuda', { nvidia })
      expect(withCard.fixes).to.deep.equal(['fetch it'])
      expect(withCard.data['nvidia']).to.deep.equal(nvidia)
    })

    it('warns of a TensorFlow that is too old for recent cards', async () => {
      const old = await check('cuda', {
        backends: { cuda: works(9000, 'TensorFlow 2.9.1 through tfjs-node-gpu') }
      })
      expect(old.status).to.equal('warning')
      expect(old.found).to.contain('Hopper')
      expect(old.fixes[0]).to.match(/build-addon\.mjs --gpu$/)
      const current = await check('cuda', { backends: { cuda: works(9000, 'TensorFlow 2.21.0 through …') } })
      expect(current).to.include({ status: 'ok' })
    })

    it('does not let auto take what works but slowly', async () => {
      const notByItself = { reason: 'it computes in software', fix: 'install a driver' }
      const webgpu = { ...works(1), notByItself } as TrialOutcome
      const { events } = await visit({ backends: { webgpu } }, {}, true)
      expect(events.find(({ name }) => name === 'webgpu')).to.deep.include({
        status: 'warning',
        found: '1.0 GFLOP/s; it computes in software',
        fixes: ['install a driver']
      })
      expect(events.at(-1)).to.deep.include({
        usable: ['webgpu', 'wasm', 'cpu'],
        auto: { narrow: 'wasm', wide: 'wasm' }
      })
    })

    it('calls one that computes wrong, or whose process dies, a fault that does not stop the others', async () => {
      const backends = {
        tensorflow: { kind: 'died', reason: 'its process ended with signal SIGILL' },
        webgpu: { kind: 'wrong', reason: '7 instead of 6' }
      } as const
      const { text, error } = await visit({ backends })
      expect(error).to.equal(null)
      expect(text).to.contain('  FAULT   tensorflow its process ended with signal SIGILL\n')
      expect(text).to.match(/-> build it again: node .*build-addon\.mjs\n/)
      expect(text).to.contain('  FAULT   webgpu     it must not be used: 7 instead of 6\n')
      expect(text).to.contain('warning: to be put right first: tensorflow, webgpu\n')
    })
  })

  const odd: ReadonlyArray<readonly [string, string, Machine, Check['status'], RegExp, RegExp?]> = [
    [
      'an older Node',
      'Node',
      { facts: { nodeVersion: '22.9.0' } },
      'warning',
      /tested with Node 24/,
      /npm install/
    ],
    [
      'no SIMD',
      'processor',
      { cpu: { wasmSimd: false, wasmRelaxedSimd: false } },
      'warning',
      /without SIMD/,
      /Node 24/
    ],
    [
      'no relaxed SIMD',
      'processor',
      { cpu: { wasmRelaxedSimd: false } },
      'warning',
      /without fused/,
      /Node 24/
    ],
    ['an unknown processor', 'processor', { cpu: { vectors: null, cores: 1 } }, 'ok', /1 core; WebAssembly/],
    [
      'little memory',
      'memory',
      { facts: { memory: { totalBytes: 2e9, availableBytes: 0.6e9 } } },
      'warning',
      /600 MB free of 2.0 GB/,
      /SmolLM2-135M takes about 1 GB/
    ],
    [
      'a disk that is nearly full',
      'disk',
      { disk: { folder: '/', freeBytes: 1e8, isWritable: true } },
      'warning',
      /100 MB free/,
      /--dir/
    ],
    [
      'a full disk',
      'disk',
      { disk: { folder: '/', freeBytes: 1e6, isWritable: true } },
      'fault',
      /1.0 MB free/,
      /--dir/
    ],
    [
      'a folder that is not ours',
      'disk',
      { disk: { folder: '/root', freeBytes: 1e12, isWritable: false } },
      'fault',
      /\/root cannot be written to/,
      /chmod u\+rwx \/root/
    ],
    ['a system that hides its disks', 'disk', { disk: null }, 'warning', /does not say/],
    [
      'a broken model',
      'model',
      { model: new Error('model.safetensors is cut short') },
      'fault',
      /cut short/,
      /install/
    ],
    [
      'a wrong endpoint',
      'Hub',
      { hub: new HubError('BAD_SETTING', {}, 'HF_ENDPOINT: got "x"') },
      'fault',
      /HF_ENDPOINT/
    ],
    ['work offline', 'Hub', { hub: { isOffline: true, answer: null } }, 'ok', /HF_HUB_OFFLINE is set/],
    [
      'a Hub behind a proxy',
      'Hub',
      { hub: { tokenSource: null, answer: { isThere: false, reason: 'no route', isProxyIgnored: true } } },
      'absent',
      /does not answer \(no route\); 1 model in \/cache; no token/,
      /NODE_USE_ENV_PROXY=1/
    ],
    [
      'a clock that stands',
      'clock',
      { facts: { nowMs: 0 } },
      'fault',
      /^1970-01-01 00:00:00 UTC, which cannot be/,
      /set-ntp/
    ],
    [
      'a clock that is fast',
      'clock',
      { facts: { nowMs: nowMs + 600_000 } },
      'warning',
      /601 s ahead of the Hub's/,
      /set-ntp/
    ]
  ]
  for (const [what, name, machine, status, found, fix] of odd) {
    it(`knows ${what}`, async () => {
      const result = await check(name, machine)
      expect(result.status).to.equal(status)
      expect(result.found).to.match(found)
      if (fix === undefined) expect(result.fixes.join()).not.to.match(/undefined/)
      else expect(result.fixes.join('\n')).to.match(fix)
    })
  }

  it('does not ask the Hub when told not to', async () => {
    expect((await check('Hub', {}, { hub: false })).found).to.match(/^https:\/\/hub\.example, not asked; /)
    expect((await check('clock', {}, { hub: false })).found).to.equal('2026-11-22 12:00:00 UTC')
  })
})

describe('fedpeft-node doctor', () => {
  it('looks at this machine, and never tells the token', async () => {
    const before = process.env['HF_TOKEN']
    process.env['HF_TOKEN'] = 'hf_secret'
    try {
      const { exitCode, events, stdout, stderr } = await runHere([
        ...['doctor', '--json', '--no-hub', '--backend', 'wasm', '--threads', '1']
      ])
      expect(exitCode, stderr).to.equal(0)
      const names = ['Node', 'processor', 'memory', 'disk', 'model', 'Hub', 'clock', 'wasm']
      expect(events.map(({ name }) => name)).to.deep.equal([...names, undefined])
      expect(events.find(({ name }) => name === 'model')).to.include({ status: 'ok' })
      expect(events.at(-1)).to.deep.equal({ event: 'done', usable: ['wasm'], auto: null, faults: [] })
      expect(stdout + stderr).to.contain('a token in HF_TOKEN')
      expect(stdout + stderr).not.to.contain('hf_secret')
    } finally {
      if (before === undefined) delete process.env['HF_TOKEN']
      else process.env['HF_TOKEN'] = before
    }
  })

  it('refuses a backend that it does not know, with the list', async () => {
    const { exitCode, stderr } = await runHere(['doctor', '--backend', 'abacus'])
    expect(exitCode).to.equal(2)
    expect(stderr).to.match(/cuda, tensorflow, webgpu, wasm, cpu/)
  })
})
