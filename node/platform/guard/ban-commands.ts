/** What a person says about bans, to the process that runs from a folder or, where none runs, to the folder itself. */
import type { LocalArgs, LocalHandlers } from '../local-socket.ts'
import { writtenOf } from './ban-file.ts'
import type { BanList } from './ban-list.ts'

export interface BanRequest {
  /** As `banSubject` writes it. */
  readonly subject: string
  readonly reason: string
  /** Null: until it is lifted. */
  readonly forMs: number | null
}

/** The handlers of a live process: what they change holds at once, connections that are up included. */
export function banHandlers(list: BanList, settled: () => Promise<void>): LocalHandlers {
  return {
    ban: async args => {
      const { subject, reason, forMs } = args as unknown as BanRequest
      const ban = list.ban(subject, reason, forMs)
      await settled()
      return writtenOf(ban)
    },
    unban: async ({ subject }: LocalArgs) => {
      const wasBanned = list.unban(String(subject))
      await settled()
      return { subject, wasBanned }
    },
    bans: () => list.active().map(writtenOf)
  }
}
