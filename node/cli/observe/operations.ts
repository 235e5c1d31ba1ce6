/**
 * Everything through which an operator sees a process that runs from a folder: its log, its local socket, its HTTP server.
 * They all tell what one report says, which is made when somebody asks.
 */
import type { PeerId } from '../../../protocols/ports.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { Peer } from '../../peer/peer-types.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Libp2pNetwork, Libp2pNetworkInit } from '../../platform/libp2p-network.ts'
import { PrometheusRegistry } from '../../platform/prometheus.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { type LiveProcess, openLiveProcess } from '../live-process.ts'
import type { Output } from '../output.ts'
import { type HttpPlace, serveMonitors } from './http.ts'
import { type Log, type LogOptions, openLog } from './log.ts'
import { METRICS, samplesOf } from './metrics.ts'
import { Observer } from './observer.ts'
import { networkReportOf, type ProcessReport, peerReportOf, type Report, runReportOf } from './report.ts'

export interface OperationsOptions extends LogOptions {
  readonly http?: HttpPlace
}

export class Operations {
  readonly observer: Observer
  /** For the commands that others add. */
  readonly live: LiveProcess
  readonly #startedAtMs = systemClock.nowMs()
  readonly #log: Log
  readonly #prometheus: PrometheusRegistry | null
  readonly #output: Output
  #describe: (process: ProcessReport) => Report
  #http: HttpServer | null = null
  #network: Libp2pNetwork | null = null
  #peer: PeerId | null = null
  #aloneSinceMs: number | null = null

  private constructor(log: Log, live: LiveProcess, withMetrics: boolean, output: Output, describe: Describe) {
    this.#log = log
    this.live = live
    this.#output = output
    this.#describe = describe
    this.observer = new Observer(systemClock, log)
    this.#prometheus = withMetrics ? new PrometheusRegistry(METRICS) : null
  }

  /**
   * The caller holds the folder's lock.
   * @param describe - makes the report from what is true of every process
   * @throws UserError; NetworkError PORT_TAKEN, BAD_ADDRESS
   */
  static async open(
    dir: string,
    { http, ...logOptions }: OperationsOptions,
    output: Output,
    describe: Describe
  ): Promise<Operations> {
    const log = openLog(logOptions, output)
    const live = await openLiveProcess(dir, output)
    const operations = new Operations(log, live, http !== undefined, output, describe)
    live.answer('status', () => operations.report())
    try {
      if (http !== undefined) await operations.#serve(http)
      return operations
    } catch (error) {
      await operations.close()
      throw error
    }
  }

  report(): Report {
    const nowMs = systemClock.nowMs()
    return this.#describe({
      at: new Date(nowMs).toISOString(),
      startedAt: new Date(this.#startedAtMs).toISOString(),
      uptimeSeconds: Math.round((nowMs - this.#startedAtMs) / 1000),
      pid: process.pid,
      peer: this.#peer,
      network: this.#network === null ? null : networkReportOf(this.#network, this.#aloneSinceMs),
      reasons: this.observer.reasons
    })
  }

  /** From now on the report says more, for example because the process has come to know its run. */
  describeWith(describe: Describe): void {
    this.#describe = describe
  }

  /** Of a peer that takes part in a run. */
  follow(
    { id, manifest }: { readonly id: string; readonly manifest: RunManifest },
    peer: Pick<Peer, 'status'>
  ): void {
    const run = runReportOf(id, manifest)
    this.observer.context = { ...this.observer.context, run: id }
    this.describeWith(process => peerReportOf(process, run, peer.status()))
  }

  is(peer: PeerId): void {
    this.#peer = peer
    this.observer.context = { ...this.observer.context, peer }
  }

  /** What a network must be made with, to be seen here. */
  networkInit(): Pick<Libp2pNetworkInit, 'metrics'> & { readonly log: (message: string) => void } {
    const prometheus = this.#prometheus
    return {
      log: message => {
        this.#output.note(message)
        this.observer.note(message)
      },
      ...(prometheus === null ? {} : { metrics: wire => components => prometheus.libp2p(wire, components) })
    }
  }

  watch(network: Libp2pNetwork): void {
    this.#network = network
    this.is(network.peerId)
    this.#aloneSinceMs = network.peers().length === 0 ? systemClock.nowMs() : null
    const addresses = network.addresses()
    this.observer.tell({ level: 'info', msg: 'listening', fields: { addresses } })
    network.onPeer((other, connected) => {
      const { length: peers } = network.peers()
      this.#aloneSinceMs = peers === 0 ? systemClock.nowMs() : null
      const fields = { other, peers }
      this.observer.tell({ level: 'info', msg: connected ? 'peer came' : 'peer went', fields })
    })
  }

  async close(): Promise<void> {
    this.observer.tell({ level: 'info', msg: 'stopped', fields: {} })
    await this.#http?.close()
    await this.live.close()
    this.#log.close()
  }

  async #serve(place: HttpPlace): Promise<void> {
    const metrics = (): ReturnType<PrometheusRegistry['text']> =>
      this.#prometheus!.text(() => samplesOf(this.report(), this.observer))
    this.#http = await serveMonitors(place, { report: () => this.report(), metrics })
    this.#output.event({ event: 'http', url: this.#http.url })
    this.#output.say(`health at ${this.#http.url}/healthz, metrics at ${this.#http.url}/metrics`)
  }
}

type Describe = (process: ProcessReport) => Report
