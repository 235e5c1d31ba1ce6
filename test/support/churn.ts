/** Peers of a run that come and go, each life a process on the same folder: who may leave now, and what a life has kept. */
import type { Random } from '../../aggregation/random.ts'
import { quorumOf } from '../../protocols/quorum.ts'
import type { Program, ProgramEvent } from './program.ts'
import { heightOf, idOf } from './run-claims.ts'

export interface Life {
  readonly name: string
  readonly program: Program
  /** The height that the life before it had told of; null for the first. */
  readonly keptHeight: number | null
}

export class Churn {
  /** Every process there was, oldest first. */
  readonly lives: Life[] = []
  readonly left: Array<{ readonly program: Program; readonly signal: NodeJS.Signals }> = []
  /** What was done, for whoever reads the test's output. */
  readonly deeds: string[] = []
  readonly #names: readonly string[]
  readonly #random: Random
  readonly #start: (name: string) => Program
  readonly #living = new Map<string, Program>()
  /** Those that are asked to end, and have not yet. */
  readonly #leaving = new Set<string>()
  #tip: ProgramEvent | null = null

  /** @param start - the first time, and after each end */
  constructor(names: readonly string[], random: Random, start: (name: string) => Program) {
    this.#names = names
    this.#random = random
    this.#start = start
  }

  get living(): readonly Program[] {
    return [...this.#living.values()]
  }

  get programs(): readonly Program[] {
    return this.lives.map(({ program }) => program)
  }

  come(name: string): Program {
    const before = this.lives.findLast(life => life.name === name)
    const keptHeight = before === undefined ? null : (heightOf(before.program) ?? before.keptHeight)
    const program = this.#start(name)
    this.#living.set(name, program)
    this.lives.push({ name, program, keptHeight })
    return program
  }

  /** The chain has a new link: somebody leaves, every other one by SIGKILL, or comes, as dice and quorum have it. */
  step(link: ProgramEvent): void {
    this.#tip = link
    const away = this.#names.filter(name => !this.#living.has(name) && !this.#leaving.has(name))
    const mayLeave = this.#mayLeave()
    const comes = away.length > 0 && (mayLeave.length === 0 || this.#random.nextUint32() % 2 === 0)
    if (comes) {
      const name = this.#nextOf(away)
      const isFresh = this.lives.every(life => life.name !== name)
      this.deeds.push(`${link['height']}: ${name} ${isFresh ? 'joins' : 'comes back'}`)
      this.come(name)
    } else if (mayLeave.length > 0) {
      const name = this.#oneOf(mayLeave)
      const signal = this.left.length % 2 === 0 ? 'SIGINT' : 'SIGKILL'
      this.deeds.push(`${link['height']}: ${name} leaves by ${signal}`)
      this.#leave(name, signal)
    } else this.deeds.push(`${link['height']}: nobody may leave, and nobody is away`)
  }

  /** Once all that leave have left, everyone who is away is here again. */
  async allCome(): Promise<void> {
    await Promise.all([...this.#leaving].map(name => this.#lastOf(name).ended))
    for (const name of this.#names) if (!this.#living.has(name)) this.come(name)
  }

  #leave(name: string, signal: NodeJS.Signals): void {
    const program = this.#living.get(name)!
    this.#living.delete(name)
    this.#leaving.add(name)
    this.left.push({ program, signal })
    program.signal(signal)
    void program.ended.then(() => this.#leaving.delete(name))
  }

  /** Members that are in step, if what is left of those is a quorum. */
  #mayLeave(): string[] {
    const members = this.#tip!['members'] as string[]
    const height = Number(this.#tip!['height'])
    const isInStep = (program: Program): boolean => {
      const own = heightOf(program)
      return own !== null && own >= height - 1 && members.includes(idOf(program))
    }
    const inStep = [...this.#living].filter(([, program]) => isInStep(program)).map(([name]) => name)
    return inStep.length > quorumOf(members.length) ? inStep : []
  }

  /** Who was never here comes first, then whose last life began first. */
  #nextOf(names: readonly string[]): string {
    const lastLife = (name: string): number => this.lives.findLastIndex(life => life.name === name)
    return names.reduce((longest, name) => (lastLife(name) < lastLife(longest) ? name : longest))
  }

  #lastOf(name: string): Program {
    return this.lives.findLast(life => life.name === name)!.program
  }

  #oneOf(names: readonly string[]): string {
    return names[this.#random.nextUint32() % names.length]!
  }
}
