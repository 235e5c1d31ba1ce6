import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../node/platform/package-dir.ts'
import { floorOf, houseViolations, packagesNamed, reachedFrom } from './support/house-rules.ts'

const folders = ['aggregation', 'protocols', 'node', 'bootstrap', 'sim', 'scripts', 'test', 'bin']

function sources(): Map<string, string> {
  const files = new Map<string, string>()
  for (const folder of folders) {
    for (const entry of readdirSync(join(packageDir(), folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|mjs|cjs|js)$/.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      // The breaches planted below would count.
      if (path === import.meta.filename) continue
      files.set(path.slice(packageDir().length + 1).replaceAll('\\', '/'), readFileSync(path, 'utf8'))
    }
  }
  return files
}

/** A package whose data files are resolved by name, not imported. */
function isNamedInPath(name: string): boolean {
  return [...sources()].some(
    ([path, text]) => path.startsWith('node/platform/') && text.includes(`'${name}/`)
  )
}

/** What runs as such. */
const entryPoints = ['node/cli/main.ts']

/** Finished parts that no command uses yet; each leaves this list when one does. */
const waiting: string[] = ['aggregation/web-crypto-stream.ts']

describe('the house', () => {
  it('keeps its own rules: floors, ports, no circles, no dead files, small files', () => {
    const found = houseViolations(sources(), { entryPoints: [...entryPoints, ...waiting] })
    expect(found.join('\n')).to.equal('')
  })

  it('lists as waiting only what no entry point reaches', () => {
    const reached = reachedFrom(sources(), entryPoints)
    expect(waiting.filter(path => reached.has(path) || !existsSync(join(packageDir(), path)))).to.deep.equal(
      []
    )
  })

  it('declares every package that it imports, and no other', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(packageDir(), 'package.json'), 'utf8')
    ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
    const { shipped, tools } = packagesNamed(sources())
    const declared = Object.keys(dependencies)
    expect(shipped.filter(name => !declared.includes(name))).to.deep.equal([])
    expect(declared.filter(name => !shipped.includes(name) && !isNamedInPath(name))).to.deep.equal([])
    expect(tools.filter(name => !declared.includes(name) && !(name in devDependencies))).to.deep.equal([])
    const versions = Object.values({ ...dependencies, ...devDependencies })
    expect(versions.filter(version => !/^\d+\.\d+\.\d+$/.test(version))).to.deep.equal([])
  })

  it('says in every folder what lives there', () => {
    for (const folder of ['aggregation', 'protocols', 'node', 'bootstrap', 'sim', 'test']) {
      expect(existsSync(join(packageDir(), folder, 'README.md')), folder).to.equal(true)
    }
  })

  it('has run over the sources at all', () => {
    const files = sources()
    expect(files.size).to.be.above(50)
    expect(reachedFrom(files, entryPoints).size).to.be.above(20)
  })
})

