/** The `status` command: what a process that runs from a folder says of itself. */
import { setTimeout as delay } from 'node:timers/promises'
import { askLocalSocket } from '../platform/local-socket.ts'
import type { CommandHost } from './host.ts'
import type { Report } from './observe/report.ts'
import { statusText } from './observe/status-text.ts'

export interface StatusFlags {
  readonly dir: string
  readonly watch?: boolean
}

const WATCH_MS = 2_000

/** @throws NetworkError NOBODY_THERE, REFUSED, TIMEOUT, RESET; the signal's reason, but not while it watches */
export async function status(
  { dir, watch = false }: StatusFlags,
  { output, signal }: CommandHost
): Promise<void> {
  for (;;) {
    const report = (await askLocalSocket(dir, 'status', {}, { signal })) as Report
    output.event({ event: 'status', ...report })
    if (!output.json) {
      // Over what was there before; a pipe gets one after the other.
      const isRedrawn = watch && output.words.isTTY === true
      output.words.write(`${isRedrawn ? '\u001b[H\u001b[2J\u001b[3J' : ''}${statusText(report)}`)
    }
    if (!watch) return
    await delay(WATCH_MS, undefined, { signal }).catch(() => {})
    // Ctrl-C is how watching ends.
    if (signal.aborted) return
  }
}
