/** How far the dials to each address have come: of a dial that another one has begun, libp2p tells only what is yet to come. */

interface Shared {
  dials: number
  isInHandshake: boolean
}

export interface WatchedDial {
  /** The handshake is under way: somebody has answered. */
  isInHandshake(): boolean
  /** libp2p's step, by its name. */
  step(name: string): void
  end(): void
}

export class Handshakes {
  readonly #byAddress = new Map<string, Shared>()

  /** Addresses that are dialled now. */
  get size(): number {
    return this.#byAddress.size
  }

  /** @param address - dialled by whoever else has begun it too, until each has ended it */
  begin(address: string): WatchedDial {
    const shared = this.#byAddress.get(address) ?? { dials: 0, isInHandshake: false }
    this.#byAddress.set(address, shared)
    shared.dials++
    return {
      isInHandshake: () => shared.isInHandshake,
      step(name) {
        if (/^upgrader:encrypt/.test(name)) shared.isInHandshake = true
        else if (/^upgrader:multiplex|^dial-queue:start-dial/.test(name)) shared.isInHandshake = false
      },
      end: () => {
        if (--shared.dials === 0) this.#byAddress.delete(address)
      }
    }
  }
}