describe('the rules of the house catch', () => {
  const clean: ReadonlyArray<readonly [string, string]> = [
    ['aggregation/clip.ts', 'export const clip = 1\n'],
    ['protocols/codec.ts', "import { clip } from '../aggregation/clip.ts'\nexport const codec = clip\n"],
    [
      'node/platform/clock.ts',
      "import { hrtime } from 'node:process'\nexport const now = () => Date.now() + hrtime()[0]\n"
    ],
    [
      'node/cli/main.ts',
      "import { codec } from '../../protocols/codec.ts'\nimport { now } from '../platform/clock.ts'\nnow(codec)\n"
    ]
  ]
  const breach = (path: string, text: string) =>
    houseViolations(new Map([...clean, [path, text]]), { entryPoints: ['node/cli/main.ts', path] })

  it('nothing in a clean house', () => {
    expect(houseViolations(new Map(clean), { entryPoints: ['node/cli/main.ts'] })).to.deep.equal([])
  })

  const planted: Array<[string, string, string, RegExp]> = [
    [
      'an upward import',
      'aggregation/a.ts',
      "import { codec } from '../protocols/codec.ts'\n",
      /aggregation may not import protocols/
    ],
    [
      'an upward type import',
      'aggregation/a.ts',
      "import type { codec } from '../protocols/codec.ts'\n",
      /may not import protocols/
    ],
    [
      'an import over several lines',
      'protocols/a.ts',
      "import {\n  now\n} from '../node/platform/clock.ts'\n",
      /may not import node\/platform/
    ],
    [
      'a dynamic import',
      'protocols/a.ts',
      "await import('../node/platform/clock.ts')\n",
      /may not import node\/platform/
    ],
    [
      'a sideways import',
      'node/round/a.ts',
      "export {}\nimport { now } from '../platform/clock.ts'\n",
      /node\/round may not import node\/platform/
    ],
    [
      'node:* outside the platform',
      'node/model/a.ts',
      "import { readFile } from 'node:fs/promises'\n",
      /may not import node:/
    ],
    [
      'libp2p in the simulation',
      'sim/a.ts',
      "import { createLibp2p } from 'libp2p'\n",
      /sim may not import libp2p/
    ],
    [
      'libp2p in the command line',
      'node/cli/a.ts',
      "import { tcp } from '@libp2p/tcp'\n",
      /may not import libp2p/
    ],
    [
      'the platform in the simulation',
      'sim/a.ts',
      "import { now } from '../node/platform/clock.ts'\n",
      /sim may not import node\/platform/
    ],
    ['tfjs in a round', 'node/round/a.ts', "import * as tf from '@tensorflow/tfjs'\n", /may not import tfjs/],
    [
      'any package in pure mathematics',
      'aggregation/a.ts',
      "import { z } from 'zod'\n",
      /may not import any package/
    ],
    ['the wall clock', 'protocols/a.ts', 'export const a = Date.now()\n', /calls Date\.now/],
    [
      'the wall clock, by its constructor',
      'protocols/a.ts',
      'export const a = new Date()\n',
      /calls new Date/
    ],
    ['a timer', 'node/peer/a.ts', 'setTimeout(() => 1, 2)\n', /calls setTimeout/],
    ['unseeded randomness', 'node/train/a.ts', 'export const a = Math.random()\n', /calls Math\.random/],
    [
      'an import of nothing',
      'protocols/a.ts',
      "import { b } from './b.ts'\n",
      /protocols\/b\.ts, which is not there/
    ],
    ['a default export', 'protocols/a.ts', 'export default 1\n', /default export/],
    ['an enum', 'protocols/a.ts', 'export enum A { B }\n', /enum/],
    ['a barrel', 'protocols/a.ts', "export * from './codec.ts'\n", /re-exports/],
    ['a barrel by names', 'protocols/a.ts', "export { codec } from './codec.ts'\n", /re-exports/],
    ['a long file', 'protocols/a.ts', 'export const a = 1\n'.repeat(500), /501 lines/],
    ['a name in another case', 'protocols/runManifest.ts', 'export const a = 1\n', /kebab-case/],
    ['a file on no floor', 'node/misc.ts', 'export const a = 1\n', /lies on no floor/]
  ]
  for (const [what, path, text, expected] of planted) {
    it(what, () => {
      const found = breach(path, text)
      expect(
        found.filter(line => expected.test(line)),
        found.join('\n')
      ).to.have.length(1)
      expect(found[0]).to.contain(path)
    })
  }

  it('a circle', () => {
    const files = new Map([
      ...clean,
      ['protocols/a.ts', "import { b } from './b.ts'\n"] as const,
      ['protocols/b.ts', "import type { a } from './a.ts'\n"] as const
    ])
    const found = houseViolations(files, { entryPoints: ['node/cli/main.ts', 'protocols/a.ts'] })
    expect(found).to.deep.equal(['protocols/a.ts: circle protocols/a.ts -> protocols/b.ts -> protocols/a.ts'])
  })

  it('a dead file, but not a worker that is started by its URL', () => {
    const files = new Map([...clean, ['node/platform/trainer-worker.ts', 'export {}\n'] as const])
    expect(houseViolations(files, { entryPoints: ['node/cli/main.ts'] })).to.deep.equal([
      'node/platform/trainer-worker.ts: dead: nothing that runs imports it'
    ])
    files.set(
      'node/cli/main.ts',
      `${files.get('node/cli/main.ts')}new URL('../platform/trainer-worker.ts', import.meta.url)\n`
    )
    expect(houseViolations(files, { entryPoints: ['node/cli/main.ts'] })).to.deep.equal([])
  })

  it('nothing in comments: a forbidden word may be explained', () => {
    expect(
      breach('protocols/a.ts', '// never Date.now here\n/** nor Math.random */\nexport const a = 1\n')
    ).to.deep.equal([])
  })

  it('the floor of a file that stands for a folder', () => {
    expect(floorOf('node/peer.ts')).to.equal('node/peer')
    expect(floorOf('node/peer/state-store.ts')).to.equal('node/peer')
    expect(floorOf('elsewhere/a.ts')).to.equal(null)
  })
})
