/** From the start of `fedpeft-node join` to the first certified round that has its change in it: real processes, loopback TCP. */

import type { Program } from '../../../test/support/program.ts'
import { ProgramNetwork } from '../../../test/support/program-network.ts'

export interface JoinResult {
  /** Of founders that start together: from a process's start to its first link. The median over all of them and all repeats. */
  readonly founderMs: number
  /** Of one that starts while the run is in its rounds. The median over the repeats. */
  readonly newcomerMs: number
  /** Of one process: from its start to the first thing that it says, which is where it listens. The median. */
  readonly listeningMs: number
  readonly founders: number
  readonly repeats: number
}

const FOUNDERS = 4

/** A run is over before a newcomer is in if there are too few; one that is in stops it. */
const ROUNDS = 200

/** One step of a model that trains in no time: what is left is starting, meeting, agreeing. */
const STEPS = 1

interface Timed {
  readonly listeningMs: number
  readonly firstRoundMs: number
}

export async function measureJoin(repeats: number, say: (line: string) => void): Promise<JoinResult> {
  const founders: Timed[] = []
  const newcomers: Timed[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    say(`join: ${repeat + 1} of ${repeats}`)
    const network = new ProgramNetwork({ rounds: ROUNDS, founders: FOUNDERS, steps: STEPS })
    try {
      const names = Array.from({ length: FOUNDERS + 1 }, (_, i) => `peer${i}`)
      await network.prepare(names, names[0]!)
      await network.bootstrap()
      const start = (name: string): Promise<Timed> => timed(() => network.join(name, network.at('run.yaml')))
      founders.push(...(await Promise.all(names.slice(0, FOUNDERS).map(start))))
      newcomers.push(await start(names.at(-1)!))
    } finally {
      await network.close()
    }
  }
  return {
    founderMs: median(founders.map(({ firstRoundMs }) => firstRoundMs)),
    newcomerMs: median(newcomers.map(({ firstRoundMs }) => firstRoundMs)),
    listeningMs: median([...founders, ...newcomers].map(({ listeningMs }) => listeningMs)),
    founders: FOUNDERS,
    repeats
  }
}

async function timed(start: () => Program): Promise<Timed> {
  const startedAtMs = performance.now()
  const program = start()
  const { peer } = await program.waitFor('listening')
  const listeningMs = performance.now() - startedAtMs
  await program.waitFor('link', { kind: 'result' }, ({ survivors }) =>
    (survivors as readonly unknown[]).includes(peer)
  )
  return { listeningMs, firstRoundMs: performance.now() - startedAtMs }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return Math.round((sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2)
}
