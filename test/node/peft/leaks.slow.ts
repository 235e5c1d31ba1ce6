import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { tinyAdapters } from '../../support/tiny-model.ts'
import { describeLeaks } from './leaks-suite.ts'

const script = fileURLToPath(new URL('../../support/resident-memory.ts', import.meta.url))

describe('a long training', () => {
  for (const name of ['wasm', 'cpu'] as const) {
    describeLeaks(name, Object.keys(tinyAdapters), 500)

    it(`500 steps on ${name} leave the process as large as it was`, () => {
      const output = execFileSync(process.execPath, ['--max-semi-space-size=1', script, name], {
        encoding: 'utf8'
      })
      const { before, after } = JSON.parse(output)
      // What a step on wasm holds at the most, kept 500 times, would be 350 MiB.
      expect((after - before) / 2 ** 20, 'MiB more').to.be.below(8)
    })
  }
})
