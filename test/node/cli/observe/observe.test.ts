import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { healthOf } from '../../../../node/cli/observe/health.ts'
import { parseHttpPlace } from '../../../../node/cli/observe/http.ts'
import { type LogOptions, openLog } from '../../../../node/cli/observe/log.ts'
import { METRICS, samplesOf } from '../../../../node/cli/observe/metrics.ts'
import { Observer } from '../../../../node/cli/observe/observer.ts'
import { peerReportOf } from '../../../../node/cli/observe/report.ts'
import { statusText } from '../../../../node/cli/observe/status-text.ts'
import { createOutput } from '../../../../node/cli/output.ts'
import type { PeerEvent } from '../../../../node/peer/peer-types.ts'
import { PrometheusRegistry } from '../../../../node/platform/prometheus.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'
import { bootstrapReport, networkReport, peerReport } from '../../../support/reports.ts'

interface Line {
  readonly level: string
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}

function observed(): { observer: Observer; lines: Line[]; clock: VirtualClock } {
  const lines: Line[] = []
  const log = {
    write: (level: string, msg: string, fields: Line['fields']) => void lines.push({ level, msg, fields }),
    close() {}
  }
  const clock = new VirtualClock()
  return { observer: new Observer(clock, log), lines, clock }
}

const refused = (i: number): PeerEvent => ({
  type: 'notice',
  notice: 'refused',
  peer: `peer-${i}`,
  what: 'share-keys',
  reason: 'it is late'
})

const aborted = {
  type: 'link',
  kind: 'abort',
  link: {
    round: 1,
    attempt: 0,
    height: 3,
    survivors: [],
    members: [],
    expulsions: [],
    reason: 'too-few-inputs'
  },
  tip: { privacy: null }
} as unknown as PeerEvent

describe('the observer', () => {
  it('counts links by kind, aborts and offences by reason, and keeps the last reasons only', () => {
    const { observer } = observed()
    observer.take(aborted)
    for (let i = 0; i < 1000; i++) observer.take(refused(i))
    observer.offence({ peer: 'bad', reason: 'too-many-streams', cutOff: true })
    expect(observer.rounds.entries()).to.deep.equal([['abort', 1]])
    expect(observer.aborts.entries()).to.deep.equal([['too-few-inputs', 1]])
    expect(observer.refusals.entries()).to.deep.equal([['share-keys', 1000]])
    expect(observer.offences.entries()).to.deep.equal([['too-many-streams', 1]])
    expect(observer.reasons[0]!.reason).to.contain('too-many-streams').and.contain('cut off')
    expect(observer.reasons[1]!.reason).to.contain('peer-999')
    expect(observer.reasons).to.have.length(18)
    expect(observer.reasons.at(-1)!.what, 'a flood does not push out what came before it').to.equal('link')
    for (let i = 0; i < 1000; i++)
      observer.tell({ level: 'warn', msg: `kind ${i}`, fields: {}, reason: 'why' })
    expect(observer.reasons).to.have.length(64)
  })

  it('logs two lines of a kind a second at most, and then says how many it left out', async () => {
    const { observer, lines, clock } = observed()
    for (let i = 0; i < 1000; i++) observer.offence({ peer: 'bad', reason: 'oversized', cutOff: false })
    observer.take({ type: 'warning', message: 'another kind' })
    expect(lines.map(({ msg }) => msg)).to.deep.equal([...new Array(120).fill('offence'), 'warning'])
    expect(observer.offences.entries(), 'all are counted').to.deep.equal([['oversized', 1000]])
    await clock.advance(60_000)
    observer.offence({ peer: 'bad', reason: 'oversized', cutOff: false })
    expect(lines.at(-1)!.fields).to.include({ suppressed: 880 })
    observer.offence({ peer: 'bad', reason: 'oversized', cutOff: false })
    expect(lines.at(-1)!.fields).not.to.have.property('suppressed')
  })

  it('bounds how many labels there can be, whatever a remote peer makes up, and how long a reason is', () => {
    const { observer } = observed()
    for (let i = 0; i < 500; i++) observer.offences.add(`made-up-${i}`)
    expect(observer.offences.entries()).to.have.length(65)
    expect(observer.offences.entries().at(-1)).to.deep.equal(['other', 436])
    observer.take({ type: 'warning', message: 'x'.repeat(10_000) })
    expect(observer.reasons[0]!.reason).to.have.length(400)
  })

  it('logs every event with the run, the round and the phase that it fell into', () => {
    const { observer, lines } = observed()
    observer.context = { peer: 'me', run: 'ab' }
    observer.take({
      type: 'notice',
      notice: 'phase',
      phase: 'ShareKeys',
      round: 4,
      attempt: 1,
      aggregator: null,
      cohort: ['a', 'b']
    })
    observer.take({ type: 'warning', message: 'the disk is slow' })
    expect(lines[1]).to.deep.equal({
      level: 'warn',
      msg: 'warning',
      fields: { peer: 'me', run: 'ab', round: 4, attempt: 1, phase: 'ShareKeys', reason: 'the disk is slow' }
    })
  })

  it('logs nothing of what training says about the private text', () => {
    const { observer, lines } = observed()
    observer.take({ type: 'training', round: 0, attempt: 0, steps: 1, ofSteps: 2, loss: 3.25 })
    observer.take({
      type: 'trained',
      round: 0,
      attempt: 0,
      steps: 2,
      ofSteps: 2,
      endedBy: 'steps',
      seconds: 1,
      energyJoules: null
    })
    expect(lines.map(({ msg }) => msg)).to.deep.equal(['trained'])
    expect(JSON.stringify(lines)).not.to.contain('3.25').and.not.to.contain('loss')
  })
})

