/** Breadth first over every reachable state, so that the first violation has a shortest trace. */
import type { Configuration } from './configuration.ts'
import { moveText, stateText } from './narrative.ts'
import { progressOf } from './progress.ts'
import { breachOf } from './properties.ts'
import { RoundModel } from './round-model.ts'
import { StateTable } from './state-table.ts'

export interface Violation {
  readonly what: string
  /** One line for each step from the beginning. */
  readonly trace: readonly string[]
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  /** Steps from the beginning to the state farthest away. */
  readonly depth: number
  readonly memberStates: number
  readonly violation: Violation | null
}

/** @param statesMax - a guard against a model that has grown: more states than this are an error */
export function exploreAll(configuration: Configuration, statesMax = 60_000_000): Exploration {
  const model = new RoundModel(configuration)
  const progress = progressOf(model)
  const table = new StateTable(model.width)
  let parents = new Int32Array(1024)
  const first = model.initial()
  model.canonical(first)
  table.add(first)
  parents[0] = -1
  let transitions = 0
  let depth = 0
  let endOfLevel = 1
  const key = new Uint32Array(model.width)
  for (let index = 0; index < table.count; index++) {
    if (index === endOfLevel) {
      depth++
      endOfLevel = table.count
    }
    table.read(index, key)
    const state = model.read(key)
    const what = breachOf(state, configuration) ?? progress.breachOf(state)
    if (what !== null) {
      const trace = traceTo(model, table, parents, index)
      const { memberStates } = model
      return { states: table.count, transitions, depth, memberStates, violation: { what, trace } }
    }
    model.successors(key, next => {
      transitions++
      const added = table.add(next)
      if (added < 0) return
      if (added >= statesMax) throw new Error(`${configuration.name}: more than ${statesMax} states`)
      if (added >= parents.length) {
        const larger = new Int32Array(parents.length * 2)
        larger.set(parents)
        parents = larger
      }
      parents[added] = index
    })
  }
  return { states: table.count, transitions, depth, memberStates: model.memberStates, violation: null }
}

/** The line that sums an exploration up. */
export function summaryOf({ name }: Configuration, { states, transitions, depth }: Exploration): string {
  const figure = (count: number) => count.toLocaleString('en-US')
  return `explored ${figure(states)} states, ${figure(transitions)} transitions, depth ${depth}: ${name}`
}

/** Plays the way to a state again without renaming anything, so that the members keep their places throughout. */
function traceTo(model: RoundModel, table: StateTable, parents: Int32Array, index: number): string[] {
  const way: Uint32Array[] = []
  for (let at = index; at >= 0; at = parents[at]!) {
    const key = new Uint32Array(model.width)
    table.read(at, key)
    way.unshift(key)
  }
  let current = model.initial()
  const lines: string[] = []
  for (const wanted of way.slice(1)) {
    let chosen: Uint32Array | null = null
    const from = current
    model.successors(
      from,
      (next, move) => {
        if (chosen !== null) return
        const named = new Uint32Array(next)
        model.canonical(named)
        if (named.some((word, i) => word !== wanted[i])) return
        chosen = new Uint32Array(next)
        lines.push(moveText(move, model.read(from)))
      },
      true
    )
    if (chosen === null) throw new Error('the trace cannot be played again')
    current = chosen
  }
  const { liar } = model.configuration
  const cast = liar === null ? [] : [`member ${liar} lies`]
  return [...cast, ...lines.map((line, i) => `${i + 1}. ${line}`), ...stateText(model.read(current))]
}
