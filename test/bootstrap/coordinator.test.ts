import { expect } from 'chai'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { type Coordinator, createCoordinator } from '../../bootstrap/coordinator.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { fromHex } from '../../protocols/hex.ts'
import {
  MANIFEST_BYTES,
  OFFERED_RUN_TTL_MS,
  OFFERED_RUNS_MAX,
  OFFERED_RUNS_PER_PEER
} from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { topicOfRun } from '../../protocols/run-protocols.ts'
import { RUNS_PROTOCOL, RunRegistry } from '../../protocols/run-registry.ts'
import { createSimWorld, type SimNetwork } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'

/** Stands for a signed manifest: `signed` and 32 bytes of run id, which here are its number. */
function manifestOf(n: number): Uint8Array {
  return new TextEncoder().encode(`signed ${runOf(n)}`)
}

function runOf(n: number): string {
  return n.toString(16).padStart(64, '0')
}

function validateManifest(bytes: Uint8Array): { run: string } | null {
  const run = /^signed ([0-9a-f]{64})$/.exec(new TextDecoder().decode(bytes))?.[1]
  return run === undefined ? null : { run }
}

describe('coordinator', () => {
  it('lists the runs that peers bring, and forgets those that nobody repeats', async () => {
    const world = new World()
    const a = world.registry()
    a.offer(manifestOf(1))
    await world.clock.advance(1000)
    expect(world.listed()).to.deep.equal([runOf(1)])
    await world.clock.advance(3 * OFFERED_RUN_TTL_MS)
    expect(world.listed(), 'repeated in time').to.deep.equal([runOf(1)])
    a.withdraw(runOf(1))
    await world.clock.advance(OFFERED_RUN_TTL_MS + 1000)
    expect(world.listed()).to.deep.equal([])
  })

  it('answers whoever asks with manifests that can be checked', async () => {
    const world = new World()
    world.registry().offer(manifestOf(1))
    world.registry().offer(manifestOf(2))
    const asker = world.registry()
    await world.clock.advance(1000)
    const found = await world.run(asker.ask(world.network.peerId))
    expect(found.map(({ run }) => run).sort()).to.deep.equal([runOf(1), runOf(2)])
    expect(found.find(({ run }) => run === runOf(2))!.manifest).to.deep.equal(manifestOf(2))
  })

  it('is told everything again after a restart, and is not needed meanwhile', async () => {
    const world = new World()
    const [a, b] = [world.registry(), world.registry()]
    a.offer(manifestOf(7))
    await world.clock.advance(1000)
    const id = world.network.peerId
    world.sim.kill(id)
    await world.clock.advance(1000)
    const elsewhere = await world.run(b.ask(world.idOf(a)))
    expect(
      elsewhere.map(({ run }) => run),
      'any peer tells of the run'
    ).to.deep.equal([runOf(7)])
    expect(
      b.runs().map(({ run }) => run),
      'and so does one that was only told'
    ).to.deep.equal([runOf(7)])
    world.restart(id)
    expect(world.listed()).to.deep.equal([])
    await world.clock.advance(1000)
    expect(world.listed()).to.deep.equal([runOf(7)])
  })

  it('hears of runs again from peers that were connected before it served', async () => {
    const world = new World()
    const a = world.registry()
    const late = world.join()
    a.offer(manifestOf(3))
    await world.clock.advance(1000)
    const registry = new RunRegistry({ network: late, clock: world.clock, validateManifest })
    await world.clock.advance(10_000)
    expect(registry.runs().map(({ run }) => run)).to.deep.equal([runOf(3)])
  })

  it('subscribes to the runs on its list, so that their gossip passes through it, and to no other', async () => {
    const world = new World()
    const [a, b] = [world.join(), world.join()]
    const registry = new RunRegistry({ network: a, clock: world.clock, validateManifest })
    registry.offer(manifestOf(1))
    await world.clock.advance(1000)
    const heard = async (n: number): Promise<boolean> => {
      const before = world.verdicts.length
      await b.publish(topicOfRun(fromHex(runOf(n))!), new Uint8Array(3))
      await world.clock.advance(1000)
      return world.verdicts.slice(before).includes(`${world.network.peerId} accept`)
    }
    expect(await heard(1)).to.equal(true)
    expect(await heard(2)).to.equal(false)
    registry.close()
    await world.clock.advance(2 * OFFERED_RUN_TTL_MS)
    expect(await heard(1)).to.equal(false)
  })

  it('refuses what is no signed manifest, what is too long, and what is no request, with its reason', async () => {
    const world = new World()
    const asker = world.registry()
    const to = world.network.peerId
    const unsigned = await world.run(failure(asker.offerTo(to, new TextEncoder().encode('unsigned'))))
    expect(unsigned.code).to.equal('OFFER_REFUSED')
    expect(unsigned.data['reason']).to.include('not a validly signed manifest')
    expect(() => asker.offer(new Uint8Array(5)))
      .to.throw(ProtocolError)
      .with.property('code', 'BAD_MESSAGE')
    const long = await world.run(failure(asker.offerTo(to, new Uint8Array(MANIFEST_BYTES + 1))))
    expect(long.data['reason']).to.include('not a validly signed manifest')
    const network = world.join()
    for (const body of [new Uint8Array(3), lengthPrefixed('sing'), lengthPrefixed('offer')]) {
      const frames: string[] = []
      const asking = async (): Promise<void> => {
        const answer = network.request(to, RUNS_PROTOCOL, body, { timeoutMs: 1000, maxFrameBytes: 1000 })
        for await (const frame of answer) frames.push(new TextDecoder().decode(frame))
      }
      await world.run(asking())
      expect(frames).to.deep.equal(['not a request of this protocol'])
    }
    expect(world.listed()).to.deep.equal([])
  })

  it('lets one peer offer a few runs, and all of them a limited number, the oldest giving way', async () => {
    const world = new World()
    const greedy = world.registry()
    const to = world.network.peerId
    for (let n = 0; n < OFFERED_RUNS_PER_PEER; n++) await world.run(greedy.offerTo(to, manifestOf(n)))
    const error = await world.run(failure(greedy.offerTo(to, manifestOf(99))))
    expect(error.data['reason']).to.include('the most that one peer may')
    await world.run(greedy.offerTo(to, manifestOf(0)))
    for (let n = OFFERED_RUNS_PER_PEER; n < OFFERED_RUNS_MAX + 1; n++) {
      await world.run(world.registry().offerTo(to, manifestOf(n)))
    }
    expect(world.listed()).to.have.length(OFFERED_RUNS_MAX)
    expect(world.listed(), 'run 0 was repeated, so run 1 was the oldest')
      .to.include(runOf(0))
      .and.not.include(runOf(1))
  })

  it('learns what another lists with its age, so that two of them do not keep alive what nobody offers', async () => {
    const world = new World()
    const [a, b] = [world.registry(), world.registry()]
    const offering = world.registry()
    await world.run(offering.offerTo(world.idOf(a), manifestOf(5)))
    const learn = async (): Promise<void> => {
      await world.run(b.learnFrom(world.idOf(a)))
      await world.run(a.learnFrom(world.idOf(b)))
    }
    await learn()
    expect(b.runs().map(({ run }) => run)).to.deep.equal([runOf(5)])
    for (let step = 0; step < 4; step++) {
      await world.clock.advance(OFFERED_RUN_TTL_MS / 4 - 5_000)
      await learn()
    }
    expect([...a.runs(), ...b.runs()], 'still there, just before it expires').to.have.length(2)
    await world.clock.advance(25_000)
    await learn()
    expect([...a.runs(), ...b.runs()]).to.deep.equal([])
  })

  it('learns nothing that is no list with ages, and does not give up what others offered for it', async () => {
    const world = new World()
    const full = world.registry()
    for (let n = 0; n < OFFERED_RUNS_MAX; n += OFFERED_RUNS_PER_PEER) {
      const offering = world.registry()
      for (let i = n; i < n + OFFERED_RUNS_PER_PEER; i++)
        await world.run(offering.offerTo(world.idOf(full), manifestOf(i)))
    }
    const network = world.join()
    network.serve(RUNS_PROTOCOL, 1000, async function* () {
      yield new TextEncoder().encode('not a request of this protocol')
      yield lengthPrefixed(manifestOf(500), 'young')
      yield lengthPrefixed(new TextEncoder().encode('unsigned'), '0')
      yield lengthPrefixed(manifestOf(501), '999999')
      yield lengthPrefixed(manifestOf(502), '0')
    })
    const empty = world.registry()
    await world.run(empty.learnFrom(network.peerId))
    expect(empty.runs().map(({ run }) => run)).to.deep.equal([runOf(502)])
    await world.run(full.learnFrom(network.peerId))
    expect(full.runs()).to.have.length(OFFERED_RUNS_MAX)
    expect(full.runs().map(({ run }) => run)).not.to.include(runOf(502))
  })

  it('leaves out what does not pass when it asks a peer that lists anything', async () => {
    const world = new World()
    const network = world.join()
    network.serve(RUNS_PROTOCOL, 1000, async function* () {
      yield new TextEncoder().encode('unsigned')
      for (let n = 0; n < 10 * OFFERED_RUNS_MAX; n++) yield manifestOf(n % 2)
    })
    const found = await world.run(world.registry().ask(network.peerId))
    expect(found.map(({ run }) => run)).to.deep.equal([runOf(0), runOf(1)])
  })
})

