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

/** @param witnesses - how many of the others hear two processes with this identity */
export function twinWords(peer: string, dir: string, witnesses: number): string {
  const who = witnesses === 1 ? 'another peer hears' : `${witnesses} other peers hear`
  return (
    `${who} a second process that acts with this identity, ${peer}: is a copy of ${dir} in use on another machine? Stop one of the ` +
    'two. Together they lose this peer its place in the rounds, and may contradict each other, for which the others expel it; ' +
    'fedpeft-node identity show tells which identity a folder has'
  )
}