describe('health', () => {
  it('is wrong for a peer that failed, is paused, or has been alone for two minutes', () => {
    expect(healthOf(peerReport())).to.deep.equal({ status: 'ok', problems: [] })
    const reasons = [{ at: '', level: 'error' as const, what: 'peer failed', reason: 'no space left' }]
    expect(healthOf(peerReport({ condition: 'failed', reasons })).problems).to.deep.equal(['no space left'])
    expect(healthOf(peerReport({ paused: 'round 3 was given up' })).status).to.equal('wrong')
    const network = { ...networkReport, connected: [], aloneSince: '2026-03-01T11:58:00.000Z' }
    expect(healthOf(peerReport({ network })).problems).to.have.length(1)
    expect(healthOf(peerReport({ network, at: '2026-03-01T11:59:59.000Z' })).status).to.equal('ok')
    expect(healthOf(peerReport({ network, condition: 'finished' })).status).to.equal('ok')
  })

  it('is right for a coordinator that listens, even if nobody is there', () => {
    expect(healthOf(bootstrapReport({ network: { ...networkReport, connected: [] } })).status).to.equal('ok')
    expect(healthOf(bootstrapReport({ network: { ...networkReport, addresses: [] } })).status).to.equal(
      'wrong'
    )
  })
})

describe('metrics', () => {
  const textOf = async (report: Parameters<typeof samplesOf>[0], observer = observed().observer) =>
    (await new PrometheusRegistry(METRICS).text(() => samplesOf(report, observer))).text

  it('are in Prometheus’ text format, with every label of a report', async () => {
    const { observer } = observed()
    observer.take(aborted)
    observer.offence({ peer: 'bad', reason: 'oversized', cutOff: false })
    const text = await textOf(peerReport({ missing: ['peer-d'] }), observer)
    for (const line of [
      'fedpeft_rounds_total{kind="abort"} 1',
      'fedpeft_aborts_total{reason="too-few-inputs"} 1',
      'fedpeft_phase{phase="LocalTraining"} 1',
      'fedpeft_phase_seconds 12',
      'fedpeft_completed_rounds 2',
      'fedpeft_members{state="all"} 4',
      'fedpeft_members{state="connected"} 3',
      'fedpeft_members{state="silent"} 1',
      'fedpeft_members{state="missing"} 1',
      'fedpeft_epsilon_spent 1.5',
      'fedpeft_bytes_total{purpose="verification",direction="received"} 3000',
      'fedpeft_wire_bytes_total{protocol="all",direction="sent"} 5000',
      'fedpeft_wire_bytes_total{protocol="/meshsub/1.2.0",direction="received"} 200',
      'fedpeft_peers_connected{transport="webrtc"} 1',
      'fedpeft_peers_connected{transport="tcp"} 1',
      'fedpeft_relayed_connections 2',
      'fedpeft_offences_total{reason="oversized"} 1',
      'fedpeft_healthy 1'
    ]) {
      expect(text.split('\n')).to.include(line)
    }
  })

  it('say nothing where there is nothing to say, instead of nought', async () => {
    const text = await textOf(bootstrapReport())
    expect(text.split('\n')).to.include('fedpeft_runs_listed 0')
    for (const name of ['fedpeft_epsilon_spent', 'fedpeft_completed_rounds', 'fedpeft_phase'])
      expect(text).not.to.match(new RegExp(`^${name}[ {]`, 'm'))
  })

  it('do not add up from one question to the next, and are worked out once for two at the same time', async () => {
    const registry = new PrometheusRegistry(METRICS)
    let asked = 0
    const ask = () =>
      registry.text(() => {
        asked++
        return samplesOf(peerReport(), observed().observer)
      })
    const [first, second] = await Promise.all([ask(), ask()])
    expect(first).to.equal(second)
    expect((await ask()).text).to.contain('fedpeft_bytes_total{purpose="control",direction="sent"} 10\n')
    expect(asked).to.equal(2)
  })
})

