import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { findChromium, runInChromium } from '../support/chromium.ts'
import type { BrowserFindings } from '../support/chromium-page.ts'
import { maskVectors } from '../support/mask-vectors.ts'
import type { ServerStepVectors } from '../support/server-step-vectors.ts'

const golden: ServerStepVectors = JSON.parse(
  readFileSync(new URL('../golden/server-step.json', import.meta.url), 'utf8')
)

const program = findChromium()
const itThere = program === null ? it.skip : it

describe(`a browser${program === null ? ' (skipped: no Chromium)' : ''}`, () => {
  let findings: BrowserFindings

  before(async () => {
    if (program !== null) findings = await runInChromium(program, 'test/support/chromium-page.ts')
  })

  itThere('makes the same masks as Node, by its own cipher and our kernel', () => {
    expect(findings.userAgent).to.contain('Chrome')
    expect(findings.hasKernel).to.equal(true)
    expect(findings.maskedSha256).to.deep.equal(maskVectors.map(({ sha256 }) => sha256))
  })

  itThere('does the same server step as Node, bit for bit', () => {
    const expected = golden.cases.map(({ rounds }) => rounds.map(({ state }) => state))
    expect(findings.states).to.deep.equal(expected)
  })
})
