/** Into the network: a libp2p node of one's own, somebody reached, and the list of runs that all peers keep. */
import { setTimeout as delay } from 'node:timers/promises'
import { NetworkError } from '../../../protocols/errors.ts'
import { offeredRunOf } from '../../../protocols/offered-manifest.ts'
import { RunRegistry } from '../../../protocols/run-registry.ts'
import type { Identity } from '../../platform/identity.ts'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../platform/libp2p-network.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { systemClock } from '../../platform/system-clock.ts'
import type { Door } from '../guard-lines.ts'
import type { CommandHost } from '../host.ts'
import type { NetworkSettings } from '../network-options.ts'

export interface Entry {
  readonly network: Libp2pNetwork
  readonly registry: RunRegistry
  close(): Promise<void>
}

export interface EntryOptions {
  readonly identity: Identity
  /** None makes a peer that only dials. */
  readonly listen: readonly string[]
  /** Given by the person. */
  readonly addresses: readonly string[]
  /** Of peers met before. */
  readonly knownPeers: readonly string[]
  /** Who is kept out. */
  readonly door?: Door
  /** By default REACH_MS. */
  readonly reachMs?: number
  readonly metrics?: Libp2pNetworkInit['metrics']
  readonly log?: (message: string) => void
  readonly settings?: NetworkSettings
  /** `host:port` of STUN servers beside the bootstrap peers. */
  readonly stun?: readonly string[]
}

/** A bootstrap peer that is being started at the same moment is waited for this long. */
const REACH_MS = 15_000

const RETRY_MS = 1_000

/**
 * Opens the network and waits until one of the given addresses, or a peer met before, is reached. With nobody to
 * reach it returns at once: the others come to this peer.
 * @throws NetworkError UNREACHABLE naming every address with its cause; BAD_ADDRESS, PORT_TAKEN; the signal's reason
 */
export async function enterNetwork(options: EntryOptions, { output, signal }: CommandHost): Promise<Entry> {
  const { identity, listen, addresses, knownPeers, reachMs = REACH_MS, metrics } = options
  const log = options.log ?? output.note
  const network = await createLibp2pNetwork({
    identity: identity.privateKey,
    listen,
    transports: 'internet',
    ...options.settings,
    ...(options.stun && { stun: options.stun }),
    warn: message => output.warn(message),
    bootstrapAddresses: [...addresses, ...knownPeers],
    ...options.door,
    log,
    ...(metrics && { metrics })
  })
  const crypto = nodeCrypto()
  const registry = new RunRegistry({
    network,
    clock: systemClock,
    validateManifest: bytes => offeredRunOf(bytes, crypto),
    log
  })
  const entry: Entry = {
    network,
    registry,
    async close() {
      registry.close()
      await network.close()
    }
  }
  try {
    const failures = await reachOne(network, [...addresses, ...knownPeers], reachMs, signal)
    const isPrivate = options.settings?.networkKey !== undefined
    if (failures !== null && knownPeers.length === 0) throw unreachable(failures, reachMs, isPrivate)
    if (failures !== null) {
      output.warn('nobody can be reached now; trying on, and waiting for peers met before to come back')
    }
    return entry
  } catch (error) {
    await entry.close()
    throw error
  }
}

/** @returns null once a peer is connected or if there is none to reach; else why not, by address */
async function reachOne(
  network: Libp2pNetwork,
  addresses: readonly string[],
  reachMs: number,
  signal: AbortSignal
): Promise<Map<string, string> | null> {
  if (addresses.length === 0) return null
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal, AbortSignal.timeout(reachMs)])
  const failures = new Map<string, string>()
  const reach = async (address: string): Promise<boolean> => {
    while (!until.aborted) {
      try {
        await network.dial(address)
        return true
      } catch (error) {
        failures.set(address, causeOf(error))
        // It will speak no other in a moment.
        if (OTHER_VERSION.test(String(error))) break
        await delay(RETRY_MS, undefined, { signal: until }).catch(() => {})
      }
    }
    return network.peers().length > 0
  }
  try {
    const reached = addresses.map(async address => (await reach(address)) || Promise.reject())
    const someone = await Promise.race([Promise.any(reached), rejectedBy(until)]).catch(
      () => network.peers().length > 0
    )
    signal.throwIfAborted()
    return someone ? null : failures
  } finally {
    over.abort()
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject()
    else signal.addEventListener('abort', () => reject(), { once: true })
  })
}

/** What another program, or a peer with another network key, looks like from here. */
const NOT_UNDERSTOOD =
  /connected, but no handshake|EncryptionFailed|Missing newline|InvalidDataLength|data was too short|varint/i

/** Of otherMajorWords, wherever it stands in what libp2p makes of it. */
const OTHER_VERSION = /it speaks version \d+ of fedpeft's protocols[^)]*\)/

/** The plain reason inside libp2p's words. */
function causeOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const [otherVersion] = OTHER_VERSION.exec(text) ?? []
  if (otherVersion !== undefined) return otherVersion
  if (text.includes('ECONNREFUSED')) return 'connection refused: nothing listens there now'
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return 'no such host name'
  if (/EHOSTUNREACH|ENETUNREACH/.test(text)) return 'no route there from this machine'
  if (/does not match expected/.test(text)) return 'another peer answers there: get the address anew'
  if (text.includes('ECONNRESET')) {
    return (
      'the connection was cut as soon as it was made: what answers there may be no peer of fedpeft, have banned this ' +
      'one, or be in a private network (--network-key)'
    )
  }
  if (NOT_UNDERSTOOD.test(text)) {
    return 'what answers there is no peer of fedpeft, or it is in a private network: with another --network-key, or with one at all'
  }
  return text.slice(text.lastIndexOf(': ') + 2)
}

function unreachable(
  failures: ReadonlyMap<string, string>,
  reachMs: number,
  isPrivate: boolean
): NetworkError {
  const lines = [...failures].map(([address, cause]) => `  ${address}\n    ${cause}`)
  return new NetworkError(
    'UNREACHABLE',
    { addresses: [...failures.keys()] },
    `nobody could be reached within ${reachMs / 1000} s:\n${lines.join('\n')}\n` +
      'Check that the peer there is running (fedpeft-node bootstrap prints its address), that the address and the ' +
      'port are right, and that no firewall is in between.' +
      (isPrivate ? ' With --network-key: that the peer there was started with the same key file.' : '')
  )
}
