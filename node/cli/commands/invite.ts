import { Command, InvalidArgumentError } from 'commander'
import { INVITATION_LABEL, MEMBERS_MAX } from '../../../protocols/limits.ts'
import type { CommandHost } from '../host.ts'
import { dirOption, passphraseOption } from '../identity-dir.ts'
import type { CreateFlags, ExpiryFlag, RunFlags } from '../invite.ts'
import { wholeNumber, withExamples } from '../options.ts'

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function inviteCommand(host: CommandHost): Command {
  const command = new Command('invite')
    .description('as the author of a run by invitation: make, list and revoke invitations')
    .addCommand(
      common('create', 'sign an invitation and print it')
        .option('--uses <n>', 'different peers that it lets in', wholeNumber(1, MEMBERS_MAX), 1)
        .option('--expires <when>', 'such as 30m, 12h, 7d, or a date such as 2030-01-31', expiry, {
          inMs: 7 * unitsMs['d']!
        })
        .option('--label <text>', 'whom it is for; members of the run see it', label, '')
        .option('--out <file>', 'write it to a file that only you can read, and do not print it')
        .addOption(passphraseOption())
        .action(async (flags: CreateFlags) => {
          await (await import('../invite.ts')).createOne(flags, host)
        })
    )
    .addCommand(
      common('list', 'invitations made from this folder, and who came by each').action(
        async (flags: RunFlags) => {
          await (await import('../invite.ts')).listAll(flags, host)
        }
      )
    )
    .addCommand(
      common('revoke', 'let nobody in by an invitation any more')
        .argument('<invitation>', 'its id (the beginning is enough), or the invitation itself')
        .action(async (invitation: string, flags: RunFlags) => {
          await (await import('../invite.ts')).revokeOne(invitation, flags, host)
        })
    )
  return withExamples(command, [
    [
      'fedpeft-node invite create --run run.yaml --label "hospital east" --out east.txt',
      'for one peer, for a week'
    ],
    ['fedpeft-node invite create --run run.yaml --uses 5 --expires 12h', 'for five peers, printed'],
    ['fedpeft-node invite list --run run.yaml', 'who came by which'],
    ['fedpeft-node invite revoke 3f9a1c --run run.yaml', 'that one was lost']
  ])

  function common(name: string, description: string): Command {
    return new Command(name)
      .description(description)
      .requiredOption('--run <file-or-id>', 'the signed manifest, or the id of a run in your folder')
      .addOption(dirOption())
  }
}

function expiry(text: string): ExpiryFlag {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined && Number(count) > 0) return { inMs: Number(count) * unitsMs[unit!]! }
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(atMs)) return { atMs }
  throw new InvalidArgumentError('It must be such as 30m, 12h or 7d, or a date such as 2030-01-31.')
}

function label(text: string): string {
  if (text.length <= INVITATION_LABEL && /^\P{C}*$/u.test(text)) return text
  throw new InvalidArgumentError(`It must be at most ${INVITATION_LABEL} characters on one line.`)
}
