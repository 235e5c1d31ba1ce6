/** The audit at length: both kinds of noise, several rounds, the count of the unclipped, and runs that train. */
import { expect } from 'chai'
import { auditEpsilon } from '../support/privacy-audit.ts'
import { type AuditSetting, accountedEpsilon, auditedRuns, type Planted } from '../support/private-rounds.ts'
import { trainedEpsilon, trainedManifest, trainedRuns } from '../support/private-training.ts'

const DELTA = 0.01
const ALPHA = 1e-5

function check(accounted: number, measured: (planted: Planted) => number, atLeast: number): void {
  const honest = measured('nothing')
  expect(honest, `measured beside ${accounted} accounted`).to.be.within(atLeast * accounted, accounted)
  expect(measured('halved'), 'halved').to.be.above(accounted)
  expect(measured('off'), 'off').to.be.above(accounted)
}

const settings: ReadonlyArray<readonly [string, AuditSetting]> = [
  [
    'Skellam, one round, one coordinate',
    {
      noise: 'skellam',
      method: 'table',
      noiseMultiplier: 1,
      dimension: 1,
      members: 4,
      rounds: 1,
      sideBound: null
    }
  ],
  [
    'Skellam, four rounds, strong noise',
    {
      noise: 'skellam',
      method: 'table',
      noiseMultiplier: 3,
      dimension: 12,
      members: 10,
      rounds: 4,
      sideBound: null
    }
  ],
  [
    'discrete Gaussian, exact, two rounds',
    {
      noise: 'discrete-gaussian',
      method: 'exact',
      noiseMultiplier: 1.5,
      dimension: 5,
      members: 7,
      rounds: 2,
      sideBound: null
    }
  ],
  [
    'Skellam with a dear count of the unclipped',
    {
      noise: 'skellam',
      method: 'table',
      noiseMultiplier: 1.5,
      dimension: 4,
      members: 7,
      rounds: 1,
      sideBound: 1
    }
  ]
]

describe('the audit of the noise, at length', function () {
  this.timeout(180_000)

  for (const [i, [what, setting]] of settings.entries()) {
    it(`stays below what is accounted, and above it with the noise halved or off: ${what}`, () => {
      check(
        accountedEpsilon(setting, DELTA),
        planted => auditEpsilon(auditedRuns(setting, planted, 30_000, 100 + i), DELTA, ALPHA).epsilonAtLeast,
        0.5
      )
    })
  }

  for (const [mechanism, rounds, noiseMultiplier] of [
    ['skellam', 1, 1],
    ['discrete-gaussian', 3, 2]
  ] as const) {
    it(`of runs that train with and without one member: ${mechanism}, ${rounds} rounds`, () => {
      const manifest = trainedManifest({ mechanism, noiseMultiplier, epsilon: 100, delta: DELTA }, rounds)
      check(
        trainedEpsilon(manifest),
        planted => auditEpsilon(trainedRuns(manifest, planted, 20_000, 7), DELTA, ALPHA).epsilonAtLeast,
        0.45
      )
    })
  }
})
