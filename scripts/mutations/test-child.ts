/**
 * Runs test files in this process and says in one line of JSON what came of it.
 * node scripts/mutations/test-child.ts '{"files": […], "grep": …, "mutated": …, "stopAtFailure": …}'
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import Mocha from 'mocha'
import type { TestOrder, TestOutcome } from './test-process.ts'

const { files, grep, mutated, stopAtFailure } = JSON.parse(process.argv[2]!) as TestOrder

function report(outcome: TestOutcome): never {
  process.stdout.write(`\n${JSON.stringify(outcome)}\n`)
  process.exit(0)
}

if (mutated !== undefined) {
  try {
    await import(pathToFileURL(resolve(mutated)).href)
  } catch (error) {
    // Not a defence switched off, but a program that is none: no test has judged it.
    report({ end: 'does not load', passed: [], failed: [String(error)] })
  }
}
const passed: string[] = []
const failed: string[] = []
const mocha = new Mocha({ timeout: 30_000, reporter: 'min', bail: stopAtFailure })
if (grep !== undefined) mocha.fgrep(grep)
for (const file of files) mocha.addFile(file)
try {
  await mocha.loadFilesAsync()
} catch (error) {
  report({ end: 'ran', passed, failed: [`while the test file was loading: ${(error as Error).message}`] })
}
mocha
  .run()
  .on('pass', test => passed.push(test.fullTitle()))
  .on('fail', test => failed.push(test.fullTitle()))
  .on('end', () => report({ end: 'ran', passed, failed }))
