// The entry point of a training thread: opens the backend and the frozen model once, then does jobs as they come.
import { parentPort, workerData } from 'node:worker_threads'
import { openBackend } from '../backend/stock-backend.ts'
import { FrozenModel } from '../model/frozen-model.ts'
import { AdaptedModel } from '../peft/adapted-model.ts'
import { trainText } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import { evaluateShard } from '../train/local-trainer.ts'
import { trainAdapter } from '../train/loop.ts'
import type { TrainerReply, TrainerRequest, TrainerThreadData } from './trainer-messages.ts'

const { wasmFolder, config, weights, lora, evaluation } = workerData as TrainerThreadData
const port = parentPort!

function reply(message: TrainerReply): void {
  port.postMessage(message)
}

function run(model: AdaptedModel, { id, task, shard, abort }: TrainerRequest): void {
  try {
    const hooks = {
      onStep: (steps: number, loss: number) => reply({ kind: 'step', id, steps, loss }),
      isAborted: () => Atomics.load(abort, 0) !== 0
    }
    const result =
      task.kind === 'train'
        ? trainAdapter(model, trainText(shard), task.job, hooks)
        : evaluateShard(model, shard, task.job, evaluation)
    reply({ kind: 'done', id, result })
  } catch (error) {
    // What is not a fault of the job leaves the thread in an unknown state: let it end, the pool starts another.
    if (!(error instanceof TrainError)) throw error
    reply({ kind: 'failed', id, code: error.code, data: error.data, message: error.message })
  }
}

const backend = await openBackend(wasmFolder)
const model = new AdaptedModel(new FrozenModel(config, new Map(weights)), lora)
port.on('message', (request: TrainerRequest) => run(model, request))
reply({ kind: 'ready', backend })
