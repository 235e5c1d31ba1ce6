/**
 * Where the author's commands come in: kept on the disk, said by the machine until a link lists them, and while the run is
 * paused carried out by a link of the author's own.
 */

import type { ChainTip } from '../../protocols/chain-tip.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { ORDER_LINKS } from '../../protocols/limits.ts'
import { type AuthorOrder, isDone } from '../../protocols/orders.ts'
import { pauseOf } from '../../protocols/pause.ts'
import type { Files } from '../../protocols/ports.ts'
import type { RoundEvent } from '../round/round-types.ts'
import { type AuthorCommand, checkCommand, type Ordered, withCommand } from './author-commands.ts'
import { readCommands, writeCommands } from './order-store.ts'
import { type ReconfigurePorts, reconfigure } from './reconfigure.ts'

export interface DeskPorts extends ReconfigurePorts {
  readonly files: Files
  push(event: RoundEvent): void
  /** Of an order that cannot be carried out. */
  warn(message: string): void
  fail(error: unknown): void
}

export class AuthorDesk {
  readonly #ports: DeskPorts
  #commands: readonly AuthorCommand[]
  /** A pause that does not come by that height comes no more: whatever pauses the run later is another matter. */
  #resumesUntil: number | null = null
  /** One after the other: two that come at once must not both write the file. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(ports: DeskPorts, commands: readonly AuthorCommand[]) {
    this.#ports = ports
    this.#commands = commands
  }

  /** @throws PeerError BROKEN_STORE; FilesError */
  static async open(ports: DeskPorts): Promise<AuthorDesk> {
    const { self, run, files } = ports
    const isAuthor = self === run.manifest.author
    const desk = new AuthorDesk(ports, isAuthor ? await readCommands(files, run.id) : [])
    desk.#say()
    return desk
  }

  /** @throws PeerError NOT_AUTHOR, NOT_PAUSED, NOT_NOW; FilesError */
  order(command: AuthorCommand): Promise<Ordered> {
    return this.#inTurn(() => this.#order(command))
  }

  /** The chain has moved on, or the run stands still: what is done is let go of, what can be done now is. */
  settle(): void {
    if (this.#commands.length === 0) return
    this.#inTurn(() => this.#settleOrDrop()).catch(error => this.#ports.fail(error))
  }

  async #settleOrDrop(): Promise<void> {
    try {
      await this.#settle()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // Kept, it would fail again after every start.
      await this.#keep(this.#commands.filter(({ kind }) => kind !== 'resume'))
      this.#ports.warn(`the run cannot go on so: ${error.message}`)
    }
  }

  async #order(command: AuthorCommand): Promise<Ordered> {
    const { self, run, disk } = this.#ports
    const { tip } = disk.chain
    checkCommand(command, run.manifest, self, tip)
    if (command.kind !== 'resume' && tip !== null && isDone(tip, command)) return 'done'
    const commands = withCommand(this.#commands, command)
    const isPaused = tip !== null && pauseOf(tip, run.manifest) !== null
    if (command.kind === 'resume' && !isPaused) {
      const wasPausing = this.#commands.some(({ kind }) => kind === 'pause')
      // It may have lost its quorum: then those who are left stand down for it.
      if (!wasPausing) {
        await reconfigure(this.#ports, command.members === 'same' ? (tip?.members ?? []) : command.members)
        return 'done'
      }
      // That order may be on its way to members who have it already.
      this.#resumesUntil = (tip?.height ?? 0) + ORDER_LINKS
    }
    const before = this.#commands
    await this.#keep(commands)
    try {
      await this.#settle()
    } catch (error) {
      await this.#keep(before)
      throw error
    }
    if (!this.#commands.includes(command)) return 'done'
    return tip === null ? 'waits' : 'sent'
  }

  async #settle(): Promise<void> {
    const { run, disk } = this.#ports
    const { tip } = disk.chain
    if (tip === null) return
    this.#resumesUntil ??= tip.height + ORDER_LINKS
    if (pauseOf(tip, run.manifest) !== null) await this.#goOn(tip)
    const now = disk.chain.tip!
    const left = this.#commands.filter(command =>
      command.kind === 'resume'
        ? now.end === null && now.height === tip.height && tip.height < this.#resumesUntil!
        : !isDone(now, command)
    )
    if (left.length === this.#commands.length) return
    await this.#keep(left)
  }

  async #keep(commands: readonly AuthorCommand[]): Promise<void> {
    const { files, run } = this.#ports
    await writeCommands(files, run.id, commands)
    this.#commands = commands
    this.#say()
  }

  /** While a run is paused nobody proposes: the author's own link carries out what is left. */
  async #goOn(tip: ChainTip): Promise<void> {
    const resume = this.#commands.find(command => command.kind === 'resume')
    const orders = ordersIn(this.#commands).filter(({ kind }) => kind !== 'pause')
    const ends = orders.some(({ kind }) => kind === 'end')
    if (resume === undefined && !ends) return
    const members = resume === undefined || resume.members === 'same' ? tip.members : resume.members
    await reconfigure(this.#ports, members, orders)
  }

  #say(): void {
    this.#ports.push({ type: 'orders', orders: ordersIn(this.#commands) })
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task)
    this.#turn = result.catch(() => {})
    return result
  }
}

function ordersIn(commands: readonly AuthorCommand[]): AuthorOrder[] {
  return commands.filter(command => command.kind !== 'resume')
}
