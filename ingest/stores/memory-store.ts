/** The reading store in memory, for tests and small demonstrations: the meaning of each query in its plainest form. */
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { assert } from '#kernel/errors.ts'
import { createLocalDays } from '#kernel/local-day.ts'
import type { Reading } from '#kernel/reading.ts'
import type { BucketQuery, HighestReading, HistoryQuery, ReadingBucket, ReadingStore, StoredQuarantineEntry } from '../reading-store.ts'
import { readingKey } from '../same-reading.ts'
import { meanOfSum } from './bucket-mean.ts'
import { bucketGrid, chartedChannels, columnsOf, pointsWithin, rawReading, type StoredChannel, type StoredType, storedType } from './stored-type.ts'

const HOUR_MS = 3_600_000

/** Creates an empty store. */
export function createMemoryStore(): ReadingStore {
  const types = new Map<string, StoredType>()
  const readings = new Map<string, Reading>()
  const quarantine: StoredQuarantineEntry[] = []
  let position = 0

  const typeOf = (reading: Reading): StoredType => {
    const type = types.get(reading.type)
    assert(type !== undefined, 'a type is prepared before its readings are written')
    return type
  }

  return {
    async start() {
      return { position }
    },
    async prepareType(type) {
      types.set(type.id, storedType(type, types.get(type.id)))
    },
    async write(batch) {
      for (const reading of batch.readings) {
        typeOf(reading)
        readings.set(`${reading.type}/${readingKey(reading)}`, reading)
      }
      for (const entry of batch.quarantine) quarantine.push({ ...entry, raw: entry.raw.slice(), id: quarantine.length + 1 })
      position = batch.position
    },
    async lookup(keys) {
      const found = new Map<string, Reading>()
      for (const key of keys) {
        const reading = readings.get(`${key.type}/${readingKey(key)}`)
        if (reading !== undefined) found.set(readingKey(key), reading)
      }
      return found
    },
    async highest() {
      const highest = new Map<string, HighestReading>()
      for (const { tenant, device, boot, seq } of readings.values()) {
        const key = `${tenant}/${device}/${boot}`
        if (seq > (highest.get(key)?.seq ?? -1)) highest.set(key, { tenant, device, boot, seq })
      }
      return [...highest.values()]
    },
    async checkpoint() {},
    async buckets(query) {
      const own = [...readings.values()].filter((reading) => reading.tenant === query.tenant && reading.device === query.device)
      const ownTypes = [...new Set(own.map(typeOf))]
      const count = ownTypes.reduce((sum, type) => sum + chartedChannels(type, query.channels).length, 0)
      const maxPoints = pointsWithin(query.maxPoints, count, query.maxBuckets)
      const rows = ownTypes.flatMap((type) =>
        bucketsOf(
          type,
          own.filter((reading) => reading.type === type.id),
          { ...query, maxPoints },
        ),
      )
      return rows.sort((a, b) => a.t - b.t)
    },
    async *raw(query) {
      const own = [...readings.values()].filter(
        (reading) =>
          reading.tenant === query.tenant &&
          (query.device === undefined || reading.device === query.device) &&
          reading.observed_at_ms >= query.from_ms &&
          reading.observed_at_ms < query.to_ms,
      )
      own.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.boot - b.boot || a.seq - b.seq))
      for (const reading of own) yield rawReading(reading, typeOf(reading))
    },
    async *history(query) {
      yield* historyOf([...readings.values()], query)
    },
    async quarantined({ tenant, device, code, after, limit, maxRawBytes = Number.POSITIVE_INFINITY }) {
      const own = quarantine.filter((entry) => entry.tenant === tenant && entry.id > after)
      const wanted = own.filter((entry) => (device ?? entry.device) === entry.device && (code ?? entry.code) === entry.code).slice(0, limit)
      let bytes = 0
      const reached = wanted.findIndex(({ raw }) => {
        bytes += raw.length
        return bytes >= maxRawBytes
      })
      return reached < 0 ? wanted : wanted.slice(0, reached + 1)
    },
    async statistics() {
      let values = 0
      for (const reading of readings.values()) values += reading.numbers.filter((value) => !Number.isNaN(value)).length + reading.texts.length
      return { readings: readings.size, values, quarantined: quarantine.length, bytes: 0 }
    },
    async stop() {},
  }
}

