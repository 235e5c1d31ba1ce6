/** Progress of a download on standard error: a line that redraws itself on a terminal, now and then a new one elsewhere. */
import type { DownloadProgress } from '../platform/hub/fetch-model.ts'
import { bytesText, durationText } from './join/words.ts'
import type { Output } from './output.ts'

const REDRAW_MS = 200

/** In a log, where lines stay. */
const NEXT_LINE_MS = 10_000

export class DownloadLines {
  /** Whether anything was downloaded. */
  hasBegun = false
  readonly #output: Output
  readonly #model: string
  readonly #isLive: boolean
  #file = ''
  #fileStartMs = 0
  /** What was there when the file was begun. */
  #fileStartBytes = 0
  #shownAtMs = 0

  constructor(output: Output, model: string) {
    this.#output = output
    this.#model = model
    this.#isLive = output.aside.isTTY === true
  }

  take(progress: DownloadProgress): void {
    const { file, doneBytes, bytes } = progress
    const nowMs = performance.now()
    this.hasBegun = true
    if (file !== this.#file) {
      this.#file = file
      this.#fileStartMs = nowMs
      this.#fileStartBytes = doneBytes
      this.#shownAtMs = nowMs
      const from = doneBytes === 0 ? '' : `, going on from ${bytesText(doneBytes)}`
      this.#line(`downloading ${this.#model}: ${file}, ${bytesText(bytes)}${from}`)
      this.#output.event({ event: 'download', model: this.#model, file, bytes, fromBytes: doneBytes })
    }
    if (nowMs - this.#shownAtMs < (this.#isLive ? REDRAW_MS : NEXT_LINE_MS)) return
    this.#shownAtMs = nowMs
    const text = this.#text(progress, (nowMs - this.#fileStartMs) / 1000)
    if (!this.#isLive) return this.#line(text)
    this.clear()
    const columns = (this.#output.aside as NodeJS.WriteStream).columns ?? 80
    this.#output.aside.write(text.slice(0, columns - 1))
  }

  notice(text: string): void {
    this.clear()
    this.#output.warn(text)
  }

  clear(): void {
    if (this.#isLive && this.hasBegun) this.#output.aside.write('\r\u001b[2K')
  }

  #text({ file, doneBytes, bytes }: DownloadProgress, seconds: number): string {
    const perSecond = Math.max(0, doneBytes - this.#fileStartBytes) / seconds
    const percent = Math.floor((100 * doneBytes) / Math.max(1, bytes))
    const left = perSecond > 0 ? `, ${durationText((bytes - doneBytes) / perSecond)} left` : ''
    return `${file}: ${percent}% of ${bytesText(bytes)}, ${bytesText(perSecond)}/s${left}`
  }

  #line(text: string): void {
    this.clear()
    this.#output.aside.write(`${text}\n`)
  }
}
