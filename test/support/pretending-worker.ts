// A training thread that says that it has the backend it was asked for, `cuda` excepted, and announces that it is there.
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads'
import type { TrainerReply, TrainerThreadData } from '../../node/platform/trainer-messages.ts'

const { name } = (workerData as TrainerThreadData).backend
const reply = (message: TrainerReply) => parentPort!.postMessage(message)

if (name === 'cuda' || name === 'auto') {
  reply({ kind: 'unavailable', code: 'UNAVAILABLE', data: { backend: name }, message: 'there is no card' })
} else {
  parentPort!.on('message', () => {})
  reply({ kind: 'ready', backend: { name, description: 'pretended', threads: 1, notes: [] } })
  const channel = new BroadcastChannel('pretending-worker')
  channel.postMessage(name)
  channel.close()
}
