import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import type { Command } from 'commander'
import { commands } from '../../node/cli/commands.ts'
import { createOutput } from '../../node/cli/output.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { firstUnseen, guideSteps, nodeCommands, placeholders } from '../support/guide.ts'

/** Nothing is run. @throws if the command line does not know one of these words */
function expectKnown(words: readonly string[]): void {
  const line = words.join(' ')
  const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough() }, false)
  let known: readonly Command[] = commands({ output, signal: new AbortController().signal })
  let command: Command | undefined
  let rest = [...words]
  while (known.length > 0) {
    const [name, ...others] = rest
    command = known.find(each => each.name() === name)
    expect(command, `${line}: there is a command ${name}`).not.to.equal(undefined)
    rest = others
    known = command!.commands
  }
  command!.exitOverride().configureOutput({ writeErr: () => {} })
  const { operands, unknown } = command!.parseOptions(rest)
  expect(unknown, line).to.deep.equal([])
  const taken = command!.registeredArguments
  if (!taken.some(({ variadic }) => variadic)) expect(operands.length, line).to.be.at.most(taken.length)
  expect(operands.length, line).to.be.at.least(taken.filter(({ required }) => required).length)
}

describe('docs/operators-guide.md', () => {
  const guide = readFileSync(join(packageDir(), 'docs', 'operators-guide.md'), 'utf8')
  const typed = guideSteps(guide).flatMap(step => (step.kind === 'type' ? [step.script] : []))

  it('shows command lines that there are', () => {
    const lines = typed.flatMap(nodeCommands)
    expect(lines.length).to.be.above(20)
    for (const words of lines) expectKnown(words)
    for (const wrong of [['run', 'stop'], ['join', '--runs', 'x'], ['ban'], ['unban', 'a', 'b']]) {
      expect(() => expectKnown(wrong), wrong.join(' ')).to.throw()
    }
  })

  it('has no command beside them, and says of every word in capitals what to put there', () => {
    for (const [, inProse] of guide.replaceAll(/^```.*?^```$/gms, '').matchAll(/`(fedpeft-node [^`]+)`/g))
      expect.fail(`${inProse} stands where the long test does not run it`)
    const inCapitals = new Set(
      typed.flatMap(
        script => script.replaceAll('NODE_EXTRA_CA_CERTS', '').match(/\b[A-Z]+(?:-[A-Z\d]+)*\b/g) ?? []
      )
    )
    const named = placeholders(guide)
    for (const word of inCapitals) if (!['CN', 'DNS'].includes(word)) expect(named).to.include(word)
  })
})

describe('what is seen of a command', () => {
  it('has the lines that were promised, in their order, and `…` is anything', () => {
    expect(firstUnseen(['a …', 'c'], 'a b\nx\n  c')).to.equal(null)
    expect(firstUnseen(['c', 'a …'], 'a b\nc')).to.equal('a …')
    expect(firstUnseen(['a (b)'], 'a b')).to.equal('a (b)')
  })
})
