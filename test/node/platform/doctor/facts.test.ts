import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { hubFacts } from '../../../../node/platform/doctor/hub-facts.ts'
import { diskFacts, machineFacts } from '../../../../node/platform/doctor/machine-facts.ts'
import { scratchFolder } from '../../../support/cli.ts'

describe("the doctor's facts", () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())

  it('are those of this machine', async () => {
    const { nodeVersion, nodePath, cpu, memory } = await machineFacts()
    expect(`v${nodeVersion}`).to.equal(process.version)
    expect(nodePath).to.equal(process.execPath)
    expect(cpu.cores).to.be.at.least(1)
    expect(cpu.wasmSimd).to.equal(true)
    expect(memory.availableBytes).to.be.within(1, memory.totalBytes)
  })

  it('tell of the disk that a folder would be on, without making it', async () => {
    const wanted = join(scratch.path, 'not', 'there', 'yet')
    const disk = (await diskFacts(wanted))!
    expect(disk).to.include({ folder: scratch.path, isWritable: true })
    expect(disk.freeBytes).to.be.above(0)
  })

  it('tell whether the Hub answers and when it thinks it is, without the token', async () => {
    let sent: NodeJS.Dict<string | string[]> = {}
    const server = createServer(({ headers }, response) => {
      sent = headers
      response.setHeader('date', 'Sun, 22 Nov 2026 12:00:00 GMT')
      response.statusCode = 404
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    mkdirSync(join(scratch.path, 'hub', 'models--someone--something'), { recursive: true })
    const environment = {
      HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      HF_HOME: scratch.path,
      HF_TOKEN: 'hf_secret'
    }
    const facts = await hubFacts(environment, true)
    expect(facts).to.include({
      cachedModels: 1,
      tokenSource: 'HF_TOKEN',
      cacheDir: join(scratch.path, 'hub')
    })
    expect(facts.answer).to.include({ isThere: true, dateMs: Date.UTC(2026, 10, 22, 12) })
    expect(JSON.stringify([facts, sent])).not.to.contain('hf_secret')
    expect(await hubFacts({ ...environment, HF_HUB_OFFLINE: '1' }, true)).to.include({ answer: null })
    expect(await hubFacts(environment, false)).to.include({ answer: null })
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    const { answer } = await hubFacts(environment, true)
    if (answer?.isThere !== false) throw new Error('nothing listens there')
    expect(answer.reason).to.match(/ECONNREFUSED/)
  })
})
