import { expect } from 'chai'
import { seededRandom } from '../../aggregation/random.ts'
import { Churn } from '../support/churn.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { expectEveryRound, expectNobodyExpelled, expectOneChain, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const FOUNDERS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6']
const FRESH = ['p7', 'p8', 'p9']
const COORDINATORS = ['north', 'south']
const ROUNDS = 30
/** After so many links a coordinator dies, in turn, and is started again. */
const COORDINATOR_LIVES = 7
/** At least so many times. */
const WAYS = [
  ['joins', FRESH.length],
  ['comes back', 5],
  ['SIGINT', 4],
  ['SIGKILL', 4],
  ['is killed, and started again', 4]
] as const
const SEED = 20_260_502

/** With each link of the chain somebody comes or goes, as far as a quorum of the members stays. */
describe('a run of 30 rounds with peers that come and go all the time', function () {
  this.timeout(900_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: FOUNDERS.length, steps: 10 })
  const random = seededRandom(SEED)
  const coordinators = new Map<string, Program>()
  let run: string | null = null
  const churn = new Churn([...FOUNDERS, ...FRESH], random, name => {
    const program = network.join(name, run ?? network.at('run.yaml'), '--linger', '600')
    program.on(event => event.event === 'link' && take(event))
    void program.ended.then(how => {
      if (churn.living.includes(program)) fail(new Error(`${name} ended with ${how}:\n${program.stderr}`))
    })
    return program
  })
  let height = 0
  let fail: (error: Error) => void
  let reached: () => void
  const isReached = new Promise<void>((resolve, reject) => {
    reached = resolve
    fail = reject
  })
  isReached.catch(() => {})

  before(async () => {
    console.log(`      seed ${SEED}`)
    await network.prepare([...FOUNDERS, ...FRESH], FOUNDERS[0]!)
    for (const name of COORDINATORS) coordinators.set(name, await network.bootstrap(name))
    const founders = FOUNDERS.map(name => churn.come(name))
    run = String((await founders[0]!.waitFor('run'))['run'])
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  /** What anybody tells first of a link is when it was made. */
  function take(link: ProgramEvent): void {
    if (Number(link['height']) <= height) return
    height = Number(link['height'])
    if (Number(link['completedRounds']) >= ROUNDS) return reached()
    churn.step(link)
    if (height % COORDINATOR_LIVES === 0) restartCoordinator().catch(fail)
  }

  async function restartCoordinator(): Promise<void> {
    const name = COORDINATORS[(height / COORDINATOR_LIVES) % COORDINATORS.length]!
    churn.deeds.push(`${height}: ${name} is killed, and started again`)
    await coordinators.get(name)!.kill()
    coordinators.set(name, await network.bootstrap(name))
  }

  it('comes to the end of every round', async () => {
    await isReached
    await churn.allCome()
    await untilOneEnd(churn.living, ROUNDS)
    expect(churn.living).to.have.length(FOUNDERS.length + FRESH.length)
    console.log(churn.deeds.map(deed => `      ${deed}`).join('\n'))
  })

  it('had them come and go in every way, and everyone take part', async () => {
    for (const [way, least] of WAYS) {
      expect(churn.deeds.filter(deed => deed.includes(way)).length, way).to.be.at.least(least)
    }
    const inputs = churn.programs
      .flatMap(program => program.named('link'))
      .flatMap(link => link['survivors'] as string[])
    expect(new Set(inputs).size).to.equal(FOUNDERS.length + FRESH.length)
    const asked = churn.left.filter(({ signal }) => signal === 'SIGINT')
    const ends = await Promise.all(asked.map(({ program }) => program.ended))
    expect(new Set(ends), 'how those ended that were asked to').to.deep.equal(new Set([1]))
  })

  it('has certified each, or restarted it with a reason, in one chain, and expelled nobody', () => {
    const restarts = expectEveryRound(churn.programs, ROUNDS)
    expectOneChain(churn.programs)
    expectNobodyExpelled(churn.programs)
    for (const text of restarts) console.log(`      ${text}`)
  })

  it('has lost nothing: whoever came back had the chain that it had left with', () => {
    const back = churn.lives.filter(({ keptHeight }) => keptHeight !== null)
    expect(back).not.to.deep.equal([])
    for (const { name, program, keptHeight } of back) {
      expect(program.named('run')[0], name).to.include({ source: 'folder' })
      const first = program.events.find(({ event }) => event === 'link' || event === 'caught-up')!
      const links = first.event === 'link' ? 1 : Number(first['links'])
      expect(Number(first['height']) - links, `${name}: what it began with`).to.be.at.least(keptHeight!)
    }
    console.log(`      ${back.length} came back; ${churn.lives.length} processes in all`)
  })

  it('tells what was refused', () => {
    const refused = churn.programs.flatMap(program =>
      program.named('refused').map(({ what, reason }) => `${what}: ${reason}`)
    )
    const counts = new Map<string, number>()
    for (const text of refused) counts.set(text, (counts.get(text) ?? 0) + 1)
    for (const [text, times] of counts) console.log(`      ${times} times: ${text}`)
    expect(churn.programs.flatMap(program => program.named('blamed'))).to.deep.equal([])
  })
})
