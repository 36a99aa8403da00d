/**
 * Metrics of the process in Prometheus' text form: what the parts count, read when somebody asks. Names begin with `mendline_`, units are
 * their last word, counters end in `_total`. A difference between what came in and what is accounted for stands on its own line.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** One number with the labels it belongs to. */
export interface Sample {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

export interface Metrics {
  readonly contentType: string
  /** Text of all metrics at this moment. */
  metrics(): Promise<string>
}

/** Creates the metrics over what `collect` reads; `collect` may fail, then only the process's own metrics are shown. */
export function createMetrics(collect: () => Promise<readonly Sample[]>): Metrics {
  const own = new Registry()
  collectDefaultMetrics({ register: own, prefix: 'mendline_process_' })
  return {
    contentType: own.contentType,
    async metrics() {
      const registry = new Registry()
      const up = new Gauge({ name: 'mendline_collect_ok_ratio', help: '1 when all parts could be asked', registers: [registry] })
      try {
        addSamples(registry, await collect())
        up.set(1)
      } catch {
        up.set(0)
      }
      return `${await registry.metrics()}${await own.metrics()}`
    },
  }
}

function addSamples(registry: Registry, samples: readonly Sample[]): void {
  const made = new Map<string, Counter | Gauge>()
  for (const { name, help, kind, value, labels = {} } of samples) {
    let metric = made.get(name)
    if (metric === undefined) {
      const options = { name, help, labelNames: Object.keys(labels), registers: [registry] }
      metric = kind === 'counter' ? new Counter(options) : new Gauge(options)
      made.set(name, metric)
    }
    metric.inc(labels, value)
  }
}

/** Samples of an object of counts: `<prefix>_<field>` each; fields that end in a unit or `pending` become gauges. */
export function samplesOf(prefix: string, help: string, counts: Readonly<Record<string, number>>, kind: Sample['kind']): Sample[] {
  return Object.entries(counts).map(([field, value]) => {
    const name = `${prefix}_${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}${kind === 'counter' ? '_total' : ''}`
    return { name, help: `${help}: ${field}`, kind, value }
  })
}
