/**
 * Every limit of what travels, each with its reason. A limit that two peers must share is part of the protocol:
 * changing it is a new protocol version.
 */

import { BLOB_CHUNK_BYTES } from '../aggregation/blob-address.ts'

const KIB = 1024
const MIB = 1024 * KIB

// Gossip

/**
 * Control messages only (headers, votes, keys, shares): bodies are announced and pulled. gossipsub itself drops
 * what is above 4 MiB without an error, and a receiver then shuns the sender, so ours is far below and is checked.
 */
export const GOSSIP_MESSAGE_BYTES = 256 * KIB

// Streams and blobs

/** One unit of hashing, checking and resuming; an answer frame carries one chunk. */
export const CHUNK_BYTES = BLOB_CHUNK_BYTES

/** A frame is a chunk, or a message of at most that length, and a little for its envelope. */
export const FRAME_BYTES = CHUNK_BYTES + KIB

/** Bytes that one transfer may have under way: eight chunks hide the latency of a slow link and bound memory. */
export const WINDOW_BYTES = 2 * MIB

/**
 * Bytes of one answer that its server may be ahead of the reader: half a window, as a pull has two answers coming at a
 * time. Every network holds its servers back at that, however much was asked for.
 */
export const ANSWER_WINDOW_BYTES = WINDOW_BYTES / 2

/** Chunks of one answer that are under way. More of them may be asked for only of holders that know have-maps. */
export const WINDOW_CHUNKS = ANSWER_WINDOW_BYTES / CHUNK_BYTES

/** Chunks that one blob request may ask for: each request opens a stream, which costs as much as a few chunks do. */
export const RUN_CHUNKS = 32

/** A request asks a fast holder for what it gives in this time, so that no chunk is promised to it for long. */
export const RUN_MS = 500

/** Blobs of a round or a state: they are in memory as a whole, and an adapter is far below this. */
export const MAX_MEMORY_BLOB_BYTES = 1024 * MIB

/**
 * The longest blob that lies in a file: above any one file of a model that a peer could train on. Its list of chunk hashes
 * (32 bytes each) takes 8 MiB of memory, its have-map 32 KiB.
 */
export const MAX_BLOB_BYTES = 64 * 1024 * MIB

export const CHUNKS_MAX = MAX_BLOB_BYTES / CHUNK_BYTES

/** Chunk hashes that one frame carries: a list up to here (2 GiB of blob) comes at once, a longer one in pages. */
export const HASHES_PER_PAGE = CHUNK_BYTES / 32

/**
 * Up to here (16 MiB) holders are asked without asking first what they have, which would cost a small blob a round trip;
 * longer blobs are worth it, since peers that are pulling them serve what they have.
 */
export const CHUNKS_WITHOUT_MAP = 64

/** Holders of one long blob that are asked at a time, with a part of the window each: more gain nothing. */
export const HOLDERS_AT_ONCE = 4

/** Holders of one long blob whose have-maps are kept. */
export const HOLDERS_MAPPED = 16

/** A holder that is itself pulling is asked again what it has after this long. */
export const HAVE_MAP_AGE_MS = 2_000

/** A peer that had nothing of a long blob is asked again after this long, if the pull still runs. */
export const ASK_AGAIN_MS = 10_000

/** A request that has brought nothing for this long is made again elsewhere, if there is elsewhere: it is over when one is. */
export const STEAL_AFTER_MS = 5_000

/** Holders that have only a part, and nothing new in it for this long, are given up. */
export const PARTIAL_PATIENCE_MS = 30_000

/** Blobs pulled from others that one peer asks for at a time; the rest wait their turn, so memory stays bounded. */
export const CONCURRENT_PULLS = 4

/** Blob answers that one peer writes at a time, for all peers together: each holds a chunk in memory. The rest wait. */
export const SERVED_BLOB_STREAMS = 64

/** Of them for blobs that lie in files: a model that newcomers fetch must leave the rounds their share. */
export const SERVED_FILE_STREAMS = 16

/** Unfinished pulls whose chunks are kept for the next try; the oldest gives way. */
export const UNFINISHED_PULLS = 8

