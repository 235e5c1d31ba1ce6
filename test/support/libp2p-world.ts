// Real libp2p networks on loopback, as the conformance suite wants them.
import { generateKeyPair } from '@libp2p/crypto/keys'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../node/platform/libp2p-network.ts'
import type { ConformanceWorld } from '../conformance/network.ts'

const PATIENCE_MS = 20_000

export async function untilTrue(condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error(`waited ${patienceMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

export interface WorldOptions {
  /** What the n-th network is made of, beside its identity. */
  readonly init: (n: number) => Omit<Libp2pNetworkInit, 'identity'>
  /** Waited for before the others dial it. */
  readonly isReady?: (network: Libp2pNetwork) => boolean
  /** The address that the others dial. */
  readonly door?: (network: Libp2pNetwork) => string
  readonly close?: () => Promise<void>
}

/** Every network is connected to every one before it. */
export async function libp2pWorld(options: WorldOptions): Promise<ConformanceWorld> {
  const { init, isReady = () => true, door = network => network.addresses()[0]! } = options
  const networks: Libp2pNetwork[] = []
  const closed = new Set<Libp2pNetwork>()
  return {
    async join() {
      const network = await createLibp2pNetwork({
        identity: await generateKeyPair('Ed25519'),
        ...init(networks.length)
      })
      const others = networks.filter(other => !closed.has(other) && other.addresses().length > 0)
      networks.push(network)
      await untilTrue(() => isReady(network))
      for (const other of others) await network.dial(door(other))
      await untilTrue(() => others.every(other => other.peers().includes(network.peerId)))
      return network
    },
    kill(network) {
      closed.add(network as Libp2pNetwork)
      return network.close()
    },
    until: untilTrue,
    moment: () => new Promise(resolve => setTimeout(resolve, 20)),
    async close() {
      await Promise.all(networks.map(network => network.close()))
      await options.close?.()
    }
  }
}
