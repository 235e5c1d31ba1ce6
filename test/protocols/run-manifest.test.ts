import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../protocols/errors.ts'
import { toHex } from '../../protocols/hex.ts'
import { quorumOf } from '../../protocols/quorum.ts'
import {
  canonicalManifest,
  colludersOf,
  type ManifestProblem,
  parseManifest,
  runId
} from '../../protocols/run-manifest.ts'
import { arbitraryManifest, leastManifest, numberedPeer, reordered } from '../support/manifests.ts'

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

function refusal(given: unknown): ProtocolError {
  try {
    parseManifest(given)
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError)
    return error as ProtocolError
  }
  throw new Error(`not refused: ${JSON.stringify(given)}`)
}

function problems(given: unknown): readonly ManifestProblem[] {
  const error = refusal(given)
  expect(error.code).to.equal('BAD_MANIFEST')
  return error.data['problems'] as ManifestProblem[]
}

/** The least manifest with one value set, or made, at a dotted path. */
function withValue(path: string, value: unknown): Record<string, unknown> {
  const manifest = structuredClone(leastManifest) as Record<string, unknown>
  const keys = path.split('.')
  let at = manifest
  for (const key of keys.slice(0, -1)) {
    at[key] ??= {}
    at = at[key] as Record<string, unknown>
  }
  at[keys.at(-1)!] = value
  return manifest
}

