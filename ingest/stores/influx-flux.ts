/** Reading from InfluxDB 2 by Flux. A point is one table row after a pivot; windows are cut at the range's ends by Flux itself. */
import { flux, fluxDateTime, fluxExpression, type InfluxDB, type QueryApi } from '@influxdata/influxdb-client'
import { MendlineError } from '#kernel/errors.ts'
import type { EngineBucket, EngineRow, EngineSeries, EngineSpan, InfluxEngine } from './influx-engine.ts'
import { ALL_TIME, KEY_FIELDS } from './influx-engine.ts'

export interface FluxOptions {
  readonly client: InfluxDB
  readonly organisation: string
  readonly bucket: string
}

type Record_ = Readonly<Record<string, unknown>>

const AGGREGATES = ['sum', 'min', 'max', 'count'] as const
const NO_FIELDS = new Set(['result', 'table', '_time', '_start', '_stop', '_measurement', 'tenant', 'device', 'fw'])

export function createFluxEngine({ client, organisation, bucket }: FluxOptions): InfluxEngine {
  const queries = client.getQueryApi(organisation)
  const range = ({ fromMs, toMs }: EngineSpan) => fluxExpression(`range(start: ${instant(fromMs)}, stop: ${instant(toMs)})`)
  const from = (span: EngineSpan) => fluxExpression(flux`from(bucket: ${bucket}) |> ${range(span)}`.toString())
  const own = ({ tenant, device, type }: EngineSeries) =>
    fluxExpression(flux`filter(fn: (r) => r._measurement == ${type} and r.tenant == ${tenant} and r.device == ${device})`.toString())

  return {
    name: 'InfluxDB 2',
    isExact: true,
    // A write is answered behind its log's fsync and is seen by the next query.
    async refresh() {},
    run: async () => 'logged',
    async persist() {},
    async rows(series, span) {
      const query = flux`${from(span)} |> ${own(series)} |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")`
      const records = await collect(queries, query.toString())
      return records.map(rowOf).sort((a, b) => a.observedAtMs - b.observedAtMs)
    },
    async buckets(series, fields, grid) {
      const every = fluxExpression(`${grid.widthMs}ms`)
      const offset = fluxExpression(`${(((grid.originMs % grid.widthMs) + grid.widthMs) % grid.widthMs).toFixed(0)}ms`)
      const wanted = new Set(fields)
      const found = new Map<string, { -readonly [Key in keyof EngineBucket]: EngineBucket[Key] }>()
      const answers = await Promise.all(
        AGGREGATES.map((kind) => {
          const named = fluxExpression(kind)
          const windows = flux`aggregateWindow(every: ${every}, offset: ${offset}, fn: ${named}, createEmpty: false, timeSrc: "_start")`
          const query = flux`${from(grid)} |> ${own(series)} |> group(columns: ["_field"]) |> ${fluxExpression(windows.toString())}`
          return collect(queries, query.toString())
        }),
      )
      for (const [index, records] of answers.entries()) {
        for (const record of records) {
          const field = String(record._field)
          if (!wanted.has(field)) continue
          const beginMs = Date.parse(String(record._time))
          const t = grid.originMs + Math.floor((beginMs - grid.originMs) / grid.widthMs) * grid.widthMs
          const key = `${t}/${field}`
          const bucketOf = found.get(key) ?? { t, field, sum: 0, min: 0, max: 0, n: 0 }
          const kind = AGGREGATES[index] ?? 'sum'
          bucketOf[kind === 'count' ? 'n' : kind] = Number(record._value)
          found.set(key, bucketOf)
        }
      }
      return [...found.values()]
    },
    async series(types) {
      const found: EngineSeries[] = []
      for (const type of types) {
        const query = flux`${from(ALL_TIME)} |> filter(fn: (r) => r._measurement == ${type} and r._field == ${KEY_FIELDS.seq})
          |> group(columns: ["tenant", "device"]) |> last() |> keep(columns: ["tenant", "device"])`
        for (const record of await collect(queries, query.toString())) {
          found.push({ tenant: String(record.tenant), device: String(record.device), type })
        }
      }
      return found
    },
    async counts(types) {
      let points = 0
      let values = 0
      for (const type of types) {
        const query = flux`${from(ALL_TIME)} |> filter(fn: (r) => r._measurement == ${type}) |> group(columns: ["_field"]) |> count()`
        for (const record of await collect(queries, query.toString())) {
          const field = String(record._field)
          if (field === KEY_FIELDS.seq) points += Number(record._value)
          if (!(Object.values(KEY_FIELDS) as string[]).includes(field)) values += Number(record._value)
        }
      }
      return { points, values }
    },
  }
}

function rowOf(record: Record_): EngineRow {
  const fields = new Map<string, number>()
  for (const [name, value] of Object.entries(record)) if (!NO_FIELDS.has(name) && typeof value === 'number') fields.set(name, value)
  const firmware = record.fw
  return {
    firmware: typeof firmware === 'string' && firmware !== '' ? firmware : undefined,
    observedAtMs: Date.parse(String(record._time)),
    fields,
  }
}

async function collect(queries: QueryApi, query: string): Promise<readonly Record_[]> {
  try {
    return await queries.collectRows<Record_>(query)
  } catch (cause) {
    throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the time-series engine does not answer a query', { retryable: true, cause })
  }
}

const instant = (ms: number): string => fluxDateTime(new Date(ms).toISOString()).toString()
