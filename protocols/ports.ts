/**
 * The seams between the peer and the world. Everything above node/platform reaches time, randomness, the network
 * and the disk through these, so that the same code runs on libp2p, in a simulation under virtual time, and later
 * in a browser.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch. Only differences matter to the protocol. */
  nowMs(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
}

/** Small durable storage below one directory. Paths are relative, with `/`. */
export interface Files {
  /** The whole file, or null if there is none. */
  read(path: string): Promise<Uint8Array | null>
  /** A range of a file. @throws if the file ends before `offset + length`. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>
  /**
   * Fills `target` with the bytes from `offset` on: what reads a big file piece by piece needs one buffer for all.
   * @throws if the file ends before `offset + target.length`
   */
  readInto(path: string, offset: number, target: Uint8Array): Promise<void>
  /** Length in bytes, or null if there is none. */
  size(path: string): Promise<number | null>
  /** Replaces a file atomically: temporary file, fsync, rename. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /**
   * The same for content that is never in memory as a whole. The next part is asked for once the last is written,
   * so a part may reuse the memory of the one before. If `parts` throws, the file stays as it was.
   */
  writeParts(path: string, parts: AsyncIterable<Uint8Array>): Promise<void>
  /** Appends and returns once the bytes are on the disk (fsync). */
  append(path: string, bytes: Uint8Array): Promise<void>
  /** Names directly below a folder (empty if there is none), sorted. */
  list(path: string): Promise<string[]>
  /** Returns once the file is gone for good; there need be none. */
  remove(path: string): Promise<void>
}

/** A peer id as text (libp2p's base58btc form of an Ed25519 identity). */
export type PeerId = string

/**
 * `reject` is for what anyone who passes it on could have seen to be wrong; `reject-publisher` for what only a member of
 * the run can see, so that an honest relay is not blamed for it; `ignore` for what may be honest. None of the three goes
 * further.
 */
export type GossipVerdict = 'accept' | 'ignore' | 'reject' | 'reject-publisher'

export interface RequestOptions {
  /** Give up after this long without an answer frame. */
  readonly timeoutMs: number
  /** Largest answer frame accepted; a longer one fails the request before it is buffered. */
  readonly maxFrameBytes: number
}

/**
 * The network as the peer sees it. `publish` reaches everyone who subscribed to the topic, sooner or later, perhaps
 * twice, perhaps not at all. `request` opens a stream, sends one frame and yields the answer frames in order.
 */
export interface Network {
  readonly peerId: PeerId
  /** @throws NetworkError TOO_LARGE above the gossip limit (limits.ts). */
  publish(topic: string, data: Uint8Array): Promise<void>
  /** `from` is the original publisher, proven by its signature. The returned function unsubscribes. */
  subscribe(topic: string, handle: (from: PeerId, data: Uint8Array) => Promise<GossipVerdict>): () => void
  /** Connected peers that speak our protocols. */
  peers(): PeerId[]
  /** @throws NetworkError UNREACHABLE, TIMEOUT, TOO_LARGE, RESET. */
  request(to: PeerId, protocol: string, body: Uint8Array, options: RequestOptions): AsyncIterable<Uint8Array>
  /** Answers requests; `body` is at most `maxBodyBytes`. The returned function stops serving. */
  serve(
    protocol: string,
    maxBodyBytes: number,
    handle: (from: PeerId, body: Uint8Array) => AsyncIterable<Uint8Array>
  ): () => void
  /** Called with each peer as it comes (true) and goes (false). The returned function stops that. */
  onPeer(handle: (peer: PeerId, connected: boolean) => void): () => void
  /** A peer has answered what no honest peer answers. Repeated, it is cut off where the network can do that. */
  blame?(peer: PeerId, why: string): void
  close(): Promise<void>
}
