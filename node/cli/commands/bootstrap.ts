import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { BootstrapOptions } from '../bootstrap.ts'
import { byteSize } from '../budget-options.ts'
import type { CommandHost } from '../host.ts'
import { passphraseOption } from '../identity-dir.ts'
import { addNetworkOptions, type NetworkOptions } from '../network-options.ts'
import type { OperationsOptions } from '../observe/operations.ts'
import { addOperationsOptions } from '../observe/operations-options.ts'
import { collect, wholeNumber, withExamples } from '../options.ts'
import { UserError } from '../user-error.ts'

export const DEFAULT_PORT = 4001

interface Flags extends OperationsOptions, NetworkOptions {
  readonly listen?: readonly string[]
  readonly port?: number
  readonly dir: string
  readonly passphraseFile?: string
  readonly peer?: readonly string[]
  readonly cache: number | false
}

export function bootstrapCommand(host: CommandHost): Command {
  const command = new Command('bootstrap')
    .description('be the address that others join through: introduces peers, lists runs, relays gossip')
    .option(
      '--listen <address>',
      `network address to listen on, may be repeated (default: /ip4/0.0.0.0/tcp/${DEFAULT_PORT})`,
      collect
    )
    .option(
      '--port <n>',
      'listen on this port of every IPv4 address, TCP, and UDP for STUN; 0 takes any free one',
      wholeNumber(0, 65_535)
    )
    .addOption(
      // Not that of `join`: one machine may run both.
      new Option('--dir <dir>', 'where its identity is kept, so that its address stays the same').default(
        join(homedir(), '.fedpeft', 'bootstrap'),
        '~/.fedpeft/bootstrap'
      )
    )
    .option(
      '--peer <address>',
      'another coordinator, whose list of runs it takes over; may be repeated',
      collect
    )
    .option(
      '--cache <size>',
      'memory for the newest chain and adapter of runs that let it in, so that late peers catch up (default: 256MB)',
      byteSize,
      256_000_000
    )
    .option(
      '--relay-bodies',
      'pass on masked inputs and states too, for peers that nobody can connect to (behind a strict firewall, say)'
    )
    .option('--no-cache', 'keep nothing of the runs')
    .addOption(passphraseOption())
  addOperationsOptions(addNetworkOptions(command)).action(async (flags: Flags) => {
    const { listen, port, ...others } = flags
    if (listen !== undefined && port !== undefined) {
      throw new UserError('--port and --listen: give one of them; --listen says the port as well', 2)
    }
    const options: BootstrapOptions = {
      ...others,
      listen: listen ?? [`/ip4/0.0.0.0/tcp/${port ?? DEFAULT_PORT}`]
    }
    const { runBootstrap } = await import('../bootstrap.ts')
    await runBootstrap(options, host)
  })
  return withExamples(command, [
    ['fedpeft-node bootstrap', `listens on port ${DEFAULT_PORT} and prints the address to give to others`],
    ['fedpeft-node bootstrap --listen /ip4/203.0.113.7/tcp/4001 --dir ./bootstrap', 'on one address only'],
    ['fedpeft-node bootstrap --port 0 --json', 'any free port; JSON lines for scripts']
  ])
}
