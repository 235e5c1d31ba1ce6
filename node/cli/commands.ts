import type { Command } from 'commander'
import { banCommands } from './commands/ban.ts'
import { bootstrapCommand } from './commands/bootstrap.ts'
import { chatCommand } from './commands/chat.ts'
import { doctorCommand } from './commands/doctor.ts'
import { identityCommand } from './commands/identity.ts'
import { initCommand } from './commands/init.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { networkKeyCommand } from './commands/network-key.ts'
import { privacyCommand } from './commands/privacy.ts'
import { runCommand } from './commands/run.ts'
import { simCommand } from './commands/sim.ts'
import { statusCommand } from './commands/status.ts'
import type { CommandHost } from './host.ts'

/** Every subcommand, in the order of the help. */
export function commands(host: CommandHost): Command[] {
  return [
    simCommand(host),
    initCommand(host),
    bootstrapCommand(host),
    joinCommand(host),
    networkKeyCommand(host),
    statusCommand(host),
    ...banCommands(host),
    inviteCommand(host),
    runCommand(host),
    chatCommand(host),
    privacyCommand(host),
    identityCommand(host),
    doctorCommand(host)
  ]
}
