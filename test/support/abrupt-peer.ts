// A peer in a process of its own, to be killed in the middle of an answer. Prints its address.
import { temporaryIdentity } from '../../node/platform/identity.ts'
import { createLibp2pNetwork } from '../../node/platform/libp2p-network.ts'

const { privateKey } = await temporaryIdentity()
const network = await createLibp2pNetwork({
  identity: privateKey,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  transports: 'internet'
})
network.serve('/fedpeft/endless/1', 0, async function* () {
  yield Uint8Array.of(1)
  await new Promise(() => {})
})
console.log(network.addresses()[0])
