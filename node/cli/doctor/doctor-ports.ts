/** What the doctor looks at: this machine, or one that a test makes up. */
import type { BackendName } from '../../backend/backend.ts'
import { openModel } from '../../model/model-files.ts'
import { modelTensors } from '../../model/tensors.ts'
import { type HubFacts, hubFacts } from '../../platform/doctor/hub-facts.ts'
import {
  type DiskFacts,
  diskFacts,
  type MachineFacts,
  machineFacts
} from '../../platform/doctor/machine-facts.ts'
import { runBackendTrial } from '../../platform/doctor/run-backend-trial.ts'
import type { TrialOutcome } from '../../platform/doctor/trial-outcome.ts'
import { embeddedModelDir } from '../../platform/embedded-model.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import {
  findTensorflow,
  type NoTensorflow,
  type NvidiaFacts,
  nvidiaFacts,
  type TensorflowPackage
} from '../../platform/tensorflow-search.ts'

export interface DoctorPorts {
  machine(): Promise<MachineFacts>
  disk(dir: string): Promise<DiskFacts | null>
  /** @throws HubError, FilesError */
  hub(isAsked: boolean): Promise<HubFacts>
  /** @throws ModelError, FilesError */
  embeddedModel(): Promise<EmbeddedModelFacts>
  nvidia(): NvidiaFacts
  /** TensorFlow for an NVIDIA card. */
  cudaTensorflow(): TensorflowPackage | NoTensorflow
  /** Opens it in a process of its own, and multiplies. */
  tryBackend(name: BackendName, threads: number): Promise<TrialOutcome>
}

export interface EmbeddedModelFacts {
  readonly folder: string
  readonly parameters: number
}

export const machinePorts: DoctorPorts = {
  machine: machineFacts,
  disk: diskFacts,
  hub: isAsked => hubFacts(process.env, isAsked),
  embeddedModel,
  nvidia: nvidiaFacts,
  cudaTensorflow: () => findTensorflow('cuda'),
  tryBackend: runBackendTrial
}

async function embeddedModel(): Promise<EmbeddedModelFacts> {
  const folder = embeddedModelDir()
  const { config } = await openModel(nodeFiles(folder), folder)
  const sizes = modelTensors(config).map(({ shape }) => shape.reduce((size, length) => size * length, 1))
  return { folder, parameters: sizes.reduce((sum, size) => sum + size, 0) }
}
