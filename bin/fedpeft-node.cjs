#!/usr/bin/env node
// Starts the command line under a Node that is new enough. Plain old syntax: whatever Node is first on the path must
// be able to read this file and say what is missing.
'use strict'

const { spawn } = require('child_process')
const { existsSync } = require('fs')
const { constants } = require('os')
const { dirname, join } = require('path')
const { pathToFileURL } = require('url')

const root = join(__dirname, '..')

function mainFile() {
  const built = join(root, 'dist', 'node', 'cli', 'main.js')
  if (existsSync(built)) return built
  const source = join(root, 'node', 'cli', 'main.ts')
  return existsSync(source) ? source : null
}

// libp2p calls Promise.withResolvers, which came with Node 22.
function isNewEnough() {
  return typeof Promise.withResolvers === 'function'
}

// The npm package with the Node binary of this machine. The package `node` fetches the same by an install script, which
// npm asks people to approve; this one needs none.
const binaryPackage = [
  process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node',
  process.platform === 'win32' ? 'win' : process.platform,
  process.arch
].join('-')

/** A Node that npm has installed where we can see it and that is new enough. */
function broughtNode() {
  const program = process.platform === 'win32' ? 'node.exe' : 'node'
  const found = ['node', binaryPackage].map(name => {
    try {
      const manifest = require.resolve(`${name}/package.json`)
      const path = join(dirname(manifest), 'bin', program)
      return Number(require(manifest).version.split('.')[0]) >= 22 && existsSync(path) ? path : null
    } catch (_) {
      return null
    }
  })
  return found[0] || found[1]
}

function stop(line) {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}

function runUnder(program, main) {
  const child = spawn(program, [main].concat(process.argv.slice(2)), { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both of us, a supervisor only to this process; the command line counts two within a
  // moment as one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  signals.forEach(signal => {
    process.on(signal, () => {
      child.kill(signal)
    })
  })
  child.on('error', error => {
    stop(`fedpeft-node: cannot start ${program}: ${error.message}`)
  })
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal])
  })
}

const main = mainFile()
const brought = isNewEnough() ? null : broughtNode()
if (main === null) {
  stop('fedpeft-node: this installation is incomplete (no dist folder): install the package again')
} else if (isNewEnough()) {
  if (main.endsWith('.ts') && !(process.features && process.features.typescript)) {
    stop(`fedpeft-node: not built yet: run "npm run build" in ${root}`)
  }
  // Halves the time until the first word from the second start on.
  const { enableCompileCache } = require('module')
  if (enableCompileCache) enableCompileCache()
  import(pathToFileURL(main).href)
} else if (brought !== null) {
  runUnder(brought, main)
} else {
  stop(
    `fedpeft-node needs Node 24 and this is Node ${process.versions.node}: ` +
      `run "npm install ${binaryPackage}@24" here, or get it from https://nodejs.org`
  )
}
