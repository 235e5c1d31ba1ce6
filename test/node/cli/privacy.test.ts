import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { runHere } from '../../support/cli-here.ts'

interface Vectors {
  readonly epsilon: ReadonlyArray<{
    q: number
    sigma: number
    steps: number
    delta: number
    rdp: number
    pld: number
  }>
  readonly opacusCalibration: { epsilon: number; delta: number; q: number; steps: number; sigma: number }
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as Vectors

const privacy = (...flags: Array<string | number>) => runHere(['privacy', ...flags.map(String)])

const usual = ['--rounds', 20, '--cohort', 14, '--delta', 1e-5]

async function eventOf(...flags: Array<string | number>): Promise<Record<string, unknown>> {
  const { exitCode, events, stderr } = await privacy(...flags, '--json')
  expect(exitCode, stderr).to.equal(0)
  expect(events).to.have.length(1)
  return events[0]!
}

function closeTo(got: unknown, expected: number, relative: number): void {
  expect(Math.abs(Number(got) / expected - 1), `${got} beside ${expected}`).to.be.at.most(relative)
}

describe('privacy', () => {
  for (const { q, sigma, steps, delta, rdp, pld } of vectors.epsilon) {
    it(`prints the reference epsilon of sampling rate ${q}, noise ${sigma}, ${steps} rounds`, async () => {
      const flags = ['--rounds', steps, '--noise', sigma, '--cohort', 20, '--delta', delta]
      const sampled = q === 1 ? [] : ['--sampling-rate', q]
      const event = await eventOf(...flags, ...sampled)
      expect(event).to.include({ event: 'done', delta, bound: 'rdp', mechanism: 'gaussian', rounds: steps })
      closeTo(event['epsilon'], rdp, 1e-3)
      // The bound itself is tested beside its source.
      if (steps > 100) return
      const tight = await eventOf(...flags, ...sampled, '--bound', 'pld')
      expect(tight['bound']).to.equal('pld')
      closeTo(tight['epsilon'], pld, 1e-3)
    })
  }

  it('finds the noise of an epsilon, rounded up so that it is kept', async () => {
    const { epsilon, delta, q, steps, sigma } = vectors.opacusCalibration
    const flags = ['--rounds', steps, '--cohort', 20, '--delta', delta, '--sampling-rate', q]
    const event = await eventOf(...flags, '--epsilon', epsilon)
    closeTo(event['noiseMultiplier'], sigma, 1e-3)
    expect(event['epsilon']).to.be.within(0.999 * epsilon, epsilon)
  })

  for (const flags of [
    ['--bound', 'pld'],
    ['--dimension', 500],
    ['--dimension', 29_000, '--mechanism', 'discrete-gaussian', '--ring-bits', 20],
    ['--bound', 'pld', '--sampling-rate', 0.3, '--rounds', 2]
  ]) {
    it(`finds the noise of epsilon 6 with ${flags.join(' ')}, and gives 6 for it back`, async () => {
      const solved = await eventOf(...usual, '--epsilon', 6, ...flags)
      expect(solved['epsilon']).to.be.within(5.99, 6)
      const again = await eventOf(...usual, '--noise', String(solved['noiseMultiplier']), ...flags)
      expect(again['epsilon']).to.equal(solved['epsilon'])
      const less = Number(solved['noiseMultiplier']) * (1 - 3e-4)
      expect((await eventOf(...usual, '--noise', less, ...flags))['epsilon']).to.be.above(6)
    })
  }

  it('counts Skellam noise in the ring as soon as it knows the dimension', async () => {
    const event = await eventOf(...usual, '--noise', 3, '--dimension', 29_000, '--clip', 0.1)
    const gaussian = await eventOf(...usual, '--noise', 3)
    expect(event['mechanism']).to.equal('skellam')
    expect(Number(event['epsilon'])).to.be.within(
      Number(gaussian['epsilon']),
      1.05 * Number(gaussian['epsilon'])
    )
    expect(event['ring']).to.include({ bits: 16 })
    // Noise norm over clip norm on the mean, 14 members of whom at least 10 survive and 4 may collude.
    closeTo(event['noiseToClip'], 3 * Math.sqrt(29_000 / (14 * 6)), 1e-12)
  })

  it('knows what colluders cost: every share grows, the epsilon stays', async () => {
    const few = await eventOf(...usual, '--noise', 3, '--colluders', 0)
    const many = await eventOf(...usual, '--noise', 3, '--colluders', 8)
    expect(few).to.include({ honestShares: 10, threshold: 10 })
    expect(many).to.include({ honestShares: 2, epsilon: few['epsilon'] })
    closeTo(many['shareOverClip'], 3 / Math.sqrt(2), 1e-12)
    expect(String(few['warnings'])).to.contain('outsiders only')
    expect(many['warnings']).to.deep.equal([])
  })

  it('tells a person what it means and what it is worth', async () => {
    const { stdout, stderr, exitCode } = await privacy(...usual, '--noise', 5, '--dimension', 29_000)
    expect(exitCode).to.equal(0)
    expect(stderr).to.equal('')
    const text = stdout.replace(/\s+/g, ' ')
    expect(text).to.match(/^epsilon 4\.\d+ at delta 0\.00001 \(one in 100,000\), after 20 rounds/)
    expect(text).to.match(/the guess is right at most 98\.\d% of the time/)
    expect(text).to.contain('4 of the 14 members tell all they know')
    expect(text).to.contain('fewer than 100')
    expect(text).to.contain('the noise is 92.9 times as long as the longest change of one member')
    expect(text).to.contain('expect little or nothing to be learnt')
    expect(text).to.contain('An upper bound, by the Rényi differential privacy of Skellam noise.')
    for (const line of stdout.split('\n')) expect(line.length).to.be.at.most(100)
  })

  it('says nothing of few clients where there are many', async () => {
    const { stdout, stderr } = await privacy('--rounds', 5, '--cohort', 5000, '--delta', 1e-7, '--noise', 1)
    expect(stdout).not.to.contain('fewer than 100')
    expect(stderr.replace(/\s+/g, ' ')).to.contain('cohorts of at most 64')
  })

  it('warns of a weak epsilon, a large delta and a sample that is no secret', async () => {
    const weak = await privacy(...usual, '--noise', 0.5)
    expect(weak.stderr).to.contain('promises next to nothing')
    const large = await privacy('--rounds', 1, '--cohort', 20, '--delta', 0.01, '--noise', 4)
    expect(large.stderr).to.contain('Take at most 0.0005')
    const sampled = await eventOf(...usual, '--noise', 5, '--sampling-rate', 0.1)
    expect(String(sampled['warnings'])).to.contain('against them epsilon is 4.162')
    closeTo(sampled['epsilonUnsampled'], 4.16162, 1e-5)
  })

  for (const [what, flags, expected] of [
    ['neither noise nor epsilon', usual, /either --noise.*or --epsilon/],
    ['both', [...usual, '--noise', 1, '--epsilon', 2], /either --noise.*or --epsilon/],
    ['no delta', ['--rounds', 1, '--cohort', 9, '--noise', 1], /--delta/],
    ['a cohort of three', ['--rounds', 1, '--cohort', 3, '--noise', 1, '--delta', 1e-5], /from 4 to/],
    ['a delta of 1', ['--rounds', 1, '--cohort', 9, '--noise', 1, '--delta', 1], /from 1e-30 to 0.5/],
    ['too many colluders', [...usual, '--noise', 1, '--colluders', 9], /--colluders 9.*Give at most 8/],
    ['Skellam of no dimension', [...usual, '--noise', 1, '--mechanism', 'skellam'], /Add --dimension/],
    ['a ring of no dimension', [...usual, '--noise', 1, '--ring-bits', 20], /together with --dimension/],
    ['a ring too narrow', [...usual, '--noise', 9, '--dimension', 1_000_000], /--ring-bits: .*What would do/],
    ['PLD of Skellam', [...usual, '--noise', 1, '--dimension', 9, '--bound', 'pld'], /--mechanism gaussian/],
    [
      'a sample of Skellam',
      [...usual, '--noise', 1, '--dimension', 9, '--mechanism', 'skellam', '--sampling-rate', 0.5],
      /everyone sees who takes part/
    ],
    ['an unknown mechanism', [...usual, '--noise', 1, '--mechanism', 'laplace'], /Allowed choices/]
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { exitCode, stderr, stdout } = await privacy(...flags)
      expect(exitCode).to.equal(2)
      expect(stderr).to.match(expected)
      expect(stdout).to.equal('')
    })
  }

  it('shows examples', async () => {
    const { stdout, exitCode } = await privacy('--help')
    expect(exitCode).to.equal(0)
    expect(stdout).to.contain('$ fedpeft-node privacy --rounds 20 --noise 5 --cohort 14 --delta 1e-5')
  })
})
