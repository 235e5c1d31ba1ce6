// A hostile peer in a process of its own: hostile-peer.ts ATTACK ADDRESS RUN BASE-MODEL. It prints a line when it begins and when the
// attack is over, which for most is when the victim has cut it off.
import { ATTACKS } from './hostile/attacks.ts'

const [name = '', address = '', run = '', baseModel = ''] = process.argv.slice(2)
const stop = new AbortController()
process.on('SIGTERM', () => {
  stop.abort()
  setTimeout(() => process.exit(0), 200)
})
// Whatever breaks in here is the victim's success.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})
// A test that was killed leaves nobody to stop it.
setTimeout(() => process.exit(0), 300_000).unref()
console.log('begins')
await ATTACKS[name]!({ address, run, baseModel, signal: stop.signal })
console.log('over')
process.exit(0)
