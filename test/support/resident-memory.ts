// Trains on the backend that is named and prints what the process holds in memory after 1000 steps and after 1500, in bytes.
// Started with a young generation of fixed size, which V8 would otherwise double as garbage is made.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { BackendName } from '../../node/backend/backend.ts'
import { openTraining } from '../node/peft/leaks-suite.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function residentBytes(): number {
  collect()
  return process.memoryUsage.rss()
}

const training = await openTraining(process.argv[2] as BackendName, 'lora')
// Until then V8 compiles what turns out to be hot, which takes tens of megabytes.
await training.run(1000)
const before = residentBytes()
await training.run(500)
const after = residentBytes()
await training.close()
console.log(JSON.stringify({ before, after }))
