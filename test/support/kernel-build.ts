import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../../node/platform/package-dir.ts'
import { runProcess, scratchFolder } from './cli.ts'

/**
 * Tests that a committed file of kernels is what its sources compile to.
 * @param variant - as scripts/kernels.mjs names it
 * @param path - of the committed file
 */
export function itIsBuiltFromSource(
  variant: 'simd' | 'relaxed' | 'laneSum',
  path = `node/backend/wasm/kernels.${variant}.wasm`
): void {
  const name = basename(path)
  it(`${name} is what \`npm run kernels\` makes of its sources, to the byte`, async () => {
    const scratch = scratchFolder()
    const script = join(packageDir(), 'scripts', 'kernels.mjs')
    const args = [script, '--only', variant, '--out', scratch.path]
    const { exitCode, stderr } = await runProcess(process.execPath, args, packageDir())
    expect(exitCode, stderr).to.equal(0)
    const built = readFileSync(join(scratch.path, name))
    scratch.remove()
    const committed = readFileSync(join(packageDir(), path))
    expect(built.equals(committed), `${name} is not of these sources: run \`npm run kernels\``).to.equal(true)
  })
}
