/**
 * The rules of the house, over the text of the source files: who may import whom, where time, randomness and the
 * outside world may enter, no circles, no dead files. Works on import lines alone; the compiler checks the rest.
 */

/** Path, with `/`, relative to the project -> content. */
export type SourceFiles = ReadonlyMap<string, string>

/** Every floor and the floors it may import besides itself. Whoever is not listed may import everything. */
const floors: Readonly<Record<string, readonly string[]>> = {
  aggregation: [],
  protocols: ['aggregation'],
  'node/round': ['aggregation', 'protocols'],
  'node/backend': ['aggregation', 'protocols'],
  'node/model': ['aggregation', 'protocols', 'node/backend'],
  'node/peft': ['aggregation', 'protocols', 'node/backend', 'node/model'],
  'node/train': ['aggregation', 'protocols', 'node/backend', 'node/model', 'node/peft'],
  'node/runtime': ['aggregation', 'protocols', 'node/backend', 'node/model', 'node/peft', 'node/train'],
  'node/peer': [
    ...['aggregation', 'protocols', 'node/round', 'node/backend', 'node/model'],
    ...['node/peft', 'node/train', 'node/runtime']
  ],
  bootstrap: ['aggregation', 'protocols'],
  'node/platform': [
    ...['aggregation', 'protocols', 'node/round', 'node/backend', 'node/model'],
    ...['node/peft', 'node/train', 'node/runtime', 'node/peer']
  ],
  sim: [
    ...['aggregation', 'protocols', 'node/round', 'node/backend', 'node/model'],
    ...['node/peft', 'node/train', 'node/runtime', 'node/peer', 'bootstrap']
  ]
}

/** The roots of command lines and what tests them: they pass the real world in. */
const roots = ['node/cli', 'scripts', 'test', 'bin']

/** Packages that only some floors may name. */
const guarded: ReadonlyArray<{ what: string; pattern: RegExp; allowed: readonly string[] }> = [
  { what: 'node:*', pattern: /^node:/, allowed: ['node/platform', ...roots] },
  {
    what: 'libp2p',
    pattern: /^(libp2p|@libp2p\/|@chainsafe\/|@multiformats\/|datastore-)/,
    allowed: ['node/platform', 'scripts', 'test']
  },
  {
    what: 'tfjs',
    pattern: /^@tensorflow\//,
    allowed: [
      'node/backend',
      'node/model',
      'node/peft',
      'node/train',
      'node/runtime',
      'node/platform',
      'scripts',
      'test'
    ]
  },
  { what: 'any package', pattern: /^[^.]/, allowed: notThese(['aggregation', 'node/round']) }
]

/** Time and randomness come in through ports; these floors make the ports. */
const worldly = ['node/platform', 'sim', ...roots]

const worldCalls =
  /\bDate\.now\b|\bperformance\.now\b|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bnew Date\(\s*\)|\bgetRandomValues\b|\brandomUUID\b/

/** Tests are lists of cases and may be longer. */
const maxLines = (floor: string) => (floor === 'test' ? 600 : 450)

/** Written by a tool: only their imports count. */
const generated = /^protocols\/messages\.(js|d\.ts)$/

function notThese(excluded: readonly string[]): string[] {
  return [...Object.keys(floors), ...roots].filter(floor => !excluded.includes(floor))
}

/** The floor of a file: the longest floor or root that its path lies in; `node/peer.ts` belongs to `node/peer`. */
export function floorOf(path: string): string | null {
  const inside = (floor: string) => path.startsWith(`${floor}/`) || path === `${floor}.ts`
  return [...Object.keys(floors), ...roots].find(inside) ?? null
}

export interface HouseOptions {
  /** Files that are run or offered as such; every other source must be reached from them, or be a script's. */
  readonly entryPoints: readonly string[]
}

/** Every breach, one line each, naming the file. */
export function houseViolations(files: SourceFiles, { entryPoints }: HouseOptions): string[] {
  const imports = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]))
  const found: string[] = []
  for (const [path, text] of files) {
    const floor = floorOf(path)
    if (floor === null) {
      found.push(`${path}: lies on no floor`)
      continue
    }
    for (const { specifier, target } of imports.get(path)!) {
      found.push(...importViolations(path, floor, specifier, target, files))
    }
    if (!generated.test(path)) found.push(...textViolations(path, floor, text))
  }
  return [...found, ...circles(imports), ...deadFiles(files, imports, entryPoints)]
}

interface Import {
  readonly specifier: string
  /** The file it means, or null for a package. */
  readonly target: string | null
}