function historyOf(readings: readonly Reading[], { tenant, device, type, from_ms, to_ms }: HistoryQuery): Reading[] {
  const own = readings.filter((reading) => reading.device === device && reading.tenant === tenant && reading.type === type)
  const inside = own.filter(({ observed_at_ms }) => observed_at_ms >= from_ms && observed_at_ms <= to_ms)
  return inside.sort((a, b) => a.observed_at_ms - b.observed_at_ms || a.boot - b.boot || a.seq - b.seq)
}

function bucketsOf(type: StoredType, given: readonly Reading[], query: BucketQuery): ReadingBucket[] {
  const { span, beginOf } = bucketing(query)
  const readings = given.filter((reading) => reading.observed_at_ms >= span.from_ms && reading.observed_at_ms < span.to_ms)
  const rows: ReadingBucket[] = []
  const starts = [...new Set(readings.map((reading) => beginOf(reading.observed_at_ms)))]
  for (const start of starts.sort((a, b) => a - b)) {
    const inside = readings.filter((reading) => beginOf(reading.observed_at_ms) === start)
    for (const [channel, columns] of chosenChannels(type, query.channels)) {
      const bucket = bucketOf(inside, columns)
      if (bucket !== undefined) rows.push({ t: epochMs(start), device: query.device, channel: channel.name, ...bucket })
    }
  }
  return rows
}

/** What is asked for: device times [from, to), and the begin of the bucket of each. */
function bucketing(query: BucketQuery): { readonly span: Pick<BucketQuery, 'from_ms' | 'to_ms'>; readonly beginOf: (ms: number) => number } {
  if (query.tier === 'daily') {
    const localDays = createLocalDays(query.timeZone ?? 'UTC')
    const all = localDays.daysIn(query.from_ms, query.to_ms).filter((day) => day.from_ms >= query.from_ms)
    const days = all.slice(0, query.maxPoints)
    const span = { from_ms: days[0]?.from_ms ?? query.to_ms, to_ms: days.at(-1)?.to_ms ?? query.to_ms }
    return { span, beginOf: (ms) => localDays.dayOf(ms).from_ms }
  }
  const hour = (ms: number): EpochMs => epochMs(query.tier === 'hourly' ? Math.ceil(ms / HOUR_MS) * HOUR_MS : ms)
  const span = { from_ms: hour(query.from_ms), to_ms: hour(query.to_ms) }
  const { originMs, widthMs } = bucketGrid(span.from_ms, span.to_ms, query.maxPoints)
  const wide = hour(widthMs)
  return { span, beginOf: (ms) => originMs + Math.floor((ms - originMs) / wide) * wide }
}

function bucketOf(
  readings: readonly Reading[],
  [column = -1, minimum = -1, maximum = -1]: readonly number[],
): Pick<ReadingBucket, 'mean' | 'min' | 'max' | 'n'> | undefined {
  const bucket = { sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, n: 0 }
  for (const { numbers } of readings) {
    const value = numbers[column] ?? Number.NaN
    if (Number.isNaN(value)) continue
    const low = numbers[minimum] ?? Number.NaN
    const high = numbers[maximum] ?? Number.NaN
    bucket.sum += value
    bucket.min = Math.min(bucket.min, value, Number.isNaN(low) ? value : low)
    bucket.max = Math.max(bucket.max, value, Number.isNaN(high) ? value : high)
    bucket.n++
  }
  const { sum: _, ...counted } = bucket
  return bucket.n === 0 ? undefined : { mean: meanOfSum(bucket), ...counted }
}

/** Channels of a query with their columns, in the type's order; no names = all that have numbers. */
const chosenChannels = (type: StoredType, names: readonly string[]): ReadonlyArray<readonly [StoredChannel, readonly number[]]> =>
  chartedChannels(type, names).map((channel) => [channel, columnsOf(channel).map((column) => type.indexOf.get(column) ?? -1)])
