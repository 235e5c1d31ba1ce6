import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { Interrupted, interruptSignal } from '../../../node/cli/interrupt.ts'
import { packageDir } from '../../../node/platform/package-dir.ts'
import { scratchFolder } from '../../support/cli.ts'
import { writeAdapterFolder, writeModelFolder } from '../../support/model-folder.ts'
import { skipBecause } from '../../support/skip.ts'

describe('Ctrl-C', () => {
  function press() {
    const handlers = new Map<string, () => void>()
    const said: string[] = []
    const exits: number[] = []
    let nowMs = 1000
    const signal = interruptSignal(
      { on: (name, handle) => handlers.set(name, handle), exit: code => exits.push(code) },
      text => said.push(text),
      () => nowMs
    )
    return {
      signal,
      said,
      exits,
      send(name: string, atMs: number) {
        nowMs = atMs
        handlers.get(name)!()
      }
    }
  }

  it('once asks the command to stop and says how to quit at once', () => {
    const { signal, said, exits, send } = press()
    send('SIGINT', 1000)
    expect(signal.reason).to.be.instanceOf(Interrupted)
    expect(said).to.have.length(1)
    expect(exits).to.deep.equal([])
  })

  it('twice quits hard, but the same press told twice does not', () => {
    const { exits, said, send } = press()
    send('SIGINT', 1000)
    send('SIGINT', 1020)
    expect(exits).to.deep.equal([])
    send('SIGINT', 1800)
    expect(exits).to.deep.equal([130])
    expect(said).to.have.length(1)
  })

  it("has a supervisor's SIGTERM as its equal", () => {
    const { signal, exits, send } = press()
    send('SIGTERM', 0)
    expect(signal.aborted).to.equal(true)
    send('SIGTERM', 5000)
    expect(exits).to.deep.equal([143])
  })

  it('stops a running command with exit 1 and no stack trace', async function () {
    if (process.platform === 'win32') skipBecause(this, 'Windows has no such signal')
    const scratch = scratchFolder()
    writeModelFolder(join(scratch.path, 'model'))
    await writeAdapterFolder(join(scratch.path, 'adapter'), 'model')
    const main = join(packageDir(), 'node', 'cli', 'main.ts')
    const args = [main, 'chat', '--adapter', 'adapter', '--prompt', 'The war', '--tokens', '4096']
    const child = spawn(process.execPath, args, { cwd: scratch.path, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdout.once('data', () => child.kill('SIGINT'))
    const exitCode = await new Promise(resolve => child.on('close', resolve))
    scratch.remove()
    expect(exitCode).to.equal(1)
    expect(stderr).to.match(/^stopping; .*\nerror: stopped by SIGINT\n$/m)
  })
})
