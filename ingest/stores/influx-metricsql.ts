/**
 * Reading from VictoriaMetrics: whole points by its export, aggregates by MetricsQL. A rollup at time t covers (t - window, t], and its
 * clock has milliseconds, so a bucket [a, b) is asked for at b - 1 ms. Fresh writes are seen after a forced flush and with
 * `-search.latencyOffset=0s`; a snapshot that is taken and dropped puts what lies in memory on the disk.
 */
import { MendlineError } from '#kernel/errors.ts'
import type { EngineBucket, EngineGrid, EngineRow, EngineSeries, InfluxEngine } from './influx-engine.ts'
import { ALL_TIME, KEY_FIELDS } from './influx-engine.ts'

export interface MetricsqlOptions {
  /** Base of the HTTP API. */
  readonly url: string
  readonly timeoutMs: number
}

interface Matrix {
  readonly data: {
    readonly result: ReadonlyArray<{
      readonly metric: Readonly<Record<string, string>>
      readonly values?: ReadonlyArray<readonly [number, string]>
      readonly value?: readonly [number, string]
    }>
  }
}

interface ExportLine {
  readonly metric: Readonly<Record<string, string>>
  readonly values: ReadonlyArray<number | null>
  readonly timestamps: readonly number[]
}

const AGGREGATES = ['sum', 'min', 'max', 'count'] as const

export function createMetricsqlEngine({ url, timeoutMs }: MetricsqlOptions): InfluxEngine {
  const ask = async (path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Response> => {
    const answer = await fetch(new URL(path, url), {
      method: 'POST',
      body: new URLSearchParams(parameters),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw unavailable(path, cause)
    })
    if (!answer.ok) throw unavailable(path, `${answer.status} ${await answer.text()}`)
    return answer
  }

  /** One aggregate of the fields at the ends of the buckets of a stretch in which all are whole, or of one cut bucket. */
  const rollup = async (kind: string, selector: string, stretch: Stretch): Promise<Matrix> => {
    const query = `${kind}_over_time(${selector}[${stretch.widthMs}ms]) keep_metric_names`
    const last = stretch.fromMs + stretch.count * stretch.widthMs - 1
    const first = stretch.fromMs + stretch.widthMs - 1
    const parameters =
      stretch.count === 1
        ? { query, time: seconds(last), nocache: '1' }
        : { query, start: seconds(first), end: seconds(last), step: `${stretch.widthMs}ms`, nocache: '1' }
    const answer = await ask(stretch.count === 1 ? '/api/v1/query' : '/api/v1/query_range', parameters)
    return (await answer.json()) as Matrix
  }

  return {
    name: 'VictoriaMetrics',
    // A block of values shares one decimal exponent and loses the small ones where the spread exceeds 18 digits.
    isExact: false,
    async refresh() {
      await (await ask('/internal/force_flush')).arrayBuffer()
    },
    async run() {
      const text = await (await ask('/metrics')).text()
      return /^process_start_time_seconds (\S+)$/m.exec(text)?.[1] ?? 'unknown'
    },
    async persist() {
      const made = (await (await ask('/snapshot/create')).json()) as { snapshot?: string }
      if (made.snapshot !== undefined) await (await ask('/snapshot/delete', { snapshot: made.snapshot })).arrayBuffer()
    },
    async rows(series, span) {
      const match = selectorOf(series)
      const answer = await ask('/api/v1/export', { 'match[]': match, start: seconds(span.fromMs), end: seconds(span.toMs - 1) })
      return rowsOf(series.type, exportLines(await answer.text()))
    },
    async buckets(series, fields, grid) {
      const selector = selectorOf(series, fields)
      const found = new Map<string, Mutable>()
      for (const stretch of stretchesOf(grid)) {
        const answers = await Promise.all(AGGREGATES.map((kind) => rollup(kind, selector, stretch)))
        for (const [index, answer] of answers.entries()) {
          for (const { metric, values, value } of answer.data.result) {
            const field = (metric.__name__ ?? '').slice(series.type.length + 1)
            for (const [at, text] of values ?? (value === undefined ? [] : [value])) {
              const t = stretch.t + Math.round((at * 1_000 + 1 - stretch.fromMs) / stretch.widthMs - 1) * stretch.stepMs
              merge(found, { t, field }, AGGREGATES[index] ?? 'sum', Number(text))
            }
          }
        }
      }
      return [...found.values()]
    },
    async series(types) {
      const found: EngineSeries[] = []
      for (const type of types) {
        const match = `{__name__=${quote(`${type}_${KEY_FIELDS.seq}`)}}`
        const answer = await ask('/api/v1/series', { 'match[]': match, start: seconds(ALL_TIME.fromMs), end: seconds(ALL_TIME.toMs) })
        const { data } = (await answer.json()) as { data: ReadonlyArray<Readonly<Record<string, string>>> }
        const names = new Set(data.map(({ tenant = '', device = '' }) => `${tenant}/${device}`))
        for (const name of names) {
          const [tenant = '', device = ''] = name.split('/')
          found.push({ tenant, device, type })
        }
      }
      return found
    },
    async counts(types) {
      let points = 0
      let values = 0
      for (const type of types) {
        const counted = async (names: string): Promise<number> => {
          const query = `sum(count_over_time({__name__=~${quote(names)}}[200y]))`
          const answer = (await (await ask('/api/v1/query', { query, time: seconds(ALL_TIME.toMs), nocache: '1' })).json()) as Matrix
          return Number(answer.data.result[0]?.value?.[1] ?? 0)
        }
        const own = escapePattern(type)
        const keys = await counted(`${own}_(${Object.values(KEY_FIELDS).join('|')})`)
        points += await counted(`${own}_${KEY_FIELDS.seq}`)
        values += (await counted(`${own}_.+`)) - keys
      }
      return { points, values }
    },
  }
}

/** Buckets that are asked for together: `count` windows of `widthMs`, the first from `fromMs`; their names begin at `t` and go on by `stepMs`. */
interface Stretch {
  readonly t: number
  readonly stepMs: number
  readonly fromMs: number
  readonly widthMs: number
  readonly count: number
}

/** The grid as a cut first bucket, whole ones, and a cut last one. */
function stretchesOf({ fromMs, toMs, originMs, widthMs }: EngineGrid): readonly Stretch[] {
  const startOf = (ms: number): number => originMs + Math.floor((ms - originMs) / widthMs) * widthMs
  const stretches: Stretch[] = []
  let at = fromMs
  const cut = (t: number, toMsOfCut: number): void => {
    stretches.push({ t, stepMs: widthMs, fromMs: at, widthMs: toMsOfCut - at, count: 1 })
    at = toMsOfCut
  }
  if (at > startOf(at) && at < toMs) cut(startOf(at), Math.min(toMs, startOf(at) + widthMs))
  const whole = Math.floor((toMs - at) / widthMs)
  if (whole > 0) {
    stretches.push({ t: at, stepMs: widthMs, fromMs: at, widthMs, count: whole })
    at += whole * widthMs
  }
  if (at < toMs) cut(startOf(at), toMs)
  return stretches
}

type Mutable = { -readonly [Key in keyof EngineBucket]: EngineBucket[Key] }

/** A device has a series of its own for each firmware; they are one here. */
function merge(found: Map<string, Mutable>, { t, field }: Pick<EngineBucket, 't' | 'field'>, kind: (typeof AGGREGATES)[number], value: number): void {
  const key = `${t}/${field}`
  let bucket = found.get(key)
  if (bucket === undefined) {
    bucket = { t, field, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, n: 0 }
    found.set(key, bucket)
  }
  if (kind === 'sum') bucket.sum += value
  else if (kind === 'count') bucket.n += value
  else bucket[kind] = Math[kind](bucket[kind], value)
}

function exportLines(text: string): readonly ExportLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ExportLine)
}

