/** A run of four over loopback TCP: three peers that live through it here, and one in a process that is killed at a write. */
import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import type { Peer, PeerEvent } from '../../node/peer/peer-types.ts'
import { createPeer } from '../../node/peer.ts'
import { isLockPart } from '../../node/platform/directory-lock.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { systemClock } from '../../node/platform/system-clock.ts'
import { toHex } from '../../protocols/hex.ts'
import { memoryFiles } from '../../sim/memory-files.ts'
import { memberSeed, type TestRun, testMember } from './chains.ts'
import { scratchFolder } from './cli.ts'
import { undocumented } from './folder-document.ts'
import type { CountedWrite, KillMoment } from './kill-at-write.ts'
import { killedRun, LOOPBACK, TRAIN_MS } from './killed-run-terms.ts'
import { vectorTrainer } from './vector-trainer.ts'

const LIVING = [1, 2, 3]

/** A run takes some five seconds on an idle machine. */
const LIMIT_MS = 180_000

interface Told {
  readonly event: string
  readonly height?: number
  readonly link?: string
  readonly state?: string
  readonly message?: string
  readonly writes?: readonly CountedWrite[]
}

interface Life {
  readonly told: readonly Told[]
  readonly signal: NodeJS.Signals | null
}

/** What the run came to; it is checked already that all have one chain and one state, and that nobody contradicted itself. */
export interface KilledRun {
  /** Whether the process reached that write at all. */
  readonly wasKilled: boolean
  /** Of the life that came to the end. */
  readonly writes: readonly CountedWrite[]
  readonly warnings: readonly string[]
}

/**
 * @param at - which write of the first life is its last, from 0; -1 for none
 * @param rounds - two have every kind of write but the removal of old states, which the third begins with
 */
export async function runWithDeath(at: number, moment: KillMoment, rounds = 2): Promise<KilledRun> {
  const folder = scratchFolder()
  const dir = join(folder.path, 'peer')
  const networks: Libp2pNetwork[] = []
  const events: PeerEvent[][] = []
  const peers: Peer[] = []
  const children: ChildProcess[] = []
  // Whatever is waited for then ends, and says how far each had come.
  const giveUp = setTimeout(() => {
    const places = peers
      .map(peer => peer.status())
      .map(({ condition, phase, round }) => [condition, phase, round])
    console.error(
      `killed at write ${at}, ${moment}: no end in ${LIMIT_MS / 1000} s; the others: ${JSON.stringify(places)}`
    )
    for (const peer of peers) void peer.stop()
    for (const child of children) child.kill('SIGTERM')
  }, LIMIT_MS)
  try {
    const run = killedRun(rounds)
    for (const number of LIVING) {
      const before = networks[0]?.addresses() ?? []
      const network = await createLibp2pNetwork({
        identity: privateKeyFromRaw(Buffer.concat([memberSeed(number), testMember(number).signer.publicKey])),
        listen: [LOOPBACK],
        transports: 'internet',
        bootstrapAddresses: before
      })
      networks.push(network)
      const peer = livingPeer(run, number, network)
      const own: PeerEvent[] = []
      peer.on(event => own.push(event))
      events.push(own)
      peers.push(peer)
      await peer.start()
    }
    const address = networks[0]!.addresses()[0]!
    const all = Promise.all(peers.map(({ finished }) => finished))
    const life = (dieAt: number): Promise<Life> =>
      live([dir, address, String(dieAt), moment, String(rounds)], all, children)
    const first = await life(at)
    const wasKilled = first.signal === 'SIGKILL'
    const second = wasKilled ? await life(-1) : first
    const results = await all
    const end = second.told.find(({ event }) => event === 'finished')
    const where = `killed at write ${at}, ${moment}: ${JSON.stringify([first.told, second.told])}`
    expect(end, where).not.to.equal(undefined)
    const states = [...results.map(({ stateHash }) => toHex(stateHash)), end!.state]
    expect(new Set(states).size, where).to.equal(1)
    const blamed = events.flat().filter(({ type }) => type === 'blamed')
    expect(blamed, where).to.deep.equal([])
    expect(
      [...first.told, ...second.told].filter(({ event }) => event === 'blamed' || event === 'error')
    ).to.deep.equal([])
    expect(splits([...events.map(linksIn), first.told, second.told]), where).to.deep.equal([])
    // What was half written is gone, and all that is left has a name; a lock that was never put in its place stays for a minute.
    const strangers = undocumented(dir).strangers.filter(name => !isLockPart(name))
    expect(strangers, where).to.deep.equal([])
    const warnings = second.told.flatMap(({ event, message }) => (event === 'warning' ? [message!] : []))
    return { wasKilled, writes: end!.writes!, warnings }
  } finally {
    clearTimeout(giveUp)
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(peers.map(peer => peer.stop()))
    await Promise.all(networks.map(network => network.close()))
    folder.remove()
  }
}

export function livingPeer(run: TestRun, number: number, network: Libp2pNetwork): Peer {
  const trainer = vectorTrainer({
    layout: run.layout,
    initial: run.initialAdapter,
    baseModelSha256: run.manifest.model.sha256,
    number,
    clock: systemClock,
    trainMs: TRAIN_MS
  })
  const ports = {
    clock: systemClock,
    crypto: nodeCrypto(),
    signer: testMember(number).signer,
    network,
    files: memoryFiles(),
    trainer,
    log: () => {}
  }
  return createPeer(ports, { signedManifest: run.signed, examples: number })
}

/** One life of the process, up to its death, or to the end of the run for everyone. */
async function live(
  args: readonly string[],
  othersEnd: Promise<unknown>,
  children: ChildProcess[]
): Promise<Life> {
  const script = new URL('./killed-peer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  children.push(child)
  const ended = new Promise<NodeJS.Signals | null>(resolve =>
    child.on('close', (_, signal) => resolve(signal))
  )
  child.stdin!.on('error', () => {})
  const told: Told[] = []
  for await (const text of createInterface({ input: child.stdout! })) {
    const line = JSON.parse(text) as Told
    told.push(line)
    if (line.event === 'finished') void othersEnd.catch(() => {}).then(() => child.stdin!.end())
  }
  return { told, signal: await ended }
}

function linksIn(events: readonly PeerEvent[]): Told[] {
  return events.flatMap(event =>
    event.type === 'link' || event.type === 'caught-up' || event.type === 'founded'
      ? [{ event: event.type, height: event.tip.height, link: toHex(event.tip.linkHash) }]
      : []
  )
}

/** Heights at which two have told of different links. */
function splits(tales: ReadonlyArray<readonly Told[]>): number[] {
  const byHeight = new Map<number, Set<string>>()
  for (const { height, link } of tales.flat()) {
    if (height === undefined || link === undefined) continue
    byHeight.set(height, (byHeight.get(height) ?? new Set()).add(link))
  }
  return [...byHeight].filter(([, links]) => links.size > 1).map(([height]) => height)
}
