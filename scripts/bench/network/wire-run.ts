/** One run of real peers over libp2p in this process, and what its rounds cost on the wire. */
import { layoutOf } from '../../../aggregation/adapter-layout.ts'
import { lanesByteLength } from '../../../aggregation/ring.ts'
import type { Peer, PeerResult } from '../../../node/peer/peer-types.ts'
import { createRunContext } from '../../../node/peer/round-encoding.ts'
import { laneCountOfRound } from '../../../node/peer/round-work.ts'
import { createPeer } from '../../../node/peer.ts'
import { type Identity, temporaryIdentity } from '../../../node/platform/identity.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../../node/platform/libp2p-network.ts'
import { MaskThreads } from '../../../node/platform/mask-threads.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { systemClock } from '../../../node/platform/system-clock.ts'
import { toHex } from '../../../protocols/hex.ts'
import { parseManifest } from '../../../protocols/run-manifest.ts'
import { signManifest } from '../../../protocols/signed-manifest.ts'
import type { TrafficCount, TrafficRecorder } from '../../../protocols/traffic.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { RememberedVerify } from '../../../sim/remembered-verify.ts'
import { driftTrainer } from './drift-trainer.ts'
import { type PeerRound, WireMeter } from './wire-meter.ts'

export interface WireSetting {
  readonly peers: number
  readonly verifiers: number | 'everyone'
  /** `ffa` sums all of the adapter (but one number) in every round, `rolora`, the default of a run, half of it. */
  readonly strategy: 'ffa' | 'rolora'
  /** Numbers in the adapter. */
  readonly d: number
  readonly transport: 'memory' | 'tcp'
  /** Certified; all of them are counted, from the founding list on. */
  readonly rounds: number
}

export interface WireRun {
  /** One masked input. */
  readonly bodyBytes: number
  readonly rounds: readonly PeerRound[]
  /** By type of message: all that was said in the rounds that are counted, each message once. */
  readonly said: Readonly<Record<string, TrafficCount>>
  readonly seconds: number
}

const MODEL_SHA256 = 'ab'.repeat(32)

/** After the last link certificates of slower members still come. */
const QUIET_MS = 1_000

interface Member {
  readonly identity: Identity
  readonly network: Libp2pNetwork
}

/** @throws Error if a round comes to nothing, or the peers to different states */
export async function wireRun(setting: WireSetting, say: (line: string) => void): Promise<WireRun> {
  const startedAtMs = performance.now()
  let record: TrafficRecorder = () => {}
  const members = await openMembers(setting, traffic => record(traffic))
  const masking = new MaskThreads()
  try {
    const { run, signed, layout } = manifestOf(setting, members[0]!.identity)
    const meter = new WireMeter(run)
    record = meter.said.recorder
    // What one of them has checked of a signature the others need not: the messages are the same.
    const crypto = new RememberedVerify().of(nodeCrypto())
    const ports = { clock: systemClock, crypto, masking, log: say }
    const failed = Promise.withResolvers<never>()
    const networks = new Map(
      members.map(({ identity: signer, network }, i) => {
        const trainer = driftTrainer(layout, MODEL_SHA256, i + 1)
        const own = { ...ports, signer, network, files: memoryFiles(), trainer }
        const peer = createPeer(own, { signedManifest: signed, examples: 1 })
        peer.on(event => {
          try {
            meter.take(peer, network, event)
          } catch (error) {
            failed.reject(error)
          }
        })
        return [peer, network] as const
      })
    )
    const peers = [...networks.keys()]
    const over = Promise.all(peers.map(endOf))
    const hashes = new Set(
      (await Promise.race([over, failed.promise])).map(({ stateHash }) => toHex(stateHash))
    )
    if (hashes.size !== 1) throw new Error('the peers came to different states')
    await pause(QUIET_MS)
    const rounds = meter.rounds(networks)
    await Promise.all(peers.map(peer => peer.stop()))
    const lanes = laneCountOfRound(run, layout, setting.peers, 0)
    return {
      bodyBytes: lanesByteLength(run.manifest.secureSum.ringBits, lanes),
      rounds,
      said: meter.said.tally,
      seconds: (performance.now() - startedAtMs) / 1000
    }
  } finally {
    await Promise.all(members.map(({ network }) => network.close()))
    await masking.close()
  }
}

async function endOf(peer: Peer): Promise<PeerResult> {
  await peer.start()
  return peer.finished
}

function pause(delayMs: number): Promise<void> {
  return new Promise(resolve => systemClock.after(delayMs, resolve))
}

/** Everyone connected to everyone before the run begins. */
async function openMembers({ peers, transport }: WireSetting, recorder: TrafficRecorder): Promise<Member[]> {
  const members: Member[] = []
  for (let i = 0; i < peers; i++) {
    const identity = await temporaryIdentity()
    const listen = [transport === 'tcp' ? '/ip4/127.0.0.1/tcp/0' : `/memory/wire-${i}`]
    const bootstrapAddresses = members.map(({ network }) => network.addresses()[0]!)
    const init = {
      identity: identity.privateKey,
      listen,
      transports: transport === 'tcp' ? ('internet' as const) : ('memory' as const),
      recorder
    }
    members.push({ identity, network: await createLibp2pNetwork({ ...init, bootstrapAddresses }) })
    while (members.some(({ network }) => network.peers().length < i)) await pause(20)
  }
  return members
}

function manifestOf({ peers, verifiers, strategy, d, rounds }: WireSetting, author: Identity) {
  const tensor = (factor: 'A' | 'B', length: number) => {
    const name = `base_model.model.model.layers.0.self_attn.q_proj.lora_${factor}.weight`
    return { name, factor, shape: [length, 1] as const }
  }
  const half = Math.floor(d / 2)
  const [a, b] = strategy === 'ffa' ? [1, d] : [half, d - half]
  const layout = layoutOf([tensor('A', a), tensor('B', b)])
  const manifest = parseManifest({
    name: 'bytes of a round',
    author: author.peerId,
    model: { sha256: MODEL_SHA256 },
    cohort: { founders: peers, size: peers },
    rounds,
    strategy,
    secureSum: { verifiers }
  })
  const run = createRunContext(manifest, MODEL_SHA256, layout, new Float32Array(layout.length), nodeCrypto())
  return { run, signed: signManifest(manifest, author), layout }
}
