/** What the trial of a backend means for a person. */
import type { BackendName } from '../../backend/backend.ts'
import type { TrialOutcome } from '../../platform/doctor/trial-outcome.ts'
import {
  buildCommand,
  type NoTensorflow,
  type NvidiaFacts,
  type TensorflowPackage
} from '../../platform/tensorflow-search.ts'
import type { Check } from './check.ts'

/**
 * The first TensorFlow built with CUDA 11.8, which is the first that knows cards from Hopper (H100) on.
 * Source: https://www.tensorflow.org/install/source#gpu
 */
const currentTensorflowMinor = 12

/** What is known without trying. */
export interface BackendClues {
  readonly nvidia: NvidiaFacts
  /** TensorFlow for a card, or why it is not there. */
  readonly cudaTensorflow: TensorflowPackage | NoTensorflow
}

export function backendCheck(name: BackendName, outcome: TrialOutcome, clues: BackendClues): Check {
  const check = { name, fixes: [], data: { ...outcome, ...(name === 'cuda' ? clues : {}) } }
  switch (outcome.kind) {
    case 'works': {
      const { description, gflopPerSecond, notByItself } = outcome
      const found = `${gflopText(gflopPerSecond)} GFLOP/s; ${description}`
      if (notByItself !== null) {
        const { reason, fix } = notByItself
        return {
          ...check,
          status: 'warning',
          found: `${gflopText(gflopPerSecond)} GFLOP/s; ${reason}`,
          fixes: [fix]
        }
      }
      const old = oldTensorflow(description)
      if (name !== 'cuda' || old === null) return { ...check, status: 'ok', found }
      return {
        ...check,
        status: 'warning',
        found: `${found}; ${old}`,
        fixes: [`build a current one: ${buildCommand(name)}`]
      }
    }
    case 'unavailable':
      return { ...check, status: 'absent', found: outcome.reason, fixes: stepsTo(name, outcome.fix, clues) }
    case 'wrong':
      return {
        ...check,
        status: 'fault',
        found: `it must not be used: ${outcome.reason}`,
        fixes: wrongFixes(name)
      }
    case 'died':
      return { ...check, status: 'fault', found: outcome.reason, fixes: wrongFixes(name) }
  }
}

function gflopText(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toPrecision(2)
}

function oldTensorflow(description: string): string | null {
  const minor = Number(description.match(/^TensorFlow 2\.(\d+)/)?.[1] ?? Number.POSITIVE_INFINITY)
  if (minor >= currentTensorflowMinor) return null
  return 'this TensorFlow has no kernels for cards from Hopper (H100) on: it compiles them at first use, which takes up to half an hour'
}

/** Without a card the rest of the way there is not tried: it is told as well. */
function stepsTo(name: BackendName, fix: string, { nvidia, cudaTensorflow }: BackendClues): string[] {
  if (name !== 'cuda' || (nvidia.driverVersion !== null && nvidia.cards.length > 0)) return [fix]
  const next = cudaTensorflow.isThere
    ? `TensorFlow for the card is there already, in ${cudaTensorflow.folder}`
    : `then TensorFlow for it: ${cudaTensorflow.fix}`
  return [fix, next]
}

function wrongFixes(name: BackendName): string[] {
  const other = 'until it is put right, take another with --backend'
  if (name === 'cuda' || name === 'tensorflow') return [`build it again: ${buildCommand(name)}`, other]
  if (name === 'webgpu') return ['update the graphics driver', other]
  return ['install this package again, or run it with another Node', other]
}
