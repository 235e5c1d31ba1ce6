/** What a run costs one peer in bytes, by purpose: counted at the port, above encryption and gossip's own copies. */
import type { Network } from '../../protocols/ports.ts'

/**
 * `maskedUpload`: this peer's own masked inputs. `verification`: bodies and states of others, pulled and passed on.
 * `control`: everything else.
 */
export type Purpose = 'maskedUpload' | 'verification' | 'control'

export interface ByteCount {
  readonly sent: number
  readonly received: number
}

export type RoundBytes = Readonly<Record<Purpose, ByteCount>>

export const NO_BYTES: RoundBytes = {
  maskedUpload: { sent: 0, received: 0 },
  verification: { sent: 0, received: 0 },
  control: { sent: 0, received: 0 }
}

const PURPOSES: readonly Purpose[] = ['maskedUpload', 'verification', 'control']

function combined(a: RoundBytes, b: RoundBytes, sign: 1 | -1): RoundBytes {
  const count = (purpose: Purpose): ByteCount => ({
    sent: a[purpose].sent + sign * b[purpose].sent,
    received: a[purpose].received + sign * b[purpose].received
  })
  return Object.fromEntries(PURPOSES.map(purpose => [purpose, count(purpose)])) as Record<Purpose, ByteCount>
}

export function addBytes(a: RoundBytes, b: RoundBytes): RoundBytes {
  return combined(a, b, 1)
}

export class ByteAccount {
  #total = NO_BYTES
  #taken = NO_BYTES

  add(purpose: Purpose | null, direction: keyof ByteCount, bytes: number): void {
    if (purpose === null) return
    const before = this.#total[purpose]
    this.#total = { ...this.#total, [purpose]: { ...before, [direction]: before[direction] + bytes } }
  }

  /** Since the start. */
  get total(): RoundBytes {
    return this.#total
  }

  /** Since the last call. */
  take(): RoundBytes {
    const taken = combined(this.#total, this.#taken, -1)
    this.#taken = this.#total
    return taken
  }
}

/** Decides what a request is for, from its protocol and body; null is no cost of the run. `served`: by this peer, for another. */
export type PurposeOf = (protocol: string, body: Uint8Array, served: boolean) => Purpose | null

/** The same network, with everything that crosses it counted. Gossip is control. */
export function accountedNetwork(network: Network, account: ByteAccount, purposeOf: PurposeOf): Network {
  return {
    peerId: network.peerId,
    publish(topic, data) {
      account.add('control', 'sent', data.length)
      return network.publish(topic, data)
    },
    subscribe: (topic, handle) =>
      network.subscribe(topic, (from, data) => {
        account.add('control', 'received', data.length)
        return handle(from, data)
      }),
    peers: () => network.peers(),
    async *request(to, protocol, body, options) {
      const purpose = purposeOf(protocol, body, false)
      account.add(purpose, 'sent', body.length)
      for await (const frame of network.request(to, protocol, body, options)) {
        account.add(purpose, 'received', frame.length)
        yield frame
      }
    },
    serve: (protocol, maxBodyBytes, handle) =>
      network.serve(protocol, maxBodyBytes, async function* (from, body) {
        const purpose = purposeOf(protocol, body, true)
        account.add(purpose, 'received', body.length)
        for await (const frame of handle(from, body)) {
          account.add(purpose, 'sent', frame.length)
          yield frame
        }
      }),
    onPeer: handle => network.onPeer(handle),
    blame: (peer, why) => network.blame?.(peer, why),
    close: () => network.close()
  }
}
