/** The `doctor` command: what this machine can train with, what it cannot, why not, and what would help. */
import { type BackendName, backendNames } from '../backend/backend.ts'
import { narrowFastestFirst, tensorflowWidthMin, wideFastestFirst } from '../platform/open-backend.ts'
import { backendCheck } from './doctor/backend-checks.ts'
import type { Check } from './doctor/check.ts'
import { type DoctorPorts, machinePorts } from './doctor/doctor-ports.ts'
import {
  clockCheck,
  diskCheck,
  hubCheck,
  memoryCheck,
  nodeCheck,
  processorCheck
} from './doctor/machine-checks.ts'
import type { CommandHost } from './host.ts'
import type { Output } from './output.ts'
import { UserError } from './user-error.ts'

/** The flags of the command. */
export interface DoctorOptions {
  readonly dir: string
  /** All of them without it. */
  readonly backend?: BackendName
  /** One per core by default. */
  readonly threads?: number
  /** False with --no-hub. */
  readonly hub: boolean
}

interface Findings {
  readonly checks: readonly Check[]
  /** Backends that work. */
  readonly usable: readonly BackendName[]
  /** Those among them that `auto` would take. */
  readonly byThemselves: readonly BackendName[]
}

/** @throws UserError if nothing can train here; the signal's reason */
export async function doctor(
  options: DoctorOptions,
  { output, signal }: CommandHost,
  ports: DoctorPorts = machinePorts
): Promise<void> {
  const checks: Check[] = []
  const tell = (check: Check): void => {
    signal.throwIfAborted()
    checks.push(check)
    print(check, output)
  }
  const machine = await ports.machine()
  for (const check of [nodeCheck(machine), processorCheck(machine), memoryCheck(machine)]) tell(check)
  tell(diskCheck(await ports.disk(options.dir), options.dir))
  tell(await embeddedModelCheck(ports))
  const hub = await ports.hub(options.hub).catch((error: unknown) => hubFault(error))
  tell('status' in hub ? hub : hubCheck(hub))
  tell(clockCheck(machine, 'status' in hub ? null : hub))

  output.say('\nBackends: each is opened in a process of its own, and multiplies matrices as training does\n')
  const usable: BackendName[] = []
  const byThemselves: BackendName[] = []
  const clues = { nvidia: ports.nvidia(), cudaTensorflow: ports.cudaTensorflow() }
  const threads = options.threads ?? machine.cpu.cores
  for (const name of options.backend === undefined ? backendNames : [options.backend]) {
    const outcome = await ports.tryBackend(name, threads)
    if (outcome.kind === 'works') {
      usable.push(name)
      if (outcome.notByItself === null) byThemselves.push(name)
    }
    tell(backendCheck(name, outcome, clues))
  }
  conclude({ checks, usable, byThemselves }, options, output)
}

const marks: Readonly<Record<Check['status'], string>> = {
  ok: 'ok     ',
  absent: 'no     ',
  warning: 'warning',
  fault: 'FAULT  '
}

const nameWidth = 11
const indent = ' '.repeat(2 + marks.ok.length + 1 + nameWidth)

function print(check: Check, output: Output): void {
  const { name, status, found, fixes } = check
  output.event({ event: 'check', ...check })
  output.say(`  ${marks[status]} ${name.padEnd(nameWidth)}${found}`)
  for (const fix of fixes) output.say(`${indent}-> ${fix}`)
}

async function embeddedModelCheck(ports: DoctorPorts): Promise<Check> {
  const name = 'model'
  try {
    const { folder, parameters } = await ports.embeddedModel()
    const found = `the embedded one is whole (${parameters.toLocaleString('en-US')} parameters)`
    return { name, status: 'ok', found, fixes: [], data: { folder, parameters } }
  } catch (error) {
    const found = `the embedded one is not: ${messageOf(error)}`
    return { name, status: 'fault', found, fixes: ['install this package again'], data: {} }
  }
}

function hubFault(error: unknown): Check {
  return {
    name: 'Hub',
    status: 'fault',
    found: messageOf(error),
    fixes: ['set it right, or unset it'],
    data: {}
  }
}

function conclude({ checks, usable, byThemselves }: Findings, options: DoctorOptions, output: Output): void {
  const faults = checks.filter(({ status }) => status === 'fault').map(({ name }) => name)
  const isFit = (name: BackendName) => byThemselves.includes(name)
  const auto =
    options.backend === undefined
      ? { narrow: narrowFastestFirst.find(isFit) ?? null, wide: wideFastestFirst.find(isFit) ?? null }
      : null
  output.event({ event: 'done', usable, auto, faults })
  if (usable.length === 0) {
    const what =
      options.backend === undefined ? 'no backend works here' : `${options.backend} does not work here`
    throw new UserError(`${what}: what to do stands beside it above, after the arrow`, 1)
  }
  if (faults.length > 0) output.warn(`to be put right first: ${faults.join(', ')}`)
  output.say(`\n${auto === null ? `--backend ${usable[0]} works` : autoText(auto)}`)
}

function autoText({ narrow, wide }: Record<'narrow' | 'wide', BackendName | null>): string {
  const words = 'ready to train: fedpeft-node sim, join and chat'
  if (narrow === wide) return `${words} take ${wide} by themselves (--backend auto)`
  return (
    `${words} take ${wide} by themselves for models at least ${tensorflowWidthMin} wide, ` +
    `and ${narrow} for narrower ones such as the embedded one (--backend auto)`
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
