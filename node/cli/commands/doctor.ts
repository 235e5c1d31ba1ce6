import { Command, Option } from 'commander'
import { backendNames } from '../../backend/backend.ts'
import type { DoctorOptions } from '../doctor.ts'
import type { CommandHost } from '../host.ts'
import { dirOption } from '../identity-dir.ts'
import { wholeNumber, withExamples } from '../options.ts'

export function doctorCommand(host: CommandHost): Command {
  const command = new Command('doctor')
    .description('what this machine can train with, what it cannot, why not, and the command that would help')
    .addOption(new Option('--backend <name>', 'try this one alone (default: all)').choices(backendNames))
    .option('--threads <n>', 'threads of the backends (default: one per core)', wholeNumber(1, 256))
    .option('--no-hub', 'do not ask whether the Hugging Face Hub answers')
    .addOption(dirOption())
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('../doctor.ts')
      await doctor(options, host)
    })
  return withExamples(command, [
    [
      'fedpeft-node doctor',
      'looks at everything, in some ten seconds; exit code 1 if nothing can train here'
    ],
    ['fedpeft-node doctor --backend cuda', 'why is my card not used?'],
    ['TF_CPP_MIN_LOG_LEVEL=0 fedpeft-node doctor --backend cuda', "the same, with TensorFlow's own words"],
    ['fedpeft-node doctor --no-hub --json', 'nothing goes online; JSON lines for scripts']
  ])
}
