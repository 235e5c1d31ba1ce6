import type { GossipVerdict, Network, PeerId } from './ports.ts'

export type GossipHandler = Parameters<Network['subscribe']>[1]

/** The handlers of each topic, and one verdict from all of them. Every implementation of `Network` uses it. */
export class GossipHandlers {
  readonly #byTopic = new Map<string, Set<{ readonly handle: GossipHandler }>>()
  readonly #onThrow: (topic: string, from: PeerId, error: unknown) => void

  /** @param onThrow - told of a handler that threw: our own fault, for which nobody else is punished */
  constructor(onThrow: (topic: string, from: PeerId, error: unknown) => void) {
    this.#onThrow = onThrow
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic)
  }

  /** @returns a function that removes it again */
  add(topic: string, handle: GossipHandler): () => void {
    const entry = { handle }
    const entries = this.#byTopic.get(topic) ?? new Set()
    this.#byTopic.set(topic, entries.add(entry))
    return () => {
      if (entries.delete(entry) && entries.size === 0) this.#byTopic.delete(topic)
    }
  }

  clear(): void {
    this.#byTopic.clear()
  }

  /** The worst rejection if any handler rejects, else `accept` if any accepts; a handler that throws ignores. */
  async verdict(topic: string, from: PeerId, data: Uint8Array): Promise<GossipVerdict> {
    const verdicts = await Promise.all(
      [...(this.#byTopic.get(topic) ?? [])].map(async ({ handle }) => {
        try {
          return await handle(from, data)
        } catch (error) {
          this.#onThrow(topic, from, error)
          return 'ignore'
        }
      })
    )
    if (verdicts.includes('reject')) return 'reject'
    if (verdicts.includes('reject-publisher')) return 'reject-publisher'
    return verdicts.includes('accept') ? 'accept' : 'ignore'
  }
}