describe('the status in words', () => {
  it('shows where the run is, who is where, and what went wrong', () => {
    const reason = 'refused share-keys\nof \u001b[31mpeer-d'
    const text = statusText(
      peerReport({ reasons: [{ at: '2026-03-01T11:59:00.000Z', level: 'warn', what: '', reason }] })
    )
    expect(text).to.contain('round 3 of 20: LocalTraining for 12 s, until ').and.contain('(in 90 s)')
    expect(text).to.contain('2 of 20 rounds done, link 2, state cdcd')
    expect(text).to.match(/this peer +keys, shares/)
    expect(text).to.match(/…peer-b +direct webrtc +keys, input +author/)
    expect(text).to.match(/…peer-c +relayed tcp +nothing yet +aggregator/)
    expect(text).to.match(/…peer-d +not connected +nothing yet +silent in the last link/)
    expect(text).to.contain('others see it at /ip4/198.51.100.1/tcp/9999')
    expect(text).not.to.contain('others see it at /ip4/203.0.113.7')
    expect(text).to.match(/masked upload +1\.0 KB +0 bytes/)
    expect(text, 'no escape sequence of another peer').not.to.contain('\u001b')
    expect(text).to.contain('process 4321, up 3 h')
    for (const line of text.split('\n')) expect(line.length).to.be.at.most(125)
  })

  it('names in full who is missing from a run that is paused, and says so first', () => {
    const text = statusText(
      peerReport({ paused: 'the run is paused', missing: ['12D3KooWfull'], phase: 'Aborted' })
    )
    expect(text).to.match(/^WRONG: the run is paused/)
    expect(text).to.contain('waiting for 12D3KooWfull')
  })

  it('has words for a peer that is not in its run yet, and for a coordinator', () => {
    const none = { peer: 'me', network: null, reasons: [], at: '', startedAt: '', uptimeSeconds: 1, pid: 1 }
    expect(statusText(peerReportOf(none, null, null))).to.contain('preparing')
    const runs = [
      {
        id: 'ef'.repeat(32),
        name: 'other',
        author: 'peer-b',
        model: 'embedded',
        rounds: 3,
        founders: 4,
        members: [],
        cached: { height: 4, completedRounds: 2, members: 4, whole: true, bytes: 5_000 }
      }
    ]
    expect(statusText(bootstrapReport({ runs })))
      .to.contain('"other" by …peer-b: 3 rounds of embedded')
      .and.contain('kept up to link 4, 2 of 3 rounds (5.0 KB)')
  })
})

describe('--http', () => {
  it('takes a port on this machine only, or a host and a port', () => {
    expect(parseHttpPlace('9464')).to.deep.equal({ host: '127.0.0.1', port: 9464 })
    expect(parseHttpPlace('0.0.0.0:80')).to.deep.equal({ host: '0.0.0.0', port: 80 })
    expect(parseHttpPlace('[::1]:9464')).to.deep.equal({ host: '::1', port: 9464 })
    for (const wrong of ['', 'http', '70000', ':9464', 'host:', 'a/b:1', '1:2:3', '[::1]'])
      expect(() => parseHttpPlace(wrong), wrong).to.throw(/HOST:PORT/)
  })
})

describe('--log-level and --log-file', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fedpeft-log-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const opened = (options: LogOptions) => {
    const stderr = new PassThrough().setEncoding('utf8')
    const log = openLog(options, createOutput({ stdout: new PassThrough(), stderr }, false))
    return { log, written: () => String(stderr.read() ?? '') }
  }

  it('write nothing unless asked to, and then one JSON object a line', () => {
    const silent = opened({})
    silent.log.write('error', 'lost', {})
    expect(silent.written()).to.equal('')
    const { log, written } = opened({ logLevel: 'warn' })
    log.write('info', 'not this', {})
    log.write('warn', 'two\nlines', { reason: 'x', level: 'faked', time: 0 })
    const [line, rest] = written().split('\n')
    expect(rest).to.equal('')
    const { time, ...fields } = JSON.parse(line!) as Record<string, unknown>
    expect(fields).to.deep.equal({ level: 'warn', msg: 'two\nlines', reason: 'x' })
    expect(time).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('append to a file that may be truncated while it is written', async () => {
    const logFile = join(dir, 'peer.log')
    const { log } = opened({ logFile })
    log.write('info', 'before', {})
    log.write('debug', 'below the default', {})
    await truncate(logFile)
    log.write('info', 'after', {})
    log.close()
    log.write('info', 'closed', {})
    const text = await readFile(logFile, 'utf8')
    expect(text.startsWith('{')).to.equal(true)
    expect(
      text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).msg)
    ).to.deep.equal(['after'])
  })

  it('say where a log file cannot be', () => {
    expect(() => opened({ logFile: join(dir, 'not', 'there.log') })).to.throw(
      /--log-file .*not\/there.log: ENOENT/
    )
  })
})
