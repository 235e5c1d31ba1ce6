import { expect } from 'chai'
import { Command, InvalidArgumentError } from 'commander'
import {
  addMachineOptions,
  byteSize,
  checkpointInterval,
  type MachineOptions,
  planFields,
  poolBudget,
  roundBudget
} from '../../../node/cli/budget-options.ts'
import { runHere } from '../../support/cli-here.ts'

function parsed(...args: string[]): MachineOptions {
  return addMachineOptions(new Command().exitOverride()).parse(args, { from: 'user' }).opts()
}

describe('the flags of a budget', () => {
  const sizes: ReadonlyArray<readonly [string, number]> = [
    ['500MB', 500e6],
    ['4GB', 4e9],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2g', 2e9],
    ['512 mib', 512 * 2 ** 20],
    ['1000000', 1e6]
  ]
  for (const [text, bytes] of sizes) {
    it(`${text} is ${bytes} bytes`, () => {
      expect(byteSize(text)).to.equal(bytes)
    })
  }

  for (const text of ['', '200', 'much', '4 XB', '-1GB', '1e9', '9999TB', 'GB']) {
    it(`refuses the size "${text}"`, () => {
      expect(() => byteSize(text)).to.throw(InvalidArgumentError, /such as 500MB/)
    })
  }

  it('a checkpoint is due after steps, or after seconds', () => {
    expect(checkpointInterval('20')).to.deep.equal({ steps: 20 })
    expect(checkpointInterval('45s')).to.deep.equal({ ms: 45_000 })
    for (const text of ['0', '0s', '1m', '-3', '2.5', ''])
      expect(() => checkpointInterval(text)).to.throw(InvalidArgumentError, /such as 20/)
  })

  it('are off where they are not given, but for checkpoints', () => {
    const flags = parsed()
    expect(flags.checkpointEvery).to.deep.equal({ ms: 30_000 })
    expect(poolBudget(flags)).to.deep.equal({ memory: {} })
    expect(roundBudget(flags)).to.deep.equal({})
  })

  it('reach the trainers', () => {
    const flags = parsed(
      ...['--memory', '2GB', '--gpu-memory', '6GB', '--seconds-per-round', '90', '--disk', '1GB'],
      ...['--battery-min', '30', '--low-battery', 'fewer', '--checkpoint-every', '5']
    )
    expect(poolBudget(flags)).to.deep.equal({
      memory: { memoryMaxBytes: 2e9, gpuMemoryMaxBytes: 6e9 },
      power: { batteryMinPercent: 30, whenLow: 'fewer' }
    })
    expect(roundBudget(flags)).to.deep.equal({ secondsMax: 90 })
    expect(flags).to.deep.include({ disk: 1e9, checkpointEvery: { steps: 5 } })
  })

  it('that are wrong are refused with what may be given', async () => {
    for (const [flag, value, words] of [
      ['--memory', 'lots', 'such as 500MB'],
      ['--battery-min', '0', 'from 1 to 100'],
      ['--low-battery', 'sleep', 'pause, fewer'],
      ['--checkpoint-every', 'often', 'such as 30s'],
      ['--seconds-per-round', '0', 'from 0.1']
    ] as const) {
      const { exitCode, stderr } = await runHere(['join', flag, value])
      expect(exitCode).to.equal(2)
      expect(stderr).to.contain(flag).and.to.contain(words)
    }
  })
})

describe('a plan for a program', () => {
  it('has no number that JSON lacks', () => {
    const budget = {
      allowedBytes: Infinity,
      besidesBytes: 0,
      tensorBytes: Infinity,
      where: 'on the graphics card'
    }
    const plan = { microBatchSize: 3, mode: 'checkpoint' as const, estimatedBytes: 5, wholeBytes: 9, budget }
    expect(JSON.parse(JSON.stringify(planFields(plan, { batchSize: 8 })))).to.deep.equal({
      microBatchSize: 3,
      accumulationSteps: 3,
      checkpointing: true,
      estimatedBytes: 5,
      wholeBytes: 9,
      tensorBytesMax: null,
      where: 'on the graphics card'
    })
  })
})