/** Requests of one protocol that we serve to one peer at a time: a member pulls a few blobs, nobody needs more. */
export const SERVED_STREAMS_PER_PEER = 16

/** A requester that takes no byte of its answer for this long is cut off: it holds our memory. */
export const SERVE_STALL_MS = 60_000

/** The longest request body of the small protocols (peer exchange, blob windows, run list). */
export const REQUEST_BODY_BYTES = 4 * KIB

/** No answer frame for this long fails a request: a busy peer answers late, a dead one never. */
export const REQUEST_TIMEOUT_MS = 15_000

/** A connection that is not up after this long is given up, and dialled again later. */
export const DIAL_TIMEOUT_MS = 10_000

// Base models from other peers

/** Files of one base model: a model of hundreds of GB has some two hundred shards. */
export const MODEL_FILES_MAX = 256

/** The list of so many files, with two hashes (64 letters each) and a name. */
export const MODEL_LIST_BYTES = 96 * KIB

/** Anything but weights: the largest tokenizers take some 30 MB. */
export const MODEL_SMALL_FILE_BYTES = 128 * MIB

/** How often peers are asked for the list again: those that came since, and those that were still reading. */
export const MODEL_ASK_MS = 5_000

/** Peers that are asked for the list of one model. */
export const MODEL_SHARERS_MAX = 64

/** A redemption with the longest label: 407 bytes. */
export const REDEMPTION_BYTES = 512

/** Peers with an invitation that are given the model before they are in the run, some 200 bytes each; the oldest gives way. */
export const MODEL_GUESTS_MAX = 256

// Peers

/** Masks and votes go all to all within a cohort; 64 keeps a share message of every member within one gossip. */
export const COHORT_MAX = 64

/** Below four, one loss or one noisy input cannot be tolerated (t = floor(2n/3) + 1). */
export const COHORT_MIN = 4

/** With an explicit flag only: it tolerates no loss. */
export const COHORT_MIN_FORCED = 3

export const COHORT_DEFAULT = 16

/** The smallest committee of verifiers: below four, one dead member stops it. */
export const VERIFIERS_MIN = COHORT_MIN

/** Up to here everyone verifies; the more verifiers, the less a few liars drawn by chance can do. */
export const VERIFIERS_DEFAULT = 16

/** Cohort sums that one parent cohort adds: its members check as many certificates and pull as many bodies. */
export const FAN_IN_MAX = 32

/** Founders of a larger network: their registrations (some 380 bytes each) still fit one founding message. */
export const FOUNDERS_MAX = 512

/** Peers that one peer-exchange answer names. */
export const PEER_EXCHANGE_PEERS = 256

/** Addresses kept of one peer: more is a peer that makes others dial for it. */
export const PEER_ADDRESSES = 8

/** One peer-exchange answer: 256 peers with eight addresses of some 80 bytes fit. */
export const PEER_EXCHANGE_BYTES = 256 * KIB

/** First wait before dialling a lost peer again; doubles up to REDIAL_MAX_MS. */
export const REDIAL_MIN_MS = 250

/** A peer that came back is found again within this time, and a dead one costs at most this little. */
export const REDIAL_MAX_MS = 15_000

/** How often the others are asked whom they know: a newcomer is known to everyone within this time. */
export const PEER_EXCHANGE_INTERVAL_MS = 10_000

/** A peer that could not be reached for this long is no longer dialled; whoever still knows it will name it again. */
export const PEER_FORGET_MS = 10 * 60_000

/** Peers that we dial by ourselves: two full cohorts. Those who dial us come on top. */
export const DIALLED_PEERS_MAX = 2 * COHORT_MAX

// Runs offered

/** A signed manifest. A person's YAML is about 2 KiB; the founding list of 64 members adds some 8 KiB. */
export const MANIFEST_BYTES = 64 * KIB

/** Runs that one registry keeps; beyond it the one that expires first gives way. */
export const OFFERED_RUNS_MAX = 64

/** Runs that one peer may offer to another: nobody can fill a registry alone. */
export const OFFERED_RUNS_PER_PEER = 8

/** How often a peer repeats to everyone it is connected to which runs it offers: whoever starts empty is full by then. */
export const ANNOUNCEMENT_MS = 10 * 60_000

