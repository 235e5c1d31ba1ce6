import { Command } from 'commander'
import type { CommandHost } from '../host.ts'
import { dirOption } from '../identity-dir.ts'
import { withExamples } from '../options.ts'
import type { StatusFlags } from '../status.ts'

export function statusCommand(host: CommandHost): Command {
  const command = new Command('status')
    .description(
      'what the peer (or coordinator) that runs from a folder is doing: round, members, addresses, bytes'
    )
    .addOption(dirOption())
    .option('--watch', 'again every two seconds, until Ctrl-C')
    .action(async (flags: StatusFlags) => {
      const { status } = await import('../status.ts')
      await status(flags, host)
    })
  return withExamples(command, [
    ['fedpeft-node status', 'the peer that runs from ~/.fedpeft'],
    ['fedpeft-node status --dir ~/.fedpeft/bootstrap', 'the coordinator that runs on this machine'],
    ['fedpeft-node status --dir ./clinic --watch', 'all the time'],
    ['fedpeft-node status --json', 'the same as one JSON line']
  ])
}
