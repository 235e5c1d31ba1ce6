import { Command } from 'commander'
import type { ChatOptions } from '../chat.ts'
import type { CommandHost } from '../host.ts'
import { number, wholeNumber, withExamples } from '../options.ts'

export function chatCommand(host: CommandHost): Command {
  const command = new Command('chat')
    .description('continue a text without and with an adapter, to see what it changes')
    .requiredOption('--adapter <dir>', 'folder with adapter_config.json and adapter_model.safetensors')
    .requiredOption('--prompt <text>', 'the text to continue')
    .option('--model <dir>', 'base model: "embedded" or a folder (default: what adapter_config.json names)')
    .option('--tokens <n>', 'tokens to add', wholeNumber(1, 4096), 64)
    .option(
      '--temperature <t>',
      '0 takes the likeliest token, 1 draws as the model would',
      number(0, 10),
      0.7
    )
    .option(
      '--seed <n>',
      'seed of the draw: the same seed gives the same text',
      wholeNumber(0, 2 ** 32 - 1),
      1
    )
    .action(async (options: ChatOptions) => {
      // Loading the tensor library takes a second: --help must not wait for it.
      const { chat } = await import('../chat.ts')
      await chat(options, host)
    })
  return withExamples(command, [
    ['fedpeft-node chat --adapter fedpeft-run/adapter --prompt "My fellow citizens,"', 'two texts, one seed'],
    [
      'fedpeft-node chat --adapter DIR --prompt "The war" --temperature 0 --tokens 20 --json',
      'the likeliest continuation, as JSON'
    ]
  ])
}
