/** The network over libp2p, with a fifth of what is said late by 1 to 4 s: gossip, requests, frames of answers. */
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../aggregation/random.ts'
import {
  createLibp2pNetwork as createPromptNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../node/platform/libp2p-network.ts'

const LATE_IN_FIVE = 1
const [LEAST_MS, MOST_MS] = [1_000, 4_000]

export async function createLibp2pNetwork(init: Libp2pNetworkInit): Promise<Libp2pNetwork> {
  const random = seededRandom(Number(process.env['FEDPEFT_TEST_SEED']))
  let messages = 0
  let delayed = 0
  process.once('exit', () => {
    writeSync(1, `${JSON.stringify({ event: 'messages', messages, delayed })}\n`)
  })

  /** How long the next message takes on its way. */
  function lateness(): number {
    messages++
    const late = random.nextUint32() % 5 < LATE_IN_FIVE
    const ms = LEAST_MS + (random.nextUint32() % (MOST_MS - LEAST_MS + 1))
    if (late) delayed++
    return late ? ms : 0
  }
  const onItsWay = async (): Promise<void> => {
    const ms = lateness()
    if (ms > 0) await delay(ms)
  }

  const network = await createPromptNetwork(init)
  const slow: Pick<Libp2pNetwork, 'publish' | 'serve'> = {
    // Whoever sends does not notice how long a message is on its way.
    async publish(topic, data) {
      const ms = lateness()
      if (ms === 0) return network.publish(topic, data)
      // Closed meanwhile: then it is lost.
      setTimeout(() => network.publish(topic, data).catch(() => {}), ms)
    },
    // Whoever asks does: both ways count for its patience.
    serve: (protocol, maxBodyBytes, handle) =>
      network.serve(protocol, maxBodyBytes, async function* (from, body) {
        await onItsWay()
        for await (const frame of handle(from, body)) {
          await onItsWay()
          yield frame
        }
      })
  }
  return new Proxy(network, {
    get(target, key) {
      if (key === 'publish' || key === 'serve') return slow[key]
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