describe('run manifest', () => {
  it('fills every field of the least manifest and keeps what it was given', () => {
    const manifest = parseManifest(leastManifest)
    expect(manifest).to.include({ name: 'a run', formatVersion: '1.1', strategy: 'rolora', rounds: 8 })
    expect(manifest.cohort).to.deep.equal({
      founders: 4,
      size: 16,
      larger: 'draw',
      fanIn: 32,
      allowThree: false,
      attempts: 8
    })
    expect(manifest.serverOptimizer).to.deep.equal({ name: 'fedavg', learningRate: 1 })
    expect(manifest.privacy).to.deep.equal({ mechanism: 'none' })
  })

  const stable: Array<[string, string, RegExp]> = [
    [
      '1.0',
      '07ffb3050ea36407d80636ac86e689c4320abfcb9c57680523f16792923f1d26',
      /^\{"adapter":\{"alpha":8,"kind":"lora","rank":8,"seed":1,"targetModules":"all-linear"\},/
    ],
    [
      '1.1',
      'cee3df206c07599b32d3fc3ed5301e3e1296abbb5cbfcecdda16f071fdd28953',
      /^\{"adapter":\{"alpha":8,"dropout":0,"kind":"lora","rank":8,"rankStabilized":false,"seed":1,/
    ]
  ]
  for (const [formatVersion, id, beginning] of stable) {
    it(`is stable: format ${formatVersion} gives these bytes and this run id for ever`, () => {
      const manifest = parseManifest({ ...leastManifest, formatVersion })
      const text = new TextDecoder().decode(canonicalManifest(manifest))
      expect(text).to.match(beginning)
      expect(text).not.to.match(/[\s]"|":\s/)
      expect(toHex(runId(manifest, sha256))).to.equal(id)
    })
  }

  it('is read again as itself, whatever the order of its keys', () => {
    fc.assert(
      fc.property(arbitraryManifest(), given => {
        const manifest = parseManifest(given)
        expect(parseManifest(manifest)).to.deep.equal(manifest)
        const again = parseManifest(JSON.parse(new TextDecoder().decode(canonicalManifest(manifest))))
        expect(again).to.deep.equal(manifest)
        expect(canonicalManifest(parseManifest(reordered(given)))).to.deep.equal(canonicalManifest(manifest))
      })
    )
  })

  it('has another run id when any one field differs', () => {
    const changes: Array<[string, unknown]> = [
      ['name', 'b'],
      ['author', numberedPeer(2)],
      ['model.sha256', 'cd'.repeat(32)],
      ['adapter.seed', 2],
      ['training.learningRate', 0.0030000000000000001 + 1e-12],
      ['training.stepSchedule', 'cosine'],
      ['training.warmupSteps', 1],
      ['training.optimizer', 'sgd'],
      ['training.momentum', 0],
      ['training.proximalMu', 0.01],
      ['rounds', 9],
      ['cohort.size', 17],
      ['deadlines.viewMs', 30_001],
      ['strategy', 'ffa'],
      ['serverOptimizer', { name: 'fedadam' }],
      ['secureSum.colluders', 1],
      ['secureSum.verifiers', 4],
      ['secureSum.verifiers', 'everyone'],
      ['secureSum.randomK', 0.1],
      ['secureSum.ringBits', 20],
      ['admission', { kind: 'list', peers: [1, 2, 3, 4].map(numberedPeer) }]
    ]
    const ids = changes.map(([path, value]) => toHex(runId(parseManifest(withValue(path, value)), sha256)))
    ids.push(toHex(runId(parseManifest(leastManifest), sha256)))
    expect(new Set(ids).size).to.equal(changes.length + 1)
  })

  const impossible: Array<[string, unknown]> = [
    ['name', ''],
    ['name', 'a\u001b[31mb'],
    ['author', 'Qmabc'],
    ['model.sha256', 'AB'.repeat(32)],
    ['training.optimizer', 'adam'],
    ['training.momentum', 1],
    ['training.warmupSteps', -1],
    ['training.warmupSteps', 12],
    ['training.stepSchedule', 'linear'],
    ['training.proximalMu', -0.1],
    ['adapter.kind', 'ia3'],
    ['adapter.rank', 0],
    ['adapter.rank', 1.5],
    ['adapter.alpha', Number.NaN],
    ['adapter.targetModules', []],
    ['adapter.targetModules', ['q_proj', 'q_proj']],
    ['adapter.seed', -1],
    ['training.steps', '12'],
    ['training.batchSize', null],
    ['training.learningRate', Number.POSITIVE_INFINITY],
    ['training.learningRate', 0],
    ['training.schedule', 'linear'],
    ['training.weightDecay', 1],
    ['rounds', 0],
    ['cohort.size', 65],
    ['cohort.founders', 2],
    ['cohort.allowThree', 'yes'],
    ['deadlines.keysMs', 1],
    ['strategy', 'fedsa'],
    ['serverOptimizer.name', 'fedyogi'],
    ['secureSum.ringBits', 24],
    ['secureSum.randomK', 0],
    ['secureSum.randomK', 1.01],
    ['secureSum.clipNorm', 0],
    ['secureSum.maxWeight', 3],
    ['secureSum.colluders', -1],
    ['secureSum.verifiers', 'some'],
    ['secureSum.verifiers', 3],
    ['secureSum.verifiers', 65],
    ['secureSum.verifiers', 4.5],
    ['privacy.mechanism', 'laplace'],
    ['admission.kind', 'closed'],
    ['training', 12]
  ]
  for (const [path, value] of impossible) {
    it(`refuses ${path} = ${typeof value === 'number' ? value : JSON.stringify(value)}, naming the path, the value and what is allowed`, () => {
      const [problem, ...others] = problems(withValue(path, value))
      expect(others).to.deep.equal([])
      expect(problem!.path).to.equal(path)
      expect(problem!.got).to.equal(typeof value === 'number' ? String(value) : JSON.stringify(value))
      // The words are ours, not the schema library's.
      expect(problem!.allowed).not.to.match(/^(Invalid|Expected|Too|Unrecognized)/)
      expect(refusal(withValue(path, value)).message).to.contain(problem!.allowed)
    })
  }

  it('names everything that is wrong at once', () => {
    expect(problems({ rounds: 0, adapter: { rank: -1 } }).map(problem => problem.path)).to.have.members([
      'rounds',
      'adapter.rank',
      'name',
      'author',
      'model'
    ])
  })

  it('refuses an unknown key in any section by name', () => {
    const sections = [
      '',
      'model.',
      'adapter.',
      'training.',
      'cohort.',
      'deadlines.',
      'secureSum.',
      'privacy.'
    ]
    fc.assert(
      fc.property(fc.constantFrom(...sections), fc.stringMatching(/^x[a-z]{0,8}$/), (section, key) => {
        const found = problems(withValue(section + key, 1)).find(problem => problem.path === section + key)
        expect(found?.allowed).to.match(/^no such field/)
      })
    )
  })

  const slips: Array<[string, string]> = [
    ['Rounds', 'rounds'],
    ['training.learning_rate', 'training.learningRate'],
    ['training.batchsize', 'training.batchSize'],
    ['rank', 'adapter.rank'],
    ['adapter.targetModule', 'adapter.targetModules'],
    ['stratgey', 'strategy'],
    ['secureSum.clip', 'secureSum.clipNorm']
  ]
  for (const [slip, meant] of slips) {
    it(`asks for ${slip}: did you mean ${meant}?`, () => {
      expect(refusal(withValue(slip, 1)).message).to.contain(`did you mean ${meant}?`)
    })
  }

  it('refuses what is no section at all', () => {
    for (const given of [null, undefined, 3, 'text', []]) {
      expect(problems(given)[0]!.path).to.equal('')
    }
  })
})

describe('run manifest: version', () => {
  it('takes part one minor version apart and says the command to upgrade otherwise', () => {
    for (const formatVersion of ['1.0', '1.1', '1.2']) {
      expect(parseManifest({ ...leastManifest, formatVersion }).formatVersion).to.equal(formatVersion)
    }
    for (const formatVersion of ['1.3', '2.0', '0.9']) {
      const error = refusal({ ...leastManifest, formatVersion })
      expect(error.code).to.equal('VERSION')
      expect(error.message).to.contain(formatVersion).and.to.contain('npm install fedpeft@latest')
    }
  })

  it('does not skip a field that a later version may have added', () => {
    const error = refusal({ ...leastManifest, formatVersion: '1.2', rotation: true })
    expect(error.message).to.contain('rotation').and.to.contain('npm install fedpeft@latest')
    expect(refusal({ ...leastManifest, formatVersion: '1.0', rotation: true }).message).not.to.contain('npm')
  })

  it('refuses a field that the version of the manifest does not have, unless it says what went without saying', () => {
    const later: Array<[string, unknown]> = [
      ['adapter.kind', 'prefix'],
      ['adapter.dropout', 0.1],
      ['training.optimizer', 'sgd'],
      ['training.proximalMu', 0.01],
      ['secureSum.verifiers', 16],
      ['secureSum.randomK', 0.5],
      ['secureSum.ringBits', 20]
    ]
    for (const [path, value] of later) {
      const given = { strategy: 'fedit', ...withValue(path, value) }
      expect(parseManifest(given).formatVersion).to.equal('1.1')
      const found = problems({ ...given, formatVersion: '1.0' })
      expect(found.map(problem => problem.path)).to.deep.equal([path])
      expect(found[0]!.allowed).to.contain('formatVersion "1.1"')
    }
    const spelt = withValue('training.optimizer', 'adamw')
    const [a, b] = [spelt, leastManifest].map(given =>
      canonicalManifest(parseManifest({ ...given, formatVersion: '1.0' }))
    )
    expect(a).to.deep.equal(b)
  })

  it('takes what is left out as its own version meant it: in 1.0 everyone verifies, later a committee of 16', () => {
    const verifiers = (given: object) => parseManifest({ ...leastManifest, ...given }).secureSum.verifiers
    expect(verifiers({})).to.equal(16)
    expect(verifiers({ formatVersion: '1.1', secureSum: { ringBits: 32 } })).to.equal(16)
    expect(verifiers({ formatVersion: '1.0' })).to.equal('everyone')
    expect(verifiers({ formatVersion: '1.0', secureSum: { ringBits: 32 } })).to.equal('everyone')
    expect(problems({ ...leastManifest, formatVersion: '1.0', secureSum: 3 })[0]!.path).to.equal('secureSum')
    expect(problems({ ...leastManifest, formatVersion: '1.0', secureSum: null })[0]!.path).to.equal(
      'secureSum'
    )
  })

  it('explains the version that YAML read as a number', () => {
    expect(problems({ ...leastManifest, formatVersion: 1 })[0]).to.include({
      path: 'formatVersion',
      got: '1'
    })
  })
})

describe('run manifest: cohort (t = floor(2n/3) + 1, t >= c + 2)', () => {
  it('has the thresholds of the design', () => {
    expect([3, 4, 5, 6, 7, 8, 9, 16, 64].map(quorumOf)).to.deep.equal([3, 3, 4, 5, 5, 6, 7, 11, 43])
  })

  it('refuses fewer than four founders, and three without the flag', () => {
    expect(refusal(withValue('cohort.founders', 3)).message).to.contain('cohort.allowThree: true')
    const three = { ...leastManifest, cohort: { founders: 3, size: 3, allowThree: true } }
    expect(parseManifest(three).cohort.founders).to.equal(3)
  })

  it('refuses more founders than a cohort holds', () => {
    expect(problems(withValue('cohort.founders', 17))[0]!.allowed).to.contain('cohort.size, which is 16')
  })

  it('allows more founders in a tree of cohorts, where the sums of cohorts can be added in 32 bits', () => {
    const given = (cohort: object, secureSum: object = {}) => ({
      ...leastManifest,
      cohort: { larger: 'tree', ...cohort },
      secureSum
    })
    expect(parseManifest(given({ founders: 500, size: 16, fanIn: 2 })).cohort).to.include({ founders: 500 })
    for (const ringBits of [16, 20])
      expect(parseManifest(given({}, { ringBits })).secureSum.ringBits).to.equal(ringBits)
    expect(problems(given({}, { ringBits: 32 }))[0]!.path).to.equal('secureSum.ringBits')
    expect(problems(given({}, { randomK: 0.5 }))[0]!.path).to.equal('secureSum.randomK')
    expect(problems(given({ fanIn: 1 }))[0]!.path).to.equal('cohort.fanIn')
    expect(problems(given({ founders: 513, size: 16 }))[0]!.path).to.equal('cohort.founders')
    // Seventeen colluders take cohorts of 27, and what 28 to 53 members leave is one cohort; with 22 it would be too large.
    expect(parseManifest(given({ founders: 64, size: 64 }, { colluders: 17 })).cohort.size).to.equal(64)
    const many = problems(given({ founders: 64, size: 64 }, { colluders: 22 }))
    expect(many[0]).to.have.property('path', 'secureSum.colluders')
    expect(many[0]!.allowed).to.contain('more than the 64 that a cohort may have')
  })

  it('allows exactly the colluders that leave two honest survivors', () => {
    for (let founders = 4; founders <= 64; founders++) {
      const given = (colluders: number) => ({
        ...leastManifest,
        cohort: { founders, size: 64 },
        secureSum: { colluders }
      })
      const most = quorumOf(founders) - 2
      expect(colludersOf(parseManifest(given(most)), founders)).to.equal(most)
      expect(problems(given(most + 1))[0]!.path).to.equal('secureSum.colluders')
      const byDefault = parseManifest({ ...leastManifest, cohort: { founders, size: 64 } })
      expect(colludersOf(byDefault, founders)).to.equal(Math.floor((founders - 1) / 3))
    }
  })

  it('refuses an admission list too short to begin', () => {
    const admission = { kind: 'list', peers: [1, 2, 3].map(numberedPeer) }
    expect(problems({ ...leastManifest, admission })[0]!.path).to.equal('admission.peers')
  })
})

describe('run manifest: privacy', () => {
  const noise = (fields: Record<string, unknown> = {}) => ({ mechanism: 'skellam', ...fields })

  it('has defaults for all but the mechanism, and weights that are all 1', () => {
    const manifest = parseManifest({ ...leastManifest, privacy: noise() })
    expect(manifest.privacy).to.deep.equal({
      mechanism: 'skellam',
      noiseMultiplier: 1.6,
      epsilon: 10,
      delta: 1e-5,
      sampler: 'table',
      clipping: { kind: 'fixed' }
    })
    expect(manifest.secureSum.maxWeight).to.equal(1)
    const clipped = parseManifest({ ...leastManifest, privacy: noise(), secureSum: { clipNorm: 2 } })
    expect(clipped.secureSum).to.include({ clipNorm: 2, maxWeight: 1 })
    expect(parseManifest(leastManifest).secureSum.maxWeight).to.equal(8)
  })

  it('has adaptive clipping with the settings of Andrew et al. 2021', () => {
    const clipping = { kind: 'adaptive' }
    const { privacy } = parseManifest({ ...leastManifest, privacy: noise({ clipping }) })
    expect(privacy).to.have.property('clipping').that.deep.equals({
      kind: 'adaptive',
      targetFraction: 0.5,
      learningRate: 0.2,
      min: 0.001,
      max: 1000,
      countNoise: 0.05
    })
  })

  const refused: Array<[string, Record<string, unknown>, string, RegExp]> = [
    [
      'some of the coordinates',
      { privacy: noise(), secureSum: { randomK: 0.5 } },
      'secureSum.randomK',
      /^1, with/
    ],
    ['unequal weights', { privacy: noise(), secureSum: { maxWeight: 8 } }, 'secureSum.maxWeight', /^1, with/],
    [
      'a cohort of three',
      { privacy: noise(), cohort: { founders: 4, allowThree: true } },
      'cohort.allowThree',
      /^false, with/
    ],
    ['an exact Skellam sampler', { privacy: noise({ sampler: 'exact' }) }, 'privacy.sampler', /^table, with/],
    ['no noise', { privacy: noise({ noiseMultiplier: 0 }) }, 'privacy.noiseMultiplier', /above 0/],
    ['a delta of one half', { privacy: noise({ delta: 0.5 }) }, 'privacy.delta', /0\.1/],
    ['a sampler by another name', { privacy: noise({ sampler: 'fast' }) }, 'privacy.sampler', /table, exact/],
    [
      'a clip norm that begins outside its own bounds',
      { privacy: noise({ clipping: { kind: 'adaptive', min: 5 } }) },
      'secureSum.clipNorm',
      /from 5 to 1000/
    ],
    [
      'bounds in the wrong order',
      { privacy: noise({ clipping: { kind: 'adaptive', min: 5, max: 3 } }) },
      'privacy.clipping.min',
      /at most privacy.clipping.max/
    ],
    [
      'all of the fewest survivors but one colluding',
      { privacy: noise(), secureSum: { colluders: 2 } },
      'secureSum.colluders',
      /at most 1/
    ],
    [
      'noise in the format before it',
      { privacy: noise(), formatVersion: '1.0' },
      'privacy.mechanism',
      /formatVersion "1.1"/
    ]
  ]
  for (const [what, fields, path, allowed] of refused) {
    it(`refuses ${what}`, () => {
      const [problem, ...others] = problems({ ...leastManifest, ...fields })
      expect(others).to.deep.equal([])
      expect(problem!.path).to.equal(path)
      expect(problem!.allowed).to.match(allowed)
    })
  }

  it('takes the exact discrete Gaussian', () => {
    const privacy = { mechanism: 'discrete-gaussian', sampler: 'exact' }
    expect(parseManifest({ ...leastManifest, privacy }).privacy).to.include(privacy)
  })
})
