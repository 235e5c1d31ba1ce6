import { Command, InvalidArgumentError } from 'commander'
import type { CommandHost } from '../host.ts'
import { dirOption } from '../identity-dir.ts'
import { withExamples } from '../options.ts'

interface Flags {
  readonly for?: number
  readonly reason: string
  readonly dir: string
}

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

/** `ban`, `unban` and `bans`. */
export function banCommands(host: CommandHost): Command[] {
  const ban = new Command('ban')
    .description('keep a peer, an address or a block of addresses out, from now on and after a restart')
    .argument('<peer-or-ip>', 'a peer id, an IP address, or a block of them (203.0.113.0/24)')
    .option('--for <time>', 'how long: 90s, 30m, 12h or 2d (default: until it is lifted)', duration)
    .option('--reason <text>', 'why, for whoever reads the list', '')
    .addOption(dirOption())
    .action(async (subject: string, flags: Flags) => {
      const { ban } = await import('../bans.ts')
      await ban(subject, { dir: flags.dir, reason: flags.reason, forMs: flags.for ?? null }, host)
    })
  const unban = new Command('unban')
    .description('let a peer, an address or a block of addresses in again')
    .argument('<peer-or-ip>', 'as it stands in the list')
    .addOption(dirOption())
    .action(async (subject: string, { dir }: Flags) => {
      const { unban } = await import('../bans.ts')
      await unban(subject, dir, host)
    })
  const bans = new Command('bans')
    .description('list who is kept out, until when, by whom and why')
    .addOption(dirOption())
    .action(async ({ dir }: Flags) => {
      const { listBans } = await import('../bans.ts')
      await listBans(dir, host)
    })
  return [
    withExamples(ban, [
      [`fedpeft-node ban ${PEER} --for 2d --reason "floods"`, 'one peer, for two days'],
      [
        'fedpeft-node ban 203.0.113.0/24 --dir ~/.fedpeft/bootstrap',
        'a block of addresses, at the coordinator'
      ]
    ]),
    withExamples(unban, [
      ['fedpeft-node unban 203.0.113.0/24 --dir ~/.fedpeft/bootstrap', 'let them in again']
    ]),
    withExamples(bans, [['fedpeft-node bans --json', 'one JSON line for each, for scripts']])
  ]
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A hundred years are for ever; a date beyond it could not be written down. */
const LONGEST_MS = 36_525 * 86_400_000

function duration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const ms = count === undefined ? 0 : Number(count) * UNITS[unit!]!
  if (ms > 0 && ms <= LONGEST_MS) return ms
  throw new InvalidArgumentError('It must be a time like 90s, 30m, 12h or 2d.')
}
