/** Drives the round's machine: one event at a time, and its effects in order, each done before the next begins. */
import type { Clock } from '../../protocols/ports.ts'
import type { Effect, RoundEvent, RoundMachine } from '../round/round-types.ts'

/** Something to do between two events, which may lead to one. */
type Task = () => Promise<RoundEvent | null>

export class MachineLoop<State> {
  readonly #machine: RoundMachine<State>
  readonly #clock: Clock
  readonly #perform: (effect: Effect) => Promise<void>
  readonly #onFault: (error: unknown) => void
  readonly #queue: Array<RoundEvent | Task> = []
  #state: State
  #stopped = false
  #draining: Promise<void> | null = null
  #cancelTimer: () => void = () => {}

  /** @param onFault - told once, of an effect or a step that threw; the loop has stopped then */
  constructor(
    machine: RoundMachine<State>,
    clock: Clock,
    perform: (effect: Effect) => Promise<void>,
    onFault: (error: unknown) => void
  ) {
    this.#machine = machine
    this.#clock = clock
    this.#perform = perform
    this.#onFault = onFault
    this.#state = machine.initial(clock.nowMs())
  }

  get state(): State {
    return this.#state
  }

  push(event: RoundEvent): void {
    this.#enqueue(event)
  }

  /** Runs a task when the events before it are dealt with, and no effect is under way. */
  run(task: Task): void {
    this.#enqueue(task)
  }

  /** Takes nothing more in. Resolves when the effect under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    await this.#draining
  }

  #enqueue(item: RoundEvent | Task): void {
    if (this.#stopped) return
    this.#queue.push(item)
    this.#draining ??= this.#drain()
  }

  async #drain(): Promise<void> {
    // The caller is told of nothing before it has returned.
    await null
    try {
      for (let item = this.#queue.shift(); item !== undefined && !this.#stopped; item = this.#queue.shift()) {
        const event = typeof item === 'function' ? await item() : item
        if (event !== null && !this.#stopped) await this.#step(event)
      }
    } catch (error) {
      this.#stopped = true
      this.#cancelTimer()
      this.#onFault(error)
    } finally {
      this.#draining = null
    }
    this.#armTimer()
  }

  async #step(event: RoundEvent): Promise<void> {
    const { state, effects } = this.#machine.step(this.#state, event, this.#clock.nowMs())
    this.#state = state
    for (const effect of effects) {
      await this.#perform(effect)
      // As if the machine had lost power here: what was to be said stays unsaid.
      if (this.#stopped) return
    }
  }

  #armTimer(): void {
    this.#cancelTimer()
    if (this.#stopped) return
    const wakeAtMs = this.#machine.wakeAtMs(this.#state)
    if (wakeAtMs === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#clock.after(Math.max(0, wakeAtMs - this.#clock.nowMs()), () =>
      this.push({ type: 'tick' })
    )
  }
}
