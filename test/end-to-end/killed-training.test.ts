import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { KilledTraining } from '../support/killed-training.ts'

const steps = 120

/** As a kill comes: at another step each time. */
const killAfter = 2 + Math.floor(Math.random() * (steps / 2))

describe('a process that trains and is killed', () => {
  const whole = new KilledTraining('wasm', steps, steps + 1)
  const killed = new KilledTraining('wasm', steps, 1)
  after(() => {
    whole.close()
    killed.close()
  })

  it(`goes on when it is started again, with the same losses to the last bit (killed after step ${killAfter})`, async () => {
    const [uninterrupted, before] = await Promise.all([whole.run(), killed.run(killAfter)])
    expect(uninterrupted.losses.size).to.equal(steps)
    expect(uninterrupted.end).not.to.equal(null)
    expect(before.end).to.equal(null)
    const rest = await killed.run()
    const [first] = rest.losses.keys()
    // Steps between the last one that was told and the kill may have been kept too.
    expect(first).to.be.at.least(killAfter)
    expect(rest.notices.join()).to.contain(`goes on after step ${first! - 1}`)
    expect([...rest.losses.keys()].at(-1)).to.equal(steps)
    for (const [step, loss] of [...before.losses, ...rest.losses])
      expect(loss, `step ${step}`).to.equal(uninterrupted.losses.get(step))
    expect(rest.end).to.deep.equal(uninterrupted.end)
    const left = readdirSync(join(killed.folder, 'peer', 'runs', '1', 'training'))
    expect(left.filter(name => name.endsWith('.part'))).to.deep.equal([])
  })
})
