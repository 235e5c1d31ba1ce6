// A peer of a small run in a process of its own, over loopback TCP and a real folder, that kills itself at one of its writes.
// Arguments: its folder, the address of another peer, which write (from 0, or -1 for none), the moment of it, and the run's
// rounds. Prints lines
// of JSON; ends when its standard input does.
import { readKnownPeers, rememberPeers } from '../../node/cli/join/known-peers.ts'
import { createPatientPeer } from '../../node/peer/patient-peer.ts'
import { openIdentity } from '../../node/platform/identity.ts'
import { createLibp2pNetwork } from '../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { noPassphrases } from '../../node/platform/passphrase.ts'
import { openPeerFolder } from '../../node/platform/peer-folder.ts'
import { systemClock } from '../../node/platform/system-clock.ts'
import { toHex } from '../../protocols/hex.ts'
import { type KillMoment, killAtWrite } from './kill-at-write.ts'
import { killedRun, LOOPBACK, TRAIN_MS } from './killed-run-terms.ts'
import { vectorTrainer } from './vector-trainer.ts'

const [dir, address, at, moment, rounds] = process.argv.slice(2) as [
  string,
  string,
  string,
  KillMoment,
  string
]
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const writes = killAtWrite(dir, at === '-1' ? null : Number(at), moment)

let isOver = false
const stdinEnd = new Promise<void>(resolve => {
  process.stdin.resume().once('close', () => {
    // Whoever started it is gone.
    if (!isOver) process.exit(1)
    resolve()
  })
})

const unlock = await openPeerFolder(dir)
const identity = await openIdentity(dir, noPassphrases)
const files = nodeFiles(dir)
const { signed, manifest, layout, initialAdapter: initial } = killedRun(Number(rounds))
const network = await createLibp2pNetwork({
  identity: identity.privateKey,
  listen: [LOOPBACK],
  transports: 'internet',
  bootstrapAddresses: [address, ...(await readKnownPeers(files))]
})
const clock = systemClock
const trainer = vectorTrainer({
  layout,
  initial,
  baseModelSha256: manifest.model.sha256,
  number: 4,
  clock,
  trainMs: TRAIN_MS
})
const crypto = nodeCrypto()
const ports = { clock, crypto, signer: identity, network, files, trainer, log: () => {} }
const peer = createPatientPeer(
  ports,
  { signedManifest: signed, examples: 4 },
  { freeBytes: async () => null }
)
let remembering = Promise.resolve()
peer.on(event => {
  if (event.type === 'warning') print({ event: 'warning', message: event.message })
  if (event.type === 'blamed') print({ event: 'blamed', peer: event.peer, what: event.what })
  if (event.type === 'error') print({ event: 'error', message: event.error.message })
  if (event.type !== 'link' && event.type !== 'caught-up' && event.type !== 'founded') return
  print({ event: event.type, height: event.tip.height, link: toHex(event.tip.linkHash) })
  remembering = remembering.then(() => rememberPeers(files, network))
})
print({ event: 'started', peer: identity.peerId })
await peer.start()
const { stateHash } = await peer.finished
await remembering
print({ event: 'finished', state: toHex(stateHash), writes })
isOver = true
// Serves the others until nobody needs it any more.
await stdinEnd
await peer.stop()
await network.close()
await unlock()
