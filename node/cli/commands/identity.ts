import { Command } from 'commander'
import type { CommandHost } from '../host.ts'
import type { ExportFlags, IdentityFlags, ImportFlags, ProtectFlags } from '../identity.ts'
import { dirOption, passphraseOption } from '../identity-dir.ts'
import { withExamples } from '../options.ts'

export function identityCommand(host: CommandHost): Command {
  const command = new Command('identity')
    .description("make, show, encrypt, back up or move this peer's key")
    .addCommand(
      common('create', 'make the key before the first start, encrypted if there is a passphrase').action(
        async (flags: IdentityFlags) => {
          await (await import('../identity.ts')).create(flags, host)
        }
      )
    )
    .addCommand(
      common('show', 'print the peer id, and whether the key is encrypted').action(
        async (flags: IdentityFlags) => {
          await (await import('../identity.ts')).show(flags, host)
        }
      )
    )
    .addCommand(
      common('protect', 'encrypt the key with a passphrase; of one that is encrypted, change the passphrase')
        .option('--new-passphrase-file <file>', 'holds the new passphrase (else it is asked for)')
        .action(async (flags: ProtectFlags) => {
          await (await import('../identity.ts')).protect(flags, host)
        })
    )
    .addCommand(
      common('unprotect', 'store the key without encryption').action(async (flags: IdentityFlags) => {
        await (await import('../identity.ts')).unprotect(flags, host)
      })
    )
    .addCommand(
      common('export', 'write a backup of the key, encrypted')
        .argument('<file>', 'where to write it')
        .option('--plain', 'without encryption: whoever reads the file can act as this peer')
        .option(
          '--new-passphrase-file <file>',
          'holds the passphrase of the backup (else that of the key, or asked for)'
        )
        .option('--force', 'overwrite the file')
        .action(async (file: string, flags: ExportFlags) => {
          await (await import('../identity.ts')).exportTo(file, flags, host)
        })
    )
    .addCommand(
      common('import', 'take the key of a backup as this identity')
        .argument('<file>', 'that export has written, or a key as libp2p writes keys')
        .option('--replace', 'even if there is another identity in the folder, which is lost')
        .action(async (file: string, flags: ImportFlags) => {
          await (await import('../identity.ts')).importFrom(file, flags, host)
        })
    )
  return withExamples(command, [
    [
      'fedpeft-node identity create --passphrase-file passphrase.txt',
      'so that it can be backed up before it is used'
    ],
    ['fedpeft-node identity show', 'the peer id, for an admission list or an invitation'],
    ['fedpeft-node identity protect', 'asks for a passphrase twice and encrypts the key'],
    ['fedpeft-node identity export key-backup.json', 'a backup that is worth nothing without its passphrase'],
    ['fedpeft-node identity import key-backup.json --dir ./peer', 'the same identity on another machine']
  ])

  function common(name: string, description: string): Command {
    return new Command(name).description(description).addOption(dirOption()).addOption(passphraseOption())
  }
}
