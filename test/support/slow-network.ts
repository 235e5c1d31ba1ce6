// Preloaded into `join` (node --import): its network is the one of slow-libp2p-network.ts.
import { registerHooks } from 'node:module'

const slow = new URL('./slow-libp2p-network.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const isNetwork = specifier.endsWith('/platform/libp2p-network.ts')
    const isJoin = context.parentURL?.endsWith('/node/cli/join/entry.ts') === true
    return next(isNetwork && isJoin ? slow : specifier, context)
  }
})