const importForms = [
  /(?:^|[;\n])\s*(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /(?:^|[;\n])\s*import\s*['"]([^'"]+)['"]/g,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
  // A worker's entry point is named this way.
  /\bnew URL\(\s*[`'"](\.\.?\/[^'"`$]+?)(?:\$\{[^}]*\})?['"`],\s*import\.meta\.url/g
]

function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text)
  return (
    importForms
      .flatMap(form => [...code.matchAll(form)].map(match => match[1]!))
      // A worker's ending is that of the file that starts it.
      .map(specifier => (specifier.endsWith('.') ? `${specifier}ts` : specifier))
      .map(specifier => ({ specifier, target: specifier.startsWith('.') ? resolved(path, specifier) : null }))
  )
}

function resolved(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Good enough for our own formatted sources: a `//` inside a string must follow something else than a blank. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function importViolations(
  path: string,
  floor: string,
  specifier: string,
  target: string | null,
  files: SourceFiles
): string[] {
  if (target === null) {
    return guarded
      .filter(({ pattern, allowed }) => pattern.test(specifier) && !allowed.includes(floor))
      .map(({ what }) => `${path}: ${floor} may not import ${what} (${specifier})`)
  }
  // Folders and data files are named by URL too; only sources have floors.
  if (!files.has(target))
    return /\.[cm]?[jt]s$/.test(target) ? [`${path}: imports ${target}, which is not there`] : []
  const targetFloor = floorOf(target)
  const allowed = floors[floor]
  if (allowed === undefined) return []
  if (targetFloor === floor || (targetFloor !== null && allowed.includes(targetFloor))) return []
  return [`${path}: ${floor} may not import ${targetFloor} (${target})`]
}

function textViolations(path: string, floor: string, text: string): string[] {
  const found: string[] = []
  const code = withoutComments(text)
  const call = worldCalls.exec(code)
  if (call !== null && !worldly.includes(floor))
    found.push(`${path}: calls ${call[0]} outside ${worldly.join(', ')}`)
  const lines = text.split('\n').length
  if (lines > maxLines(floor)) found.push(`${path}: ${lines} lines: look for the second reason in it`)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|slow))?\.(ts|mjs|cjs)$/.test(path.slice(path.lastIndexOf('/') + 1))) {
    found.push(`${path}: names are kebab-case`)
  }
  if (/^export default\b/m.test(code)) found.push(`${path}: default export`)
  if (/^\s*(?:export )?(?:const )?enum\b/m.test(code)) found.push(`${path}: enum: use a union of strings`)
  if (/^export \*/m.test(code) || /^export (?:type )?\{[^}]*\} from\b/m.test(code)) {
    found.push(`${path}: re-exports: import from where it is`)
  }
  return found
}

/** Every file on a circle of imports, types included. */
function circles(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (path: string): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push(`${path}: circle ${[...trail.slice(at), path].join(' -> ')}`)
    if (at >= 0 || done.has(path)) return
    trail.push(path)
    for (const { target } of imports.get(path) ?? []) if (target !== null) visit(target)
    trail.pop()
    done.add(path)
  }
  for (const path of imports.keys()) visit(path)
  return found
}

function deadFiles(
  files: SourceFiles,
  imports: ReadonlyMap<string, readonly Import[]>,
  entryPoints: readonly string[]
): string[] {
  const within = (...wanted: string[]) =>
    [...files.keys()].filter(path => wanted.includes(floorOf(path) ?? ''))
  const reached = reachable(imports, [...entryPoints, ...within('scripts')])
  // The simulation is a test bench as well as a command.
  const onBench = reachable(imports, within('test'))
  const isAlive = (path: string, floor: string | null) =>
    reached.has(path) || (floor === 'sim' && onBench.has(path)) || path.endsWith('.d.ts')
  return [...files.keys()]
    .filter(path => !within('scripts', 'test', 'bin').includes(path) && !isAlive(path, floorOf(path)))
    .map(path => `${path}: dead: nothing that runs imports it`)
}

/** The files that the entry points import, directly or not, and themselves. */
function reachable(
  imports: ReadonlyMap<string, readonly Import[]>,
  entryPoints: readonly string[]
): Set<string> {
  const reached = new Set<string>()
  const queue = [...entryPoints]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { target } of imports.get(path) ?? []) if (target !== null) queue.push(target)
  }
  return reached
}

/** The files that an entry point reaches, by path. */
export function reachedFrom(files: SourceFiles, entryPoints: readonly string[]): Set<string> {
  return reachable(new Map([...files].map(([path, text]) => [path, importsOf(path, text)])), entryPoints)
}

/** The packages that sources import by name: those of the floors, and those of scripts and tests besides. */
export function packagesNamed(files: SourceFiles): { shipped: string[]; tools: string[] } {
  const named = (isTool: boolean) => {
    const found = [...files]
      .filter(([path]) => ['scripts', 'test'].includes(floorOf(path) ?? '') === isTool)
      .flatMap(([path, text]) => importsOf(path, text))
      .filter(({ target, specifier }) => target === null && !specifier.startsWith('node:'))
      .map(({ specifier }) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
      )
    return [...new Set(found)].sort()
  }
  return { shipped: named(false), tools: named(true) }
}
