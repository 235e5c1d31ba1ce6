/**
 * Metrics in Prometheus' text format: libp2p's own, those of the process (event loop, memory), and ours, which are worked
 * out when somebody asks. Beside them libp2p's streams go on being counted by WireBytes.
 */
import type { ComponentLogger, Metrics } from '@libp2p/interface'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Counter, Gauge, Registry } from 'prom-client'

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface MetricDefinition {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly labels: readonly string[]
}

export interface MetricsText {
  readonly contentType: string
  readonly text: string
}

/** What libp2p hands to whoever makes its metrics. */
export interface MetricsComponents {
  readonly logger: ComponentLogger
}

export class PrometheusRegistry {
  readonly #registry = new Registry()
  readonly #ours: ReadonlyMap<string, { readonly metric: Counter | Gauge; readonly hasLabels: boolean }>
  #working: Promise<MetricsText> | null = null

  constructor(definitions: readonly MetricDefinition[]) {
    const registers = [this.#registry]
    this.#ours = new Map(
      definitions.map(({ name, type, help, labels }) => {
        const settings = { name, help, labelNames: [...labels], registers }
        const metric = type === 'counter' ? new Counter(settings) : new Gauge(settings)
        return [name, { metric, hasLabels: labels.length > 0 }] as const
      })
    )
  }

  /** The metrics service of a libp2p node that counts its streams in `wire` too. */
  libp2p(wire: Metrics, components: MetricsComponents): Metrics {
    const theirs = prometheusMetrics({ registry: this.#registry })(components)
    return new Proxy(theirs, {
      get(target, key) {
        if (key === 'trackMultiaddrConnection' || key === 'trackProtocolStream') {
          return (channel: never) => {
            wire[key](channel)
            target[key](channel)
          }
        }
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
  }

  /** @param sample - the values of ours now; two who ask at once are given the same answer */
  text(sample: () => ReadonlyMap<string, readonly MetricSample[]>): Promise<MetricsText> {
    this.#working ??= this.#text(sample()).finally(() => {
      this.#working = null
    })
    return this.#working
  }

  async #text(values: ReadonlyMap<string, readonly MetricSample[]>): Promise<MetricsText> {
    for (const [name, { metric, hasLabels }] of this.#ours) {
      const samples = values.get(name) ?? []
      metric.reset()
      // A reset metric without labels would say 0, which is another thing than nothing to say.
      if (samples.length === 0 && !hasLabels) metric.remove()
      for (const { labels, value } of samples) metric.inc({ ...labels }, value)
    }
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}
