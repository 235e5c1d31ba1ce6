import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { DEFAULT_PORT } from '../../node/cli/commands/bootstrap.ts'
import { commands } from '../../node/cli/commands.ts'
import { parseHttpPlace } from '../../node/cli/observe/http.ts'
import { LOG_LEVELS } from '../../node/cli/observe/log.ts'
import { METRICS } from '../../node/cli/observe/metrics.ts'
import { createOutput } from '../../node/cli/output.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { scratchFolder } from '../support/cli.ts'
import { skipBecause } from '../support/skip.ts'

const text = (...path: string[]): string => readFileSync(join(packageDir(), 'docs', ...path), 'utf8')

/** The command as it is defined, with nothing run. @throws if it does not know one of these words */
function parsed(args: readonly string[]): { readonly name: string; readonly flags: Record<string, unknown> } {
  const [name, ...rest] = args
  const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough() }, false)
  const host = { output, signal: new AbortController().signal }
  const command = commands(host).find(candidate => candidate.name() === name) as Command
  expect(command, `there is a command ${name}`).not.to.equal(undefined)
  command.exitOverride().configureOutput({ writeErr: () => {} })
  const { operands, unknown } = command.parseOptions([...rest])
  expect(unknown, `${name} knows all of ${rest.join(' ')}`).to.deep.equal([])
  expect(operands).to.deep.equal([])
  return { name: name!, flags: command.opts() }
}

describe('the systemd unit', () => {
  const unit = text('deploy', 'fedpeft-bootstrap.service')
  const settingOf = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

  it('starts a command that there is, with flags that it has, on the ports that its first lines name', () => {
    const [program, ...args] = settingOf('ExecStart').split(' ')
    expect(program).to.match(/\/fedpeft-node$/)
    const { flags } = parsed(args)
    expect(flags['port']).to.equal(DEFAULT_PORT)
    expect(flags['http']).to.deep.equal({ host: '127.0.0.1', port: 9464 })
    expect(unit).to.contain(
      `${DEFAULT_PORT}/tcp for peers, ${DEFAULT_PORT}/udp for STUN, 9464/tcp for monitors`
    )
    expect(flags['dir']).to.equal(`%S/${settingOf('StateDirectory')}`)
  })

  it('gives the process no more than it needs', () => {
    const wanted = {
      DynamicUser: 'yes',
      NoNewPrivileges: 'yes',
      ProtectSystem: 'strict',
      CapabilityBoundingSet: '',
      StateDirectoryMode: '0700',
      Restart: 'always'
    }
    for (const [key, value] of Object.entries(wanted)) {
      expect(unit).to.match(new RegExp(`^${key}=`, 'm'))
      expect(settingOf(key), key).to.equal(value)
    }
    expect(Number(settingOf('LimitNOFILE'))).to.be.at.least(65_536)
    expect(Number(settingOf('TimeoutStopSec'))).to.be.at.least(5)
  })

  it('is one that systemd takes', function () {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) skipBecause(this, 'no systemd-analyze here')
    const scratch = scratchFolder()
    try {
      const path = join(scratch.path, 'fedpeft-bootstrap.service')
      // It looks whether the program is there, and here it is not installed.
      writeFileSync(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' })
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    } finally {
      scratch.remove()
    }
  })
})

