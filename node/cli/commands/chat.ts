import { Command } from 'commander'
import { backendOption } from '../backend-options.ts'
import type { ChatOptions } from '../chat.ts'
import type { CommandHost } from '../host.ts'
import { number, wholeNumber, withExamples } from '../options.ts'

export function chatCommand(host: CommandHost): Command {
  const command = new Command('chat')
    .description('let a model answer or continue a text, without and with an adapter, to see what it changes')
    .requiredOption('--prompt <text>', "answered in the model's chat template, if it has one, else continued")
    .option('--adapter <dir>', 'adapter in PEFT format: adapter_config.json and adapter_model.safetensors')
    .option(
      '--model <model>',
      'base model: "embedded", a folder, or a Hub id (default: what the adapter names, or "embedded")'
    )
    .option('--system <text>', 'what the chat template says before the prompt')
    .option('--no-template', 'continue the plain text although the model has a chat template')
    .option('--tokens <n>', 'the most tokens to add; an end token ends it earlier', wholeNumber(1, 4096), 128)
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
    .addOption(backendOption())
    .option('--threads <n>', 'threads that compute (default: one per core)', wholeNumber(1, 256))
    .action(async (options: ChatOptions) => {
      // Loading the tensor library takes a second: --help must not wait for it.
      const { chat } = await import('../chat.ts')
      await chat(options, host)
    })
  return withExamples(command, [
    ['fedpeft-node chat --adapter fedpeft-run/adapter --prompt "My fellow citizens,"', 'two texts, one seed'],
    [
      'fedpeft-node chat --model SmolLM2-135M-Instruct/ --prompt "Why is the sky blue?" --temperature 0',
      'the base model alone, in its chat template'
    ],
    [
      'fedpeft-node chat --adapter DIR --prompt "The war" --temperature 0 --tokens 20 --json',
      'the likeliest continuation, as JSON'
    ]
  ])
}
