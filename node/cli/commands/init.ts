import { Command, Option } from 'commander'
import { COHORT_MAX, FOUNDERS_MAX } from '../../../protocols/limits.ts'
import type { CommandHost } from '../host.ts'
import { dirOption, passphraseOption } from '../identity-dir.ts'
import type { InitOptions } from '../init.ts'
import { collect, verifiers, wholeNumber, withExamples } from '../options.ts'
import { addPrivacyOptions } from '../privacy-options.ts'
import { UserError } from '../user-error.ts'

const DEFAULT_FILE = 'run.yaml'

export function initCommand(host: CommandHost): Command {
  const command = new Command('init')
    .description('write a run manifest with every setting explained, and sign it')
    .argument('[file]', `where to write it (default: ${DEFAULT_FILE})`)
    .option('--sign <file>', 'sign a manifest again after editing it, instead of writing a new one')
    .option('--name <text>', 'what people call the run')
    .option(
      '--model <model>',
      'base model: "embedded", a folder, or a Hub id such as HuggingFaceTB/SmolLM2-135M@main'
    )
    .option('--rounds <n>', 'rounds in all', wholeNumber(1, 100_000))
    .option('--founders <n>', 'members that must be there to begin', wholeNumber(1, FOUNDERS_MAX))
    .option(
      '--cohort <n>',
      'members of one cohort (default: 16, or all founders); more members form a tree of cohorts',
      wholeNumber(3, COHORT_MAX)
    )
    .addOption(
      new Option('--admission <kind>', 'who may join (default: open)').choices(['open', 'list', 'invitation'])
    )
    .option(
      '--peer <id>',
      'of --admission list or invitation: a peer that may join, may be repeated',
      collect
    )
    .option('--allow-three', 'allow a cohort of three, which tolerates no loss')
    .addOption(new Option('--strategy <name>', 'what is summed').choices(['rolora', 'ffa', 'fedit']))
    .addOption(
      new Option('--adapter <kind>', 'what is trained (default: lora)').choices([
        'lora',
        'bottleneck',
        'prefix'
      ])
    )
    .option('--rank <r>', 'rank of a LoRA adapter', wholeNumber(1, 256))
    .option('--steps <n>', 'local training steps per round', wholeNumber(1, 100_000))
    .option('--verifiers <k>', 'who re-adds the sum: everyone, or a committee of k (default: 16)', verifiers)
  addPrivacyOptions(command)
    .option('--force', 'overwrite the file')
    .addOption(dirOption())
    .addOption(passphraseOption())
    .action(async (file: string | undefined, options: InitOptions) => {
      const { sign } = options
      if (sign !== undefined && file !== undefined)
        throw new UserError(`--sign ${sign} and ${file}: give one file, not two`, 2)
      const { signAgain, writeManifest } = await import('../init.ts')
      if (sign === undefined) await writeManifest(file ?? DEFAULT_FILE, options, host)
      else await signAgain(sign, options, host)
    })
  return withExamples(command, [
    [
      'fedpeft-node init run.yaml --name "our run" --founders 5',
      'write a manifest for five founding members'
    ],
    [
      'fedpeft-node init run.yaml --admission invitation',
      'only whom you invite may join (fedpeft-node invite create)'
    ],
    ['fedpeft-node init --sign run.yaml', 'sign it again after editing'],
    [
      'fedpeft-node init run.yaml --founders 64 --strategy ffa --rank 1 --rounds 20 --epsilon 8',
      'with the privacy noise that keeps 20 rounds below epsilon 8'
    ],
    [
      'fedpeft-node init big.yaml --model HuggingFaceTB/SmolLM2-135M --rank 16',
      'another base model, fetched from the Hub once'
    ]
  ])
}