function rowsOf(type: string, lines: readonly ExportLine[]): readonly EngineRow[] {
  const rows = new Map<string, EngineRow & { readonly fields: Map<string, number> }>()
  for (const { metric, values, timestamps } of lines) {
    const field = (metric.__name__ ?? '').slice(type.length + 1)
    const firmware = metric.fw
    for (const [index, observedAtMs] of timestamps.entries()) {
      const value = values[index]
      if (value === null || value === undefined) continue
      const key = `${observedAtMs}/${firmware ?? ''}`
      const row = rows.get(key) ?? { firmware, observedAtMs, fields: new Map<string, number>() }
      row.fields.set(field, value)
      rows.set(key, row)
    }
  }
  return [...rows.values()].sort((a, b) => a.observedAtMs - b.observedAtMs)
}

function selectorOf({ tenant, device, type }: EngineSeries, fields?: readonly string[]): string {
  const names = fields === undefined ? '.+' : `(${fields.map(escapePattern).join('|')})`
  return `{__name__=~${quote(`${escapePattern(type)}_${names}`)},tenant=${quote(tenant)},device=${quote(device)}}`
}

const quote = (text: string): string => JSON.stringify(text)
const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const seconds = (ms: number): string => (ms / 1_000).toFixed(3)

const unavailable = (path: string, cause: unknown): MendlineError =>
  new MendlineError('MDL_STORE_UNAVAILABLE', `the time-series engine does not answer ${path}`, { retryable: true, cause })
