// Opens the backend on a thread of its own (a thread keeps the backend it has) and tells what came of it.
import { parentPort, workerData } from 'node:worker_threads'
import * as tf from '@tensorflow/tfjs'
import { openBackend } from '../../node/backend/stock-backend.ts'

const choice = await openBackend(workerData as string)
parentPort!.postMessage({ choice, sum: Array.from(tf.add(tf.tensor1d([1, 2]), 1).dataSync()) })
