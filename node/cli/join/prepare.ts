/** What a peer needs before it takes part: first without the others, then with what they have and it lacks. */
import { fromHex } from '../../../protocols/hex.ts'
import type { Redemption } from '../../../protocols/messages.js'
import { runFolder } from '../../peer/run-disk.ts'
import type { Libp2pNetwork } from '../../platform/libp2p-network.ts'
import type { CommandHost } from '../host.ts'
import type { BaseModel } from '../open-trainer.ts'
import { type BaseModelOptions, baseModelFromPeers, LackingBaseModel, ownBaseModel } from './base-model.ts'
import type { ChosenRun } from './run-source.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

type Admit = (chosen: ChosenRun) => Promise<Redemption | undefined>

export class Preparation {
  readonly #admit: Admit
  readonly #options: BaseModelOptions
  readonly #host: CommandHost
  #lacking: LackingBaseModel | null = null

  /** @param admit - what lets this peer into a run by invitation; throws if the run does not let it in */
  constructor(admit: Admit, options: BaseModelOptions, host: CommandHost) {
    this.#admit = admit
    this.#options = options
    this.#host = host
  }

  /**
   * @param hasPeers - there is someone to ask for the base model
   * @returns null if only the base model is lacking, and others may have it
   * @throws as openWorkshop; PeerError NOT_ADMITTED
   */
  async alone(chosen: ChosenRun, hasPeers: boolean): Promise<Workshop | null> {
    try {
      return await this.#open(chosen, () => ownBaseModel(chosen.manifest, this.#options, this.#host))
    } catch (error) {
      if (!(error instanceof LackingBaseModel)) throw error
      if (!hasPeers) throw error.cause ?? error
      this.#lacking = error
      return null
    }
  }

  /** @throws as alone; PeerError NO_BASE_MODEL */
  async withPeers(chosen: ChosenRun, network: Libp2pNetwork): Promise<Workshop> {
    const workshop = this.#lacking === null ? await this.alone(chosen, true) : null
    if (workshop !== null) return workshop
    const { output } = this.#host
    output.say(`${this.#lacking!.message}\nAsking the other peers of the run for the base model.`)
    return this.#open(chosen, redemption =>
      baseModelFromPeers(chosen.manifest, redemption, this.#options, network, this.#host)
    )
  }

  async #open(
    chosen: ChosenRun,
    openBase: (redemption: Redemption | undefined) => Promise<BaseModel>
  ): Promise<Workshop> {
    const { manifest, id } = chosen
    const redemption = await this.#admit(chosen)
    return openWorkshop(manifest, this.#options, this.#host, runFolder(fromHex(id)!), () =>
      openBase(redemption)
    )
  }
}