class World {
  readonly clock = new VirtualClock()
  readonly verdicts: string[] = []
  readonly sim = createSimWorld({
    clock: this.clock,
    seed: 3,
    onVerdict: (_, receiver, _topic, verdict) => this.verdicts.push(`${receiver} ${verdict}`)
  })
  readonly #ids = new Map<RunRegistry, string>()
  network: SimNetwork
  #coordinator: Coordinator
  #count = 0

  constructor() {
    this.network = this.join()
    this.#coordinator = this.#coordinate()
  }

  join(): SimNetwork {
    return this.sim.join(peerIdOf(new Uint8Array(32).fill(++this.#count)))
  }

  registry(): RunRegistry {
    const network = this.join()
    const registry = new RunRegistry({ network, clock: this.clock, validateManifest })
    this.#ids.set(registry, network.peerId)
    return registry
  }

  idOf(registry: RunRegistry): string {
    return this.#ids.get(registry)!
  }

  restart(id: string): void {
    this.#coordinator.close()
    this.network = this.sim.join(id)
    this.#coordinator = this.#coordinate()
  }

  listed(): string[] {
    return this.#coordinator.status().runs.map(({ run }) => run)
  }

  async run<T>(work: Promise<T>): Promise<T> {
    let done = false
    const marked = work.finally(() => {
      done = true
    })
    marked.catch(() => {})
    expect(await this.clock.runUntil(() => done, 100_000), 'the work ends').to.equal(true)
    return marked
  }

  #coordinate(): Coordinator {
    return createCoordinator({ network: this.network, clock: this.clock, validateManifest, log: () => {} })
  }
}

async function failure(work: Promise<unknown>): Promise<ProtocolError> {
  const error = await work.then(
    () => expect.fail('expected a failure'),
    error => error
  )
  expect(error).to.be.instanceOf(ProtocolError)
  return error
}