describe('the container file', () => {
  const file = text('deploy', 'Containerfile')
  const listOf = (key: string): string[] => JSON.parse(new RegExp(`^${key} (\\[.*\\])$`, 'm').exec(file)![1]!)

  it('runs a command that there is, with flags that it has, on the ports that it exposes', () => {
    expect(listOf('ENTRYPOINT').at(-1)).to.equal('/opt/fedpeft/bin/fedpeft-node.cjs')
    const { flags } = parsed(listOf('CMD'))
    const { port: httpPort } = flags['http'] as ReturnType<typeof parseHttpPlace>
    expect(/^EXPOSE (.*)$/m.exec(file)![1]).to.equal(
      `${flags['port']}/tcp ${flags['port']}/udp ${httpPort}/tcp`
    )
    expect(file).to.contain(
      `-p ${DEFAULT_PORT}:${DEFAULT_PORT} -p ${DEFAULT_PORT}:${DEFAULT_PORT}/udp -p 127.0.0.1:${httpPort}:${httpPort}`
    )
    const check = /^HEALTHCHECK .*\\\n {2}CMD (\[.*\])$/m.exec(file)![1]!
    expect((JSON.parse(check) as string[])[2]).to.contain(`http://127.0.0.1:${httpPort}/healthz`)
    expect(/^VOLUME (.*)$/m.exec(file)![1]).to.equal(flags['dir'])
  })

  it('copies only what there is, and runs as nobody in particular', () => {
    const copied = [...file.matchAll(/^COPY --from=build (.*) \S+$/gm)].flatMap(match => match[1]!.split(' '))
    // Made by the build.
    const made = ['dist', 'node_modules']
    for (const path of copied) {
      const name = path.replace('/opt/fedpeft/', '')
      if (!made.includes(name))
        expect(() => readFileSync(join(packageDir(), name)), name).to.not.throw(/ENOENT/)
    }
    const { files } = JSON.parse(readFileSync(join(packageDir(), 'package.json'), 'utf8')) as {
      files: string[]
    }
    for (const name of ['bin', 'dist', 'models']) expect(files).to.include(name)
    expect(file.lastIndexOf('\nUSER node')).to.be.above(file.lastIndexOf('\nRUN'))
  })
})

describe('the alert rules', () => {
  const { groups } = parse(text('deploy', 'alerts.yml')) as {
    groups: Array<{
      rules: Array<{ alert: string; expr: string; for?: string; annotations: { summary: string } }>
    }>
  }
  const rules = groups.flatMap(group => group.rules)

  it('ask for metrics and labels that there are', () => {
    expect(rules.length).to.be.above(5)
    const ours = new Map(METRICS.map(({ name, labels }) => [name, labels]))
    for (const { alert, expr, annotations } of rules) {
      expect(alert).to.match(/^Fedpeft[A-Z]\w+$/)
      expect(annotations.summary).not.to.equal('')
      const named = [...expr.matchAll(/\b(fedpeft_\w+)(?:\{(\w+)[=~!])?/g)]
      for (const [, name, label] of named) {
        expect(ours.has(name!), `${alert}: ${name}`).to.equal(true)
        if (label !== undefined) expect(ours.get(name!), `${alert}: ${name}`).to.include(label)
      }
      const foreign = expr.match(/\b(?:nodejs|process)_\w+/g) ?? []
      expect(named.length + foreign.length + (expr.startsWith('up{') ? 1 : 0), alert).to.be.above(0)
    }
  })
})

describe('docs/operations.md', () => {
  const page = text('operations.md')

  it('names every metric of ours with its labels, and no other', () => {
    const rows = [...page.matchAll(/^\| `(fedpeft_\w+)` \|([^|]*)\|/gm)].map(
      ([, name, labels]) => [name!, [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!)] as const
    )
    expect(Object.fromEntries(rows)).to.deep.equal(
      Object.fromEntries(METRICS.map(({ name, labels }) => [name, [...labels]]))
    )
  })

  it('shows command lines that there are', () => {
    const lines = [...page.matchAll(/^fedpeft-node (.+)$/gm)].map(match => match[1]!)
    expect(lines.length).to.be.above(5)
    for (const line of lines) {
      // Of addresses and the like only the flags can be looked at.
      const words = line.replace(/\s+#.*$/, '').split(/\s+/)
      parsed([words[0]!, ...words.slice(1).filter(word => word !== 'ADDRESS' && word !== '--json')])
    }
    for (const level of LOG_LEVELS) expect(page).to.contain(`\`${level}\``)
    expect(parseHttpPlace('9464').port).to.equal(9464)
  })
})
