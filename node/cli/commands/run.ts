import { Command } from 'commander'
import type { ResumeFlags } from '../author-run.ts'
import type { CommandHost } from '../host.ts'
import { dirOption } from '../identity-dir.ts'
import { withExamples } from '../options.ts'

export function runCommand(host: CommandHost): Command {
  const command = new Command('run')
    .description('as the author of a run: pause it, let it go on, or end it')
    .addCommand(order('pause', 'finish the attempt under way, and begin no other'))
    .addCommand(
      order('resume', 'let a paused run go on').option(
        '--members <members>',
        'with these, peer ids with commas between them, or `same`',
        'same'
      )
    )
    .addCommand(order('end', 'end it for good, with the adapter that it has then'))
  return withExamples(command, [
    ['fedpeft-node run pause --run run.yaml', 'for the night'],
    ['fedpeft-node run resume --run run.yaml', 'with the members that it had'],
    ['fedpeft-node run end --run 3f9a1c --dir ./author', 'the adapter is good enough']
  ])

  function order(name: 'pause' | 'resume' | 'end', description: string): Command {
    return new Command(name)
      .description(description)
      .requiredOption('--run <file-or-id>', 'the signed manifest, or the id of a run in your folder')
      .addOption(dirOption())
      .action(async (flags: ResumeFlags) => {
        await (await import('../author-run.ts')).orderRun(name, flags, host)
      })
  }
}
