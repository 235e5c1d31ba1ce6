import { Command, Option } from 'commander'
import type { CommandHost } from '../host.ts'
import { number, wholeNumber, withExamples } from '../options.ts'
import type { PrivacyOptions } from '../privacy/cost.ts'

export function privacyCommand(host: CommandHost): Command {
  const command = new Command('privacy')
    .description(
      'what settings cost in privacy: the epsilon of their noise, or the noise that an epsilon takes'
    )
    .requiredOption(
      '--rounds <n>',
      'rounds whose sum is opened, lost ones included',
      wholeNumber(1, 1_000_000)
    )
    .requiredOption('--cohort <n>', 'members whose changes are summed in a round', wholeNumber(4, 100_000))
    .requiredOption(
      '--delta <x>',
      'probability with which epsilon need not hold, e.g. 1e-5: far below one in the number of members',
      number(1e-30, 0.5)
    )
    .option(
      '--noise <z>',
      "noise multiplier: deviation of the honest members' noise together, over the clip norm",
      number(1e-3, 1e6)
    )
    .option('--epsilon <e>', 'find the least noise multiplier with this epsilon', number(1e-3, 1000))
    .option(
      '--colluders <n>',
      'members who may tell each other their noise (default: what a round tolerates)',
      wholeNumber(0, 100_000)
    )
    .addOption(
      new Option(
        '--mechanism <name>',
        'distribution of the noise (default: skellam with --dimension, else gaussian, its limit for fine steps)'
      ).choices(['skellam', 'discrete-gaussian', 'gaussian'])
    )
    .option('--dimension <d>', 'coordinates that a round sums', wholeNumber(1, 2 ** 31 - 1))
    .option(
      '--clip <c>',
      'clip norm, to print the noise in its unit; epsilon does not depend on it',
      number(1e-12, 1e12)
    )
    .option('--ring-bits <b>', 'width of the ring that the sum is taken in (default: 16)', wholeNumber(8, 32))
    .addOption(
      new Option(
        '--bound <name>',
        'rdp, which a run is charged by, or pld, tighter, for Gaussian noise (default: rdp)'
      ).choices(['rdp', 'pld'])
    )
    .option(
      '--sampling-rate <q>',
      'chance that a client takes part in a round, if nobody else knows who does; in a run everyone does (default: 1)',
      number(1e-9, 1)
    )
    .action(async (options: PrivacyOptions) => {
      const { showPrivacy } = await import('../privacy.ts')
      showPrivacy(options, host)
    })
  return withExamples(command, [
    ['fedpeft-node privacy --rounds 20 --noise 5 --cohort 14 --delta 1e-5', 'the epsilon of these settings'],
    [
      'fedpeft-node privacy --rounds 20 --epsilon 4 --cohort 64 --delta 1e-5 --dimension 500',
      'the noise that epsilon 4 takes, in a 16-bit ring, and whether 64 members still learn through it'
    ],
    [
      'fedpeft-node privacy --rounds 20 --noise 5 --cohort 14 --delta 1e-5 --colluders 8 --json',
      'should more members collude than a round tolerates; for a program'
    ]
  ])
}
