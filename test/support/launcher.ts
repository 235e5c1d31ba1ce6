import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageDir } from '../../node/platform/package-dir.ts'

/** Prints what it got and which Node runs it; `wait` makes it live until a signal, whose name is its last word. */
const echo = `
import { writeSync } from 'node:fs'
const args = process.argv.slice(2)
writeSync(1, JSON.stringify({ args, hasResolvers: typeof Promise.withResolvers }) + '\\n')
if (args[0] === 'wait') {
  const keepAlive = setInterval(() => {}, 1000)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      writeSync(1, name + '\\n')
      clearInterval(keepAlive)
      process.exitCode = 7
    })
  }
  writeSync(1, 'ready\\n')
} else {
  process.exitCode = Number(args[0] ?? 0)
}
`

/** Makes the Node that is told to load it look like one from before Promise.withResolvers. */
const asOldNode = 'delete Promise.withResolvers\n'

export interface InstalledLauncher {
  readonly launcher: string
  /** Preload this to stand in for an old Node. */
  readonly oldNode: string
}

/** The launcher as npm would install it, over a `dist` that only echoes. */
export function installLauncher(
  folder: string,
  parts: { dist: boolean; brought: boolean }
): InstalledLauncher {
  const installed = join(folder, 'node_modules', 'fedpeft')
  const cli = join(installed, 'dist', 'node', 'cli')
  mkdirSync(join(installed, 'bin'), { recursive: true })
  mkdirSync(cli, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{"name":"fedpeft","type":"module"}')
  const launcher = join(installed, 'bin', 'fedpeft-node.cjs')
  copyFileSync(join(packageDir(), 'bin', 'fedpeft-node.cjs'), launcher)
  if (parts.dist) writeFileSync(join(cli, 'main.js'), echo)
  if (parts.brought) addBroughtNode(folder, 'node')
  const oldNode = join(folder, 'old-node.cjs')
  writeFileSync(oldNode, asOldNode)
  return { launcher, oldNode }
}

/** A package that brings a Node: the one that runs this test. */
export function addBroughtNode(folder: string, name: string): void {
  const brought = join(folder, 'node_modules', name)
  mkdirSync(join(brought, 'bin'), { recursive: true })
  writeFileSync(join(brought, 'package.json'), JSON.stringify({ name, version: '24.0.0' }))
  symlinkSync(process.execPath, join(brought, 'bin', 'node'))
}
