import { Command, Option } from 'commander'
import { COHORT_MAX, FAN_IN_MAX, FOUNDERS_MAX } from '../../../protocols/limits.ts'
import { backendOption } from '../backend-options.ts'
import { addBudgetOptions } from '../budget-options.ts'
import type { CommandHost } from '../host.ts'
import { number, verifiers, wholeNumber, withExamples } from '../options.ts'
import { addPrivacyOptions } from '../privacy-options.ts'
import type { SimOptions } from '../sim/sim-options.ts'

export function simCommand(host: CommandHost): Command {
  const command = new Command('sim')
    .description(
      'run a whole network on this machine and measure what it learns: base, local, federated, pooled'
    )
    .argument('[scenario]', '"presidents", or a YAML file with a scenario of your own', 'presidents')
    .option('--peers <n>', 'peers, one client each (default: 8)', wholeNumber(3, FOUNDERS_MAX))
    .option(
      '--cohort <n>',
      'members of one cohort (default: all peers); more peers form a tree of cohorts',
      wholeNumber(3, COHORT_MAX)
    )
    .option(
      '--fan-in <n>',
      'cohort sums that one parent cohort adds (default: 32)',
      wholeNumber(2, FAN_IN_MAX)
    )
    .option('--rounds <n>', 'rounds (default: 8)', wholeNumber(1, 10_000))
    .option('--steps <n>', 'optimizer steps of a peer in a round (default: 12)', wholeNumber(1, 100_000))
    .option('--learning-rate <x>', 'of local training', number(1e-9, 10))
    .addOption(
      new Option('--adapter <kind>', 'what is trained (default: lora)').choices([
        'lora',
        'bottleneck',
        'prefix'
      ])
    )
    .option('--strategy <name>', 'rolora, ffa or fedit (default: rolora)')
    .option('--verifiers <k>', 'who re-adds the sum: everyone, or a committee of k (default: 16)', verifiers)
    .option(
      '--model <model>',
      'base model: "embedded", a folder, or a Hub id such as HuggingFaceTB/SmolLM2-135M@main'
    )
    .option('--data <dir>', '"sotu", or a folder with one .txt, .jsonl, .csv or .parquet file per client')
    .option('--seed <n>', 'of the adapter and of the baselines (default: 1)', wholeNumber(0, 2 ** 31 - 1))
    .option(
      '--out <dir>',
      'where the peers, the adapter and the report are kept; a rerun goes on from it',
      'fedpeft-run'
    )
    .option('--external <n>', 'leave this many of the peers to processes of their own', wholeNumber(0, 63), 0)
    .addOption(
      new Option(
        '--network <kind>',
        'between the peers: libp2p over loopback TCP, or memory, for many peers in one process'
      )
        .choices(['loopback', 'memory'])
        .default('loopback')
    )
    .addOption(backendOption())
    .option(
      '--threads <n>',
      'threads that compute, for all peers (default: one per core)',
      wholeNumber(1, 256)
    )
  addPrivacyOptions(addBudgetOptions(command))
    .option('--allow-three', 'let three peers run: no loss is tolerated, and no privacy noise is possible')
    .option('--no-baselines', 'skip the local and the pooled baseline')
    .action(async (scenario: string, options: SimOptions) => {
      // Loading the tensor library and libp2p takes seconds: --help must not wait for them.
      const { sim } = await import('../sim/run-sim.ts')
      await sim(scenario, options, host)
    })
  return withExamples(command, [
    ['fedpeft-node sim', 'eight presidents, eight rounds, the embedded model: about a minute on two cores'],
    ['fedpeft-node sim --peers 4 --rounds 2 --no-baselines --out /tmp/quick', 'a quick look'],
    [
      'fedpeft-node sim --external 1',
      'seven peers here; the eighth is yours to start, with the command it prints'
    ],
    [
      'fedpeft-node sim --peers 24 --cohort 4 --fan-in 3 --network memory --no-baselines',
      'six cohorts of four, two parent cohorts above them, and a root'
    ],
    ['fedpeft-node sim --data clients/ --json > events.jsonl', 'your own clients, a file each; JSON lines']
  ])
}
