import { Command } from 'commander'
import type { CommandHost } from '../host.ts'
import { withExamples } from '../options.ts'

export function networkKeyCommand({ output }: CommandHost): Command {
  const command = new Command('network-key').description(
    'the key of a private network: only peers that have the same file can connect to each other'
  )
  const create = new Command('create')
    .description('make a new key, to be handed to every peer on a way that nobody else can read')
    .argument('<file>', 'where to write it; it must not exist yet')
    .action(async (file: string) => {
      const { createNetworkKey } = await import('../../platform/net/network-key.ts')
      await createNetworkKey(file)
      output.event({ event: 'network-key', file })
      output.say(
        `${file}: give this file to every peer of the network, the bootstrap peer too, and start each with ` +
          `--network-key ${file}`
      )
    })
  command.addCommand(create)
  return withExamples(command, [
    ['fedpeft-node network-key create hospitals.key', 'a new private network'],
    ['fedpeft-node bootstrap --network-key hospitals.key', 'its bootstrap peer'],
    [
      'fedpeft-node join ADDRESS --run run.yaml --data mine.txt --network-key hospitals.key',
      'one of its peers'
    ]
  ])
}
