// Builds the native addon of @tensorflow/tfjs-node (with --gpu: @tensorflow/tfjs-node-gpu) against a current TensorFlow.
// The addon's own installer downloads a prebuilt TensorFlow 2.9 from a host that many networks block, and whose CUDA 11
// knows no recent card. This takes everything from the npm and the Python registries instead, see docs/backends.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const usage = `usage: node scripts/tensorflow/build-addon.mjs [--gpu] [--out DIR] [--tensorflow VERSION] [--keep-wheels]

  --gpu                 tfjs-node-gpu, against the CUDA build of TensorFlow and NVIDIA's libraries (about 6 GB on disk)
  --out DIR             where to build; by default ~/.cache/fedpeft/tfjs-node or …/tfjs-node-gpu
  --tensorflow VERSION  of the Python registry; by default the one that the test suite ran on
  --keep-wheels         do not delete the downloaded wheels

Needs npm, a C++17 compiler (c++, or $CXX) and Python 3 with pip (python3, or $PYTHON), which only downloads.`

const tfjsVersion = '4.22.0'
const nodeApiHeadersVersion = '1.9.0'
const defaultTensorflowVersion = '2.21.0'
/** Of the wheel's file name only: no Python runs in the result, so any that TensorFlow is published for will do. */
const wheelPythonVersion = '3.12'
/** The Node-API version whose folder tfjs-node looks for its addon in, on every Node since 16. */
const nodeApiVersion = 8

class BuildError extends Error {}

function fail(message) {
  throw new BuildError(message)
}

function run(what, command, args, options = {}) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    ...options
  })
  if (error) fail(`${what}: ${command} could not be started (${error.code}). ${options.hint ?? ''}`)
  if (status !== 0) {
    fail(`${what} failed: ${command} ${args.join(' ')}\n${stdout}${stderr}\n${options.hint ?? ''}`)
  }
  return stdout
}

/** What the machine must have, checked before the first download. */
function checkMachine({ python, compiler }) {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    fail(
      `this builds on Linux on x64 and arm64, not on ${process.platform} ${process.arch}: use another backend there`
    )
  }
  run('looking for pip', python, ['-m', 'pip', '--version'], {
    hint: 'Install Python 3 with pip, or name one: PYTHON=/path/to/python3'
  })
  run('looking for a C++ compiler', compiler, ['--version'], {
    hint: 'Install one (Debian and Ubuntu: apt-get install g++), or name one: CXX=/path/to/g++'
  })
}

/** The JavaScript half, without install scripts: those are what downloads. */
function installJavaScript(out, addonPackage) {
  const manifest = {
    private: true,
    description: 'Written by build-addon.mjs of fedpeft; safe to delete.',
    dependencies: { [addonPackage]: tfjsVersion, 'node-api-headers': nodeApiHeadersVersion }
  }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  run(
    `installing ${addonPackage} ${tfjsVersion}`,
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund'],
    {
      cwd: out,
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }
    }
  )
}

/** Takes out of wheels (zip files) what starts with one of the prefixes. */
const unpackProgram = `
import json, sys, zipfile
target, prefixes, wheels = json.loads(sys.argv[1])
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(tuple(prefixes))]
        archive.extractall(target, names)
`

/** Prints the requirements of one extra, as the wheel's metadata has them. */
const requirementsProgram = `
import email, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    name = next(name for name in archive.namelist() if name.endswith('.dist-info/METADATA'))
    metadata = email.message_from_string(archive.read(name).decode())
for requirement in metadata.get_all('Requires-Dist'):
    spec, _, marker = requirement.partition(';')
    if marker.strip() == 'extra == "' + sys.argv[2] + '"':
        print(spec.strip())
`

function downloadWheels({ python }, folder, requirements) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const fromPip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check']
  run(
    `downloading ${requirements.join(', ')}`,
    python,
    [...fromPip, '--python-version', wheelPythonVersion, '--dest', folder, ...requirements],
    { hint: 'Is the Python registry reachable? A mirror can be given in PIP_INDEX_URL.' }
  )
  return readdirSync(folder).map(name => join(folder, name))
}

function unpack({ python }, wheels, target, prefixes) {
  run('unpacking', python, ['-c', unpackProgram, JSON.stringify([target, prefixes, wheels])])
}

/**
 * TensorFlow's two libraries and its headers into `out/tensorflow`, NVIDIA's into `out/nvidia`: side by side as Python
 * lays them out, because TensorFlow's libraries look for NVIDIA's by a path relative to their own.
 */
function fetchTensorflow(tools, out, { gpu, version, keepWheels }) {
  // `tensorflow-cpu` is the x64 build without CUDA; on arm64 the plain package has none, unless its extra is asked for.
  const name = gpu || process.arch === 'arm64' ? 'tensorflow' : 'tensorflow-cpu'
  const stamp = join(out, 'tensorflow', 'version.txt')
  const wanted = `${name} ${version}\n`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    console.log(`${name} ${version} is already there`)
    return
  }
  for (const folder of ['tensorflow', 'nvidia']) rmSync(join(out, folder), { recursive: true, force: true })
  const folder = join(out, 'wheels')
  console.log(`downloading ${name} ${version} from the Python registry`)
  const [wheel] = downloadWheels(tools, join(folder, 'tensorflow'), [`${name}==${version}`])
  const headers = ['tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/', 'tsl/']
  unpack(tools, [wheel], out, [
    'tensorflow/libtensorflow',
    ...headers.map(path => `tensorflow/include/${path}`)
  ])
  if (gpu) {
    const requirements = run('reading the CUDA requirements', tools.python, [
      '-c',
      requirementsProgram,
      wheel,
      'and-cuda'
    ])
    const specs = requirements.trim().split('\n')
    console.log(`downloading ${specs.length} packages of NVIDIA's libraries`)
    unpack(tools, downloadWheels(tools, join(folder, 'nvidia'), specs), out, ['nvidia/'])
  }
  if (!keepWheels) rmSync(folder, { recursive: true, force: true })
  // Last, so that what was cut short is not taken for complete.
  writeFileSync(stamp, wanted)
}

