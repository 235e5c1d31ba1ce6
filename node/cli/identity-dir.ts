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
