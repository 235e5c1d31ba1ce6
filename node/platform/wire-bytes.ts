import type { Metrics, MultiaddrConnection, Stream } from '@libp2p/interface'

export interface WireCount {
  readonly sentBytes: number
  readonly receivedBytes: number
}

export interface WireTally {
  /** What went through the sockets: encryption, multiplexing, gossip's copies and all. */
  readonly connections: WireCount
  /** By negotiated libp2p protocol, inside the encryption: which part of the above is gossip, which blobs. */
  readonly protocols: ReadonlyMap<string, WireCount>
}

interface Counted {
  sentBytes: number
  receivedBytes: number
}

/**
 * Counts bytes where libp2p offers its streams to a metrics service, and measures nothing else.
 * Reading is counted in `onData`: a `message` listener here would take the first bytes from the real reader.
 */
export class WireBytes {
  readonly #connections: Counted = { sentBytes: 0, receivedBytes: 0 }
  readonly #protocols = new Map<string, Counted>()

  tally(): WireTally {
    return {
      connections: { ...this.#connections },
      protocols: new Map([...this.#protocols].map(([protocol, count]) => [protocol, { ...count }]))
    }
  }

  metrics(): Metrics {
    const metric = {
      update() {},
      increment() {},
      decrement() {},
      reset() {},
      observe() {},
      timer: () => () => {}
    }
    const register = (): typeof metric => metric
    return {
      trackMultiaddrConnection: (connection: MultiaddrConnection) =>
        count(connection, () => this.#connections),
      trackProtocolStream: (stream: Stream) => count(stream, () => this.#of(stream.protocol)),
      registerMetric: register,
      registerMetricGroup: register,
      registerCounter: register,
      registerCounterGroup: register,
      registerHistogram: register,
      registerHistogramGroup: register,
      registerSummary: register,
      registerSummaryGroup: register,
      traceFunction: (_name: string, run: unknown) => run,
      createTrace() {}
    } as unknown as Metrics
  }

  #of(protocol: string): Counted {
    const found = this.#protocols.get(protocol) ?? { sentBytes: 0, receivedBytes: 0 }
    this.#protocols.set(protocol, found)
    return found
  }
}

type Chunk = { readonly byteLength: number }

function count(channel: MultiaddrConnection | Stream, counted: () => Counted): void {
  const send = channel.send.bind(channel)
  channel.send = data => {
    counted().sentBytes += data.byteLength
    return send(data)
  }
  const receiving = channel as unknown as { onData?: (data: Chunk) => void }
  const onData = receiving.onData?.bind(channel)
  if (onData === undefined) return
  receiving.onData = data => {
    counted().receivedBytes += data.byteLength
    onData(data)
  }
}
