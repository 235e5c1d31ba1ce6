// The entry point of a training thread: opens the backend and the frozen model once, then does jobs as they come.
import { parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../backend/backend.ts'
import { BackendError } from '../backend/errors.ts'
import { FrozenModel } from '../model/frozen-model.ts'
import { openModelWeights } from '../model/model-files.ts'
import { AdaptedModel } from '../peft/adapted-model.ts'
import type { CheckpointStore } from '../train/checkpoint-store.ts'
import { trainText } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import { evaluateShard } from '../train/local-trainer.ts'
import { type TrainOptions, trainAdapter } from '../train/loop.ts'
import { isJobAborted, type JobControl, powerGateOf } from './job-control.ts'
import { nodeFiles } from './node-files.ts'
import { openBackend } from './open-backend.ts'
import type { JobManner, TrainerReply, TrainerRequest, TrainerThreadData } from './trainer-messages.ts'
import { type CheckpointPlace, openCheckpoints } from './training-checkpoints.ts'

const { backend: request, modelFolder, config, adapter } = workerData as TrainerThreadData
const port = parentPort!

function reply(message: TrainerReply): void {
  port.postMessage(message)
}

const clock = { nowMs: () => performance.now() }

/** Jobs come one at a time. */
let jobId = -1

/** By their folders, for what was told already. */
const stores = new Map<string, CheckpointStore>()

function storeOf(place: CheckpointPlace): CheckpointStore {
  const key = JSON.stringify(place)
  const store =
    stores.get(key) ?? openCheckpoints(place, notice => reply({ kind: 'notice', id: jobId, notice }))
  stores.set(key, store)
  return store
}

function optionsOf({ plan, secondsMax, keep }: JobManner, control: JobControl): TrainOptions {
  return {
    plan,
    clock,
    power: powerGateOf(control),
    ...(secondsMax !== undefined && { secondsMax }),
    ...(keep && { checkpoints: storeOf(keep.place).of(keep.fingerprint, keep.every) })
  }
}

async function run(model: AdaptedModel, { id, task, shard, control }: TrainerRequest): Promise<void> {
  jobId = id
  try {
    const hooks = {
      onStep: (steps: number, loss: number) => reply({ kind: 'step', id, steps, loss }),
      isAborted: () => isJobAborted(control)
    }
    const result =
      task.kind === 'train'
        ? await trainAdapter(model, trainText(shard), task.job, hooks, optionsOf(task.manner, control))
        : await evaluateShard(model, shard, task.job, task.windows, clock)
    reply({ kind: 'done', id, result })
  } catch (error) {
    // What is not a fault of the job leaves the thread in an unknown state: let it end, the pool starts another.
    const isOutOfMemory = error instanceof BackendError && error.code === 'OUT_OF_MEMORY'
    if (!(error instanceof TrainError || isOutOfMemory)) throw error
    const { data, message } = error
    const code = error instanceof TrainError ? error.code : 'OUT_OF_MEMORY'
    reply({ kind: 'failed', id, code, data, message })
  }
}

async function load(backend: Backend): Promise<AdaptedModel> {
  const weights = await openModelWeights(nodeFiles(modelFolder), config, modelFolder)
  return new AdaptedModel(await FrozenModel.load(backend, config, weights), adapter)
}

async function start(): Promise<void> {
  const { backend, notes } = await openBackend(request)
  const { name, description, threads } = backend
  const report = { name, description, threads, notes }
  reply({ kind: 'opened', backend: report })
  const model = await load(backend).catch(async (error: unknown) => {
    // Else a graphics device would keep the thread alive.
    await backend.close()
    throw error
  })
  port.on('message', (request: TrainerRequest) => void run(model, request))
  reply({ kind: 'ready', backend: report })
}

await start().catch((error: unknown) => {
  if (!(error instanceof BackendError)) throw error
  const { code, data, message } = error
  reply({ kind: 'unavailable', code, data, message })
})