/** What has not been repeated for this long is forgotten: soft state only. Two repetitions may be lost. */
export const OFFERED_RUN_TTL_MS = 3 * ANNOUNCEMENT_MS

// Runs kept by a coordinator

/** Runs whose chain and newest state a coordinator keeps at a time. */
export const CACHED_RUNS_MAX = OFFERED_RUNS_MAX

/** Records of one chain: a thousand rounds with half their attempts given up, and some. */
export const CACHED_RECORDS_MAX = 4_096

/** How often a coordinator says how far it knows a run: whoever comes back to a sleeping run hears of it by then. */
export const CACHE_TIP_MS = 15_000

/** The links of one's own round come a moment later from everyone at once: a cache need not be among the first. */
export const CACHE_FOLLOW_MS = 3_000

// Members

/** Members of one run: their list (52 letters each) still fits a quarter of a gossip message. */
export const MEMBERS_MAX = 1024

// Admission

/** Peers that a run lets in by invitation in all, which the chain's tip remembers (some 400 bytes each). */
export const REDEMPTIONS_MAX = 4 * MEMBERS_MAX

/** Admissions by invitation in one link: 300 bytes each beside a list of 1024 members stay within one frame. */
export const ADMISSIONS_PER_LINK = 64

/** Revoked invitations that the chain's tip remembers: an author who has to revoke more begins another run. */
export const REVOKED_MAX = 1024

/** Orders of the author in one link, some 400 bytes each; more wait for the next. */
export const ORDERS_PER_LINK = 16

/** Orders that a member keeps until a link lists them: only the author can sign any. */
export const ORDERS_KEPT = 64

/** Links that an order stays good for: an author that has gone meanwhile is carried out by then, or says it again. */
export const ORDER_LINKS = 16

/**
 * How long after its expiry by their own clocks voters still let an invitation in. The proposer leaves out what is expired
 * by its clock; voters only keep a proposer from ignoring expiry. So clocks that differ by less than this never make two
 * members vote differently.
 */
export const EXPIRY_TOLERANCE_MS = 60 * 60_000

/** Characters of an invitation's label: a name and a place. */
export const INVITATION_LABEL = 64

/** An invitation as text: some 350 characters, and a label in letters of four bytes. */
export const INVITATION_TEXT = 1024

/** Peers that are refused and remembered, so that the log says it once; the oldest gives way. */
export const TURNED_AWAY_MAX = 256

// Blame

/**
 * One piece of evidence, which is gossiped: the largest (a roster of 64 with its keys, U2, and a dealer's 64 shares) takes
 * some 45 KiB. Two proposals of a very large cohort can be longer: those are refused without evidence.
 */
export const EVIDENCE_BYTES = GOSSIP_MESSAGE_BYTES - 2 * KIB

/**
 * Pieces of evidence taken from one member between two links. Honest members find one for each culprit at most, and at
 * most a third of a cohort can lie without being a quorum with one honest member.
 */
export const EVIDENCE_PER_SENDER = COHORT_MAX / 2

/** Expulsions in one link, and in one proposal: everyone who can be in a cohort. */
export const EXPULSIONS_MAX = COHORT_MAX

/** Links back to which evidence is heard that rests on the chain: it is found at once, or a round later. */
export const EVIDENCE_LINKS = 16

/**
 * Attempts that fail in a row before a run pauses. What one bad aggregator or one death can spoil is over by the next
 * attempt; eight in a row mean that something is wrong with all of them, and each costs everyone a training.
 */
export const ATTEMPTS_DEFAULT = 8

/** The chain's tip remembers each of them. */
export const ATTEMPTS_MAX = 1_000

// Rounds

/**
 * What is kept of one member's words in one attempt, for those who missed them. A leader of the largest cohort proposes and
 * certifies some 3 MiB in a view; a third of the members may be liars who never stop.
 */
export const TRANSCRIPT_BYTES_PER_MEMBER = 8 * MIB

/**
 * Votes, and new-views, that are kept of one member in one agreement. An honest one casts two votes and gives up once in a
 * view, and views grow longer: a hundred of them are hours. More only costs whoever said it.
 */
export const VOTES_PER_MEMBER = 256
