/**
 * What a bootstrap peer relays for peers that cannot be dialled. A relayed connection is for the first contact: some
 * 10 KB of signalling, after which the two talk straight. Where they cannot (both behind translators that give each
 * destination another port), it carries their requests of the control protocols, and bodies only if its operator says so:
 * else those come from whoever can be reached. Gossip needs no relayed connection, as the bootstrap peer itself passes it on.
 */
import type { CircuitRelayServerInit } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'

const MIB = 1024 * 1024
const MINUTE_MS = 60_000

/** Of a relay whose operator lets bodies through; no relayed connection carries as much before its time is over. */
const BODIES_BYTES = BigInt(MIB) * BigInt(MIB)

/** What a relayed connection must be good for, if bodies are to be asked for over it. */
const BODIES_BYTES_MIN = BODIES_BYTES / 2n

/** Whether the relay in between lets bodies through: it says so by what it allows. */
export function carriesBodies({ limits }: Pick<Connection, 'limits'>): boolean {
  return limits === undefined || limits.bytes === undefined || limits.bytes >= BODIES_BYTES_MIN
}

/** @param bodies - lets bodies through too, for peers that nobody can connect to */
export function relayServer(bodies: boolean): CircuitRelayServerInit {
  if (!bodies) return RELAY_SERVER
  return { ...RELAY_SERVER, reservations: { ...RELAY_SERVER.reservations, defaultDataLimit: BODIES_BYTES } }
}

const RELAY_SERVER = {
  reservations: {
    /** libp2p's 15 are two small cohorts. A place costs some hundred bytes here, and an open connection of its holder. */
    maxReservations: 1024,
    /** The holder renews it five minutes before; one that vanished holds its place no longer than this. */
    reservationTtl: 30 * MINUTE_MS,
    /**
     * Per relayed connection. A few rounds of shares and votes of a large cohort, asked for one by one; after this the
     * connection is cut, and made anew if it is still needed.
     */
    defaultDataLimit: BigInt(8 * MIB),
    /** In milliseconds, whatever the name of the field in the specification says: that is how libp2p enforces it. */
    defaultDurationLimit: 30 * MINUTE_MS
  },
  /** A peer asks for a place, and is asked for by every other: by all of a cohort in the same second. */
  maxInboundHopStreams: 128,
  maxOutboundHopStreams: 128,
  maxOutboundStopStreams: 512
} satisfies CircuitRelayServerInit
