/** What others on this machine can ask a process that runs from a folder, while it runs: see local-socket.ts. */
import { type LocalHandler, type LocalSocket, serveLocalSocket } from '../platform/local-socket.ts'
import type { Output } from './output.ts'

export interface LiveProcess {
  /** Answers a command from now on; before that, whoever asks is told that there is no such command. */
  answer(command: string, handle: LocalHandler): void
  close(): Promise<void>
}

/** Opens the folder's socket. The caller holds the folder's lock. Where there can be none, a warning says so. */
export async function openLiveProcess(dir: string, output: Output): Promise<LiveProcess> {
  const handlers: Record<string, LocalHandler> = {}
  const socket = await opened(dir, handlers, output)
  return {
    answer(command, handle) {
      handlers[command] = handle
    },
    close: async () => socket?.close()
  }
}

async function opened(
  dir: string,
  handlers: Readonly<Record<string, LocalHandler>>,
  output: Output
): Promise<LocalSocket | null> {
  try {
    return await serveLocalSocket(dir, handlers)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    output.warn(
      `${dir}: no local socket can be opened here (${reason}): fedpeft-node status will find nobody`
    )
    return null
  }
}
