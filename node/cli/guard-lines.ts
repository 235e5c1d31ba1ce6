/** Keeping others out, for a process that runs from a folder: the list of bans, and what is said of those who misbehave. */
import { banHandlers } from '../platform/guard/ban-commands.ts'
import { openBans } from '../platform/guard/ban-file.ts'
import type { BanList } from '../platform/guard/ban-list.ts'
import { GUARD_LIMITS } from '../platform/guard/guard-limits.ts'
import type { Offence } from '../platform/guard/offences.ts'
import { TokenBucket } from '../platform/guard/token-bucket.ts'
import { systemClock } from '../platform/system-clock.ts'
import { shortPeer } from './join/words.ts'
import type { Operations } from './observe/operations.ts'
import type { Output } from './output.ts'

export interface Door {
  readonly bans: BanList
  readonly onOffence: (offence: Offence) => void
}

/** @throws NetworkError BAD_BANS; FilesError */
export async function openDoor(
  dir: string,
  { live, observer }: Pick<Operations, 'live' | 'observer'>,
  output: Output
): Promise<Door> {
  const { list, settled } = await openBans(dir, systemClock, message => output.warn(message))
  for (const [command, handle] of Object.entries(banHandlers(list, settled))) {
    live.answer(command, handle)
  }
  const lines = new TokenBucket(GUARD_LIMITS.lines, systemClock)
  const onOffence = (offence: Offence): void => {
    if (!lines.take(1)) return observer.offences.add(offence.reason)
    observer.offence(offence)
    tellOffence(offence, output)
  }
  return { bans: list, onOffence }
}

/** Being cut off is news for a person; what led to it is in the log and the metrics. */
function tellOffence({ peer, reason, cutOff }: Offence, output: Output): void {
  if (!cutOff) return
  output.event({ event: 'cut-off', peer, reason })
  output.warn(`${shortPeer(peer)} was cut off: ${reason} (${peer})`)
}
