import { homedir } from 'node:os'
import { join } from 'node:path'
import { Option } from 'commander'

/** The flag of every command that acts as somebody. */
export function dirOption(): Option {
  return new Option('--dir <dir>', 'where this peer keeps its identity and its runs').default(
    join(homedir(), '.fedpeft'),
    '~/.fedpeft'
  )
}

/** Likewise; an identity that is encrypted can be opened without it by FEDPEFT_PASSPHRASE, or on a terminal. */
export function passphraseOption(): Option {
  return new Option(
    '--passphrase-file <file>',
    'holds the passphrase of an encrypted identity (else FEDPEFT_PASSPHRASE, else it is asked for)'
  )
}
