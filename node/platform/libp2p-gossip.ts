/** Gossip over gossipsub: signed messages, verdicts that decide what is relayed, and whose fault it is that one is not. */
import { type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import { NetworkError } from '../../protocols/errors.ts'
import { GossipHandlers } from '../../protocols/gossip-handlers.ts'
import { GOSSIP_MESSAGE_BYTES } from '../../protocols/limits.ts'
import type { GossipVerdict, Network, PeerId } from '../../protocols/ports.ts'
import type { TrafficRecorder } from '../../protocols/traffic.ts'
import { guardGossip } from './guard/gossip-reader.ts'
import type { PeerGuard } from './guard/peer-guard.ts'
import type { FedpeftNode } from './libp2p-node.ts'

const RESULT_OF: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  'reject-publisher': TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
}

export class Libp2pGossip {
  readonly #node: FedpeftNode
  readonly #guard: PeerGuard
  readonly #record: TrafficRecorder
  readonly #handlers: GossipHandlers

  constructor(node: FedpeftNode, guard: PeerGuard, record: TrafficRecorder, log: (message: string) => void) {
    this.#node = node
    this.#guard = guard
    this.#record = record
    guardGossip(node.services.pubsub, guard)
    this.#handlers = new GossipHandlers((topic, from, error) => {
      log(
        `a handler of ${topic} failed on a message from ${from}: ${error instanceof Error ? error.stack : error}`
      )
    })
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    if (data.length > GOSSIP_MESSAGE_BYTES) {
      throw new NetworkError(
        'TOO_LARGE',
        { topic, bytes: data.length, maxBytes: GOSSIP_MESSAGE_BYTES },
        `a message of ${data.length} bytes on ${topic}: gossip carries at most ${GOSSIP_MESSAGE_BYTES}; announce a blob instead`
      )
    }
    await this.#node.services.pubsub.publish(topic, data)
    const self = this.#node.peerId.toString()
    this.#record({ direction: 'out', kind: 'gossip', peer: self, label: topic, bytes: data })
  }

  subscribe(topic: string, handle: Parameters<Network['subscribe']>[1]): () => void {
    const { pubsub } = this.#node.services
    if (!this.#handlers.has(topic)) {
      pubsub.topicValidators.set(topic, (relay, message) => this.#validate(topic, relay.toString(), message))
      pubsub.subscribe(topic)
    }
    const remove = this.#handlers.add(topic, handle)
    return () => {
      const was = this.#handlers.has(topic)
      remove()
      if (!was || this.#handlers.has(topic)) return
      pubsub.topicValidators.delete(topic)
      try {
        pubsub.unsubscribe(topic)
      } catch {
        // It throws once the node is stopped, which unsubscribes from everything.
      }
    }
  }

  /** gossipsub's validator: it relays a message only after it was accepted here. */
  async #validate(topic: string, relay: PeerId, message: Message): Promise<TopicValidatorResult> {
    if (message.type !== 'signed') {
      this.#guard.offend(relay, 'invalid-gossip', 'not signed')
      return TopicValidatorResult.Reject
    }
    const from = message.from.toString()
    const verdict = await this.#verdictOn(topic, from, message.data)
    // Whoever passes on what anyone can see to be wrong has not looked, or does not care.
    if (verdict === 'reject') this.#guard.offend(relay, 'invalid-gossip', `on ${topic}`)
    const isPublisherToo = from === relay && verdict === 'reject'
    if ((verdict === 'reject' || verdict === 'reject-publisher') && !isPublisherToo) {
      this.#guard.offend(from, 'invalid-gossip', `published on ${topic}`)
    }
    return RESULT_OF[verdict]
  }

  async #verdictOn(topic: string, from: PeerId, data: Uint8Array): Promise<GossipVerdict> {
    // Our own words come back when a peer's memory of what it saw is shorter than the way.
    if (from === this.#node.peerId.toString()) return 'ignore'
    if (data.length > GOSSIP_MESSAGE_BYTES) return 'reject'
    if (!this.#guard.admitsPublished(from, data.length)) return 'ignore'
    this.#record({ direction: 'in', kind: 'gossip', peer: from, label: topic, bytes: data })
    return this.#handlers.verdict(topic, from, data)
  }
}
