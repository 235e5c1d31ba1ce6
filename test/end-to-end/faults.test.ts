import { expect } from 'chai'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { rankMembers } from '../../protocols/election.ts'
import { fromHex } from '../../protocols/hex.ts'
import { faultsOf } from '../../protocols/quorum.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

const FOUNDERS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']
const LATE = 'late'
const ROUNDS = 6

/**
 * Seven peers and a bootstrap, each an operating-system process on loopback TCP. The rounds are steered by what the
 * processes say and by SIGSTOP, never by waiting: a stopped member keeps a round open for as long as is needed.
 */
describe('a run of separate processes', function () {
  this.timeout(180_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: FOUNDERS.length, steps: 80 })
  const peers = new Map<string, Program>()
  /** Every process there ever was, with the name of its peer. */
  const lives: Array<{ readonly name: string; readonly program: Program }> = []
  let bootstrap: Program
  /** The member that keeps the round between two tests open. */
  let heldBy: Program

  const all = (): Program[] => [...peers.values()]
  const idOf = (program: Program): unknown => program.named('listening')[0]?.['peer']
  const nameOf = (program: Program): string => [...peers].find(([, other]) => other === program)![0]

  function start(name: string): Program {
    const program = network.join(name, network.at('run.yaml'))
    peers.set(name, program)
    lives.push({ name, program })
    return program
  }

  before(async () => {
    await network.prepare([...FOUNDERS, LATE], FOUNDERS[0]!)
    bootstrap = await network.bootstrap()
    for (const name of FOUNDERS) start(name)
    await Promise.all(all().map(program => program.waitFor('founded')))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  /** The living peers by their rank in a round, which follows from the chain: the aggregator first. */
  async function rankedIn(round: number): Promise<Program[]> {
    const tip =
      round === 0
        ? await all()[0]!.waitFor('founded')
        : await Promise.any(all().map(program => program.waitFor('link', { height: round })))
    const ids = rankMembers(
      tip['members'] as string[],
      fromHex(String(tip['beacon']))!,
      0,
      nodeCrypto().sha256
    )
    return ids.map(id => all().find(program => program.isRunning && idOf(program) === id)).filter(isThere)
  }

  /** Stops a member at its local training, so that its masked input cannot come and the round stays open. */
  async function hold(member: Program, round: number): Promise<void> {
    await member.waitFor('phase', { round, phase: 'LocalTraining' })
    member.signal('SIGSTOP')
  }

  /** Resolves once f + 1 others say that they hold the masked input of a member. */
  async function untilHeld(owner: Program, round: number, others: readonly Program[]): Promise<void> {
    await owner.waitFor('phase', { round, phase: 'MaskedInputCollection' })
    let holders = 0
    const enough = faultsOf(FOUNDERS.length) + 1
    await new Promise<void>((resolve, reject) => {
      for (const program of others) {
        program
          .waitFor('input-held', { round, peer: idOf(owner) })
          .then(() => ++holders === enough && resolve(), reject)
      }
    })
  }

  /**
   * Kills a member after its masked input is in others' hands and before anything is decided about it. The round must
   * end all the same, in the same attempt, with that input in the sum.
   */
  async function killInRound(round: number, victim: Program, holder: Program): Promise<void> {
    await hold(holder, round)
    const others = all().filter(program => program !== victim && program !== holder)
    await untilHeld(victim, round, others)
    await victim.kill()
    const opened = others.flatMap(program => program.named('phase')).filter(isUnmasking(round))
    expect(opened, 'the sum was not to be open yet').to.deep.equal([])
    holder.signal('SIGCONT')
    const living = [...others, holder]
    const links = await Promise.all(living.map(program => program.waitFor('link', { height: round + 1 })))
    for (const link of links) {
      expect(link).to.include({ kind: 'result', round, attempt: 0 })
      expect(link['survivors']).to.include(idOf(victim)).and.have.length(FOUNDERS.length)
    }
  }

  /** Resolves once a peer has so many links: pulled from others, or the last of them heard like everyone's. */
  async function hasChain(program: Program, links: number): Promise<void> {
    const isLongEnough = ({ height }: ProgramEvent): boolean => Number(height) >= links
    await Promise.any(['caught-up', 'link'].map(name => program.waitFor(name, {}, isLongEnough)))
  }

  /** Starts a killed peer again on its folder, and keeps the round open until it has the chain of the others. */
  async function restartInRound(round: number, name: string): Promise<Program> {
    // Nobody asks the last in rank for what others should have: its silence slows nothing else down.
    const holder = (await rankedIn(round)).at(-1)!
    const held = hold(holder, round)
    const program = start(name)
    await held
    await hasChain(program, round)
    return holder
  }

  it('certifies the same attempt when a member dies after its masked input is out', async () => {
    const [victim, holder] = (await rankedIn(0)).slice(-2) as [Program, Program]
    await killInRound(0, victim, holder)
    const other = await restartInRound(1, nameOf(victim))
    other.signal('SIGCONT')
  })

  it('certifies the same attempt when the elected aggregator dies', async () => {
    const ranked = await rankedIn(2)
    const victim = ranked[0]!
    const phase = await victim.waitFor('phase', { round: 2, phase: 'AdvertiseKeys' })
    expect(phase['aggregator'], 'everyone can recompute who is elected').to.equal(idOf(victim))
    await killInRound(2, victim, ranked.at(-1)!)
    heldBy = await restartInRound(3, nameOf(victim))
  })

  it('goes on while the bootstrap is dead', async () => {
    await bootstrap.kill()
    heldBy.signal('SIGCONT')
    const wholeTime = all().filter(program => program.named('founded').length === 1)
    const links = await Promise.all(wholeTime.map(program => program.waitFor('link', { height: 4 })))
    expect(links).to.have.length.at.least(FOUNDERS.length - 2)
    for (const link of links) expect(link).to.include({ kind: 'result', round: 3, attempt: 0 })
  })

  it('takes in a late peer through the restarted bootstrap, and all come to one state', async () => {
    const holder = (await rankedIn(4)).at(-1)!
    const held = hold(holder, 4)
    bootstrap = await network.bootstrap()
    const late = start(LATE)
    await held
    await hasChain(late, 4)
    holder.signal('SIGCONT')
    const ends = await Promise.all(all().map(program => program.waitFor('done')))
    const [first] = ends as [ProgramEvent]
    expect(first).to.include({ completedRounds: ROUNDS, height: ROUNDS })
    for (const end of ends) {
      expect(end['stateSha256']).to.equal(first['stateSha256'])
      expect(end['linkSha256']).to.equal(first['linkSha256'])
    }
  })

  it('leaves one chain: every process saw the same link at every height, and no attempt was given up', () => {
    const byHeight = new Map<number, Map<unknown, string[]>>()
    for (const { name, program } of lives) {
      for (const { height, linkSha256 } of [...program.named('link'), ...program.named('caught-up')]) {
        const seen = byHeight.get(Number(height)) ?? new Map<unknown, string[]>()
        seen.set(linkSha256, [...(seen.get(linkSha256) ?? []), name])
        byHeight.set(Number(height), seen)
      }
    }
    expect([...byHeight.keys()].sort()).to.deep.equal([1, 2, 3, 4, 5, 6])
    for (const [height, seen] of byHeight) {
      expect([...seen.values()], `links at height ${height}`).to.have.length(1)
      // Whoever was killed in a round learns of its link from the others.
      expect(new Set([...seen.values()][0]).size).to.be.at.least(FOUNDERS.length - 1)
    }
    const kinds = lives.flatMap(({ program }) =>
      program.named('link').map(({ kind, attempt }) => `${kind} ${attempt}`)
    )
    expect(new Set(kinds)).to.deep.equal(new Set(['result 0']))
  })

  it('stops cleanly at Ctrl-C', async () => {
    for (const program of [bootstrap, ...all()]) program.signal('SIGINT')
    expect(await Promise.all([bootstrap, ...all()].map(({ ended }) => ended))).to.deep.equal(
      new Array(FOUNDERS.length + 2).fill(0)
    )
  })
})

function isThere(program: Program | undefined): program is Program {
  return program !== undefined
}

function isUnmasking(round: number): (event: ProgramEvent) => boolean {
  return event => event['round'] === round && event['phase'] === 'Unmasking'
}
