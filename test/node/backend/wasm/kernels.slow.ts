import { join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../../../../node/platform/package-dir.ts'
import { runProcess } from '../../../support/cli.ts'
import { itIsBuiltFromSource } from '../../../support/kernel-build.ts'

describe('the compiled kernels that are committed', () => itIsBuiltFromSource('simd'))

describe('a process with kernel threads', () => {
  it('ends when it has nothing more to do, though nobody closed the backend', async () => {
    const program = join(packageDir(), 'test', 'support', 'kernel-program.ts')
    const { exitCode, stdout, stderr } = await runProcess(process.execPath, [program], packageDir())
    expect([exitCode, stdout], stderr).to.deep.equal([0, '200\n'])
  })
})
