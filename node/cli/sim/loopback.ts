/** The network of a simulation: a coordinator and real libp2p nodes on loopback TCP; or all of it in memory. */
import { join } from 'node:path'
import { createCoordinator } from '../../../bootstrap/coordinator.ts'
import { offeredRunOf } from '../../../protocols/offered-manifest.ts'
import type { Network } from '../../../protocols/ports.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { type Identity, openIdentity } from '../../platform/identity.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../platform/libp2p-network.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { noPassphrases } from '../../platform/passphrase.ts'
import { systemClock } from '../../platform/system-clock.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

export interface LoopbackMember {
  readonly identity: Identity
  readonly dir: string
  readonly network: Network
}

export interface Loopback {
  readonly members: readonly LoopbackMember[]
  /** Where other processes can join; null if nobody can. */
  readonly address: string | null
  close(): Promise<void>
}

export interface LoopbackOptions {
  /** Each member's folder; its identity is kept there. */
  readonly dirs: readonly string[]
  readonly bootstrapDir: string
  readonly log: (message: string) => void
}

/** @throws NetworkError; FilesError */
export async function openLoopback(options: LoopbackOptions): Promise<Loopback> {
  const { dirs, bootstrapDir, log } = options
  const opened: Libp2pNetwork[] = []
  const open = async (identity: Identity, bootstrapAddresses: string[]): Promise<Libp2pNetwork> => {
    const network = await createLibp2pNetwork({
      identity: identity.privateKey,
      listen: [LOOPBACK],
      transports: 'internet',
      bootstrapAddresses,
      log
    })
    opened.push(network)
    return network
  }
  const closeAll = async () => void (await Promise.all(opened.map(network => network.close())))
  try {
    const bootstrap = await open(await openIdentity(bootstrapDir, noPassphrases), [])
    const crypto = nodeCrypto()
    const validateManifest = (bytes: Uint8Array) => offeredRunOf(bytes, crypto)
    const coordinator = createCoordinator({ network: bootstrap, clock: systemClock, validateManifest, log })
    const address = bootstrap.addresses()[0]!
    const members = await Promise.all(
      dirs.map(async dir => {
        const identity = await openIdentity(dir, noPassphrases)
        return { identity, dir, network: await open(identity, [address]) }
      })
    )
    return {
      members,
      address,
      async close() {
        coordinator.close()
        await closeAll()
      }
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/**
 * No sockets and no encryption: for more peers than one process can keep up real connections between (n (n - 1) / 2 of
 * them, each with its streams). Peers, messages, signatures and masks are the same; what one peer has checked of a signature
 * the others need not check again (run-sim.ts).
 * @throws FilesError
 */
export async function openMemoryNetwork({ dirs }: Pick<LoopbackOptions, 'dirs'>): Promise<Loopback> {
  const world = createSimWorld({ clock: systemClock, seed: 1, latencyMs: { min: 0, max: 2 } })
  const members: LoopbackMember[] = []
  for (const dir of dirs) {
    const identity = await openIdentity(dir, noPassphrases)
    members.push({ identity, dir, network: world.join(identity.peerId) })
  }
  return {
    members,
    address: null,
    close: async () => void (await Promise.all(members.map(({ network }) => network.close())))
  }
}

/** Where the peers of a simulation live below its folder. */
export function memberDirs(out: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => join(out, 'peers', String(i + 1).padStart(2, '0')))
}
