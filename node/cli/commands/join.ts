import { Command } from 'commander'
import { backendOption } from '../backend-options.ts'
import { addMachineOptions } from '../budget-options.ts'
import type { CommandHost } from '../host.ts'
import { dirOption, passphraseOption } from '../identity-dir.ts'
import type { JoinFlags } from '../join.ts'
import { addNetworkOptions, hostAndPort } from '../network-options.ts'
import { addOperationsOptions } from '../observe/operations-options.ts'
import { collect, wholeNumber, withExamples } from '../options.ts'
import { addUploadOptions } from '../upload-options.ts'

export function joinCommand(host: CommandHost): Command {
  const command = new Command('join')
    .description('take part in a run with your own text; without --run, list the runs that are offered')
    .argument('[address...]', 'of a bootstrap peer, or of any peer that is there, as it prints them')
    .option(
      '--run <file-or-id>',
      'a signed manifest, which is then offered to all; or the id of an offered run'
    )
    .option(
      '--data <file>',
      'your text: .txt, .jsonl, .csv or .parquet, or sotu:NAME for a president of the embedded data'
    )
    .option('--held-out <file>', 'text to measure on, never trained on (default: a tenth of --data)')
    .option(
      '--model <model>',
      'where you have the base model: a folder, or a Hub id; `peers`: fetch it from the other peers, without ' +
        'asking the Hub (default: what the manifest says; the peers if it cannot be had there)'
    )
    .addOption(dirOption())
    .addOption(passphraseOption())
    .option(
      '--listen <address>',
      'network address to listen on, may be repeated (default: /ip4/0.0.0.0/tcp/0 and /webrtc, which is through the bootstrap peer)',
      collect
    )
    .addOption(backendOption())
    .option('--threads <n>', 'threads that compute (default: one per core)', wholeNumber(1, 256))
  addNetworkOptions(addOperationsOptions(addUploadOptions(addMachineOptions(command))))
    .option(
      '--stun <host:port>',
      'ask this STUN server too for the public address of this machine; may be repeated',
      hostAndPort
    )
    .option('--no-share-model', 'do not give the base model to peers that may take part and lack it')
    .option('--linger <seconds>', 'serve the others for this long after the end', wholeNumber(0, 86_400), 10)
    .option(
      '--dry-run',
      'go nowhere online: say what taking part would cost, and what would leave this machine'
    )
    .option(
      '--invitation <invitation>',
      'from the author of a run by invitation: the text, or the file that it lies in (needed once)'
    )
    .option(
      '--resume-with <members>',
      'as the author of a run that is paused: go on with these, peer ids with commas between them, or `same`'
    )
    .action(async (addresses: string[], flags: Omit<JoinFlags, 'addresses'>) => {
      // Loading the tensor library and libp2p takes seconds: --help must not wait for them.
      const { join } = await import('../join.ts')
      await join({ ...flags, addresses }, host)
    })
  const address = '/ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…'
  return withExamples(command, [
    [`fedpeft-node join ${address}`, 'which runs are offered there?'],
    [
      `fedpeft-node join ${address} --run run.yaml --data mine.txt`,
      'offer a run of yours and take part in it'
    ],
    [`fedpeft-node join ${address} --run 3f9a1c --data mine.jsonl`, 'take part in an offered run'],
    [`fedpeft-node join ${address} --run 3f9a1c --data mine.txt --invitation east.txt`, 'you were invited'],
    ['fedpeft-node join --run run.yaml --data sotu:abraham_lincoln --dry-run', 'what would it cost?'],
    [
      `fedpeft-node join ${address} --run 3f9a1c --data mine.jsonl --memory 2GB --battery-min 30`,
      'on a small laptop: two gigabytes at most, and a pause when the battery runs low'
    ],
    [`fedpeft-node join ${address} --run 3f9a1c --data mine.jsonl --model peers`, 'without the Hub'],
    [`fedpeft-node join ${address} --run 3f9a1c --data mine.jsonl --json`, 'JSON lines for scripts']
  ])
}