function libraryNames(out) {
  const names = readdirSync(join(out, 'tensorflow')).filter(name =>
    /^libtensorflow.*\.so(\.\d+)*$/.test(name)
  )
  if (!names.some(name => name.startsWith('libtensorflow_cc.so'))) {
    fail(
      `this TensorFlow has no libtensorflow_cc.so (found ${names.join(', ')}): pass another --tensorflow VERSION`
    )
  }
  return names
}

/**
 * The addon is two C++ files on Node-API, which is stable over Node versions: one call of the compiler, no node-gyp and
 * no Node headers of the running version.
 */
function compile({ compiler }, out, addonPackage) {
  const source = join(out, 'node_modules', addonPackage)
  const target = join(source, 'lib', `napi-v${nodeApiVersion}`)
  mkdirSync(target, { recursive: true })
  const addon = join(target, 'tfjs_binding.node')
  const libraries = join(out, 'tensorflow')
  run('compiling the addon', compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w'],
    ...[
      `-DNAPI_VERSION=${nodeApiVersion}`,
      '-DNODE_GYP_MODULE_NAME=tfjs_binding',
      '-DBUILDING_NODE_EXTENSION'
    ],
    `-I${join(out, 'node_modules', 'node-api-headers', 'include')}`,
    `-I${join(libraries, 'include')}`,
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map(name => join(source, 'binding', name)),
    `-L${libraries}`,
    ...libraryNames(out).map(name => `-l:${name}`),
    // From lib/napi-v8 of @tensorflow/tfjs-node up to `out`, so that the folder can be moved and no variable is needed.
    '-Wl,-rpath,$ORIGIN/../../../../../tensorflow',
    ...['-o', addon]
  ])
  return addon
}

/** A product whose result is known, in a process of its own; and what the doctor would say of the folder. */
const trialProgram = `
const util = require('node:util')
util.isNullOrUndefined ??= value => value === null || value === undefined
util.isArray ??= Array.isArray
const tf = require(process.argv[1])
const ones = tf.ones([300, 200])
const product = tf.matMul(ones, ones, false, true)
if (product.shape.join() !== '300,300' || product.min().dataSync()[0] !== 200 || product.max().dataSync()[0] !== 200)
  throw new Error('a matrix product came out wrong')
const { binding } = tf.backend()
console.log(binding.TF_Version + ', computing on ' + (binding.isUsingGpuDevice() ? 'a GPU' : 'the CPU'))
`

function tryOut(out, addonPackage) {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', TF_FORCE_GPU_ALLOW_GROWTH: 'true' }
  const module = join(out, 'node_modules', addonPackage)
  return run('trying the addon', process.execPath, ['-e', trialProgram, module], { env }).trim()
}

function main() {
  const { values } = parseArgs({
    options: {
      gpu: { type: 'boolean', default: false },
      out: { type: 'string' },
      tensorflow: { type: 'string', default: defaultTensorflowVersion },
      'keep-wheels': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const tools = { python: process.env.PYTHON ?? 'python3', compiler: process.env.CXX ?? 'c++' }
  checkMachine(tools)
  const name = values.gpu ? 'tfjs-node-gpu' : 'tfjs-node'
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const out = resolve(values.out ?? join(cache, 'fedpeft', name))
  // npm would install into a folder that holds a package of its own; ours is the only one that may be there.
  const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
  if (out === resolve(project)) fail('--out must be a folder of its own, not the project')
  mkdirSync(out, { recursive: true })
  console.log(`building @tensorflow/${name} ${tfjsVersion} in ${out}`)
  installJavaScript(out, `@tensorflow/${name}`)
  fetchTensorflow(tools, out, {
    gpu: values.gpu,
    version: values.tensorflow,
    keepWheels: values['keep-wheels']
  })
  compile(tools, out, `@tensorflow/${name}`)
  console.log(`TensorFlow ${tryOut(out, `@tensorflow/${name}`)}`)
  if (values.out) console.log(`so that fedpeft finds it: export FEDPEFT_TFJS_NODE=${out}`)
}

try {
  main()
} catch (error) {
  const isUsage = error?.code?.startsWith('ERR_PARSE_ARGS')
  if (!isUsage && !(error instanceof BuildError)) throw error
  console.error(isUsage ? `${error.message}\n\n${usage}` : `build-addon: ${error.message.trim()}`)
  process.exitCode = isUsage ? 2 : 1
}
