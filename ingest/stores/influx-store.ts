/**
 * The reading store on any engine with InfluxDB's v2 write API. The engine holds numbers: one point a reading, its measurement the type,
 * tags tenant, device and firmware, fields the channels with boot, seq, time of receipt and flags. What an engine cannot hold stands in a
 * local `side` store: texts, the quarantine, a reading whose device and millisecond another one took or whose numbers it would round, and
 * the position. The position
 * moves only at a checkpoint, behind the engine's own flush; after a crash the journal writes the same points again over themselves.
 */
import { InfluxDB, type Point, setLogger, type WriteApi } from '@influxdata/influxdb-client'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { BucketQuery, HighestReading, HistoryQuery, RawQuery, RawReading, ReadingBucket, ReadingStore, StoreBatch } from '../reading-store.ts'
import { readingKey } from '../same-reading.ts'
import { ALL_TIME, type EngineRow, type EngineSeries, type InfluxEngine, KEY_FIELDS } from './influx-engine.ts'
import { createFluxEngine } from './influx-flux.ts'
import { gridsOf } from './influx-grids.ts'
import { createMetricsqlEngine } from './influx-metricsql.ts'
import { addInto, bucketsBeside, isBeyondDecimals, joined, pointOf, readingOfRow, rowOf } from './influx-points.ts'
import { unlessAborted } from './influx-waits.ts'
import { chartedChannels, columnsOf, pointsWithin, rawReading, type StoredType, storedType } from './stored-type.ts'

export interface InfluxStoreOptions {
  readonly url: string
  readonly language: 'metricsql' | 'flux'
  /** Empty for an engine without logins. */
  readonly token: string
  readonly organisation: string
  readonly bucket: string
  readonly side: ReadingStore
  readonly limits: Pick<Limits, 'influxTimeoutMs' | 'influxReadWaitMs' | 'influxBatchPoints' | 'influxSidePending_MAX' | 'influxUnsettled_MAX'>
}

/** Creates the store; `start` asks the engine what it holds. */
export const createInfluxStore = (options: InfluxStoreOptions): ReadingStore => new InfluxStore(options)

/** How long a stop waits for an engine that may have hung; what it has not is in the journal. */
const LEAVE_MS = 2_000

/** Milliseconds of a device that are remembered, to see that another reading has taken one. */
const REMEMBERED_MS_MAX = 256

class InfluxStore implements ReadingStore {
  readonly #options: InfluxStoreOptions
  readonly #engine: InfluxEngine
  readonly #writes: WriteApi
  readonly #types = new Map<string, StoredType>()
  readonly #series = new Map<string, EngineSeries>()
  /** Per device the newest device times with the key of the reading that has each. */
  readonly #taken = new Map<string, Map<number, string>>()
  #counted = { points: 0, values: 0 }
  #side: { readings: Reading[]; quarantine: QuarantineEntry[]; position: number | undefined } = { readings: [], quarantine: [], position: undefined }
  #isFresh = false
  /** Points that the engine took and may still forget, and the run of it that took them. */
  #unsettled: { points: Point[]; run: string } = { points: [], run: '' }
  #tail: Promise<unknown> = Promise.resolve()
  readonly #leaving = new AbortController()

  constructor(options: InfluxStoreOptions) {
    this.#options = options
    const { url, token, organisation, bucket, language, limits } = options
    // The client would write to the console what the caller is told by the error.
    setLogger({ error: () => {}, warn: () => {} })
    const client = new InfluxDB({ url, token, timeout: limits.influxTimeoutMs })
    this.#engine =
      language === 'flux' ? createFluxEngine({ client, organisation, bucket }) : createMetricsqlEngine({ url, timeoutMs: limits.influxTimeoutMs })
    // One failed batch is the whole call's failure: the pipeline keeps what it took and tries again, which is the back-pressure.
    // A batch that fills sends itself and nobody hears of its fate, so no batch ever fills: each is sent by its own flush.
    const writeOptions = { batchSize: limits.influxBatchPoints + 1, flushInterval: 0, maxRetries: 0, gzipThreshold: 4_096 }
    this.#writes = client.getWriteApi(organisation, bucket, 'ms', writeOptions)
  }

  async start(): Promise<{ readonly position: number }> {
    const { position } = await this.#options.side.start()
    return { position }
  }

  async prepareType(type: ApplianceType): Promise<void> {
    await this.#options.side.prepareType(type)
    const isNew = !this.#types.has(type.id)
    this.#types.set(type.id, storedType(type, this.#types.get(type.id)))
    if (!isNew) return
    await this.#engine.refresh()
    for (const series of await this.#engine.series([type.id])) this.#series.set(seriesName(series), series)
    const { points, values } = await this.#engine.counts([type.id])
    this.#counted = { points: this.#counted.points + points, values: this.#counted.values + values }
  }

  write(batch: StoreBatch): Promise<void> {
    return this.#inTurn(async () => {
      const { influxSidePending_MAX, influxUnsettled_MAX } = this.#options.limits
      // Before anything of this batch is kept: a batch that fails is given again whole.
      const pending = this.#side.readings.length + this.#side.quarantine.length
      if (pending >= influxSidePending_MAX || this.#unsettled.points.length >= influxUnsettled_MAX) await this.#settle()
      const points: Point[] = []
      const side: Reading[] = []
      let values = 0
      let whole = 0
      for (const reading of batch.readings) {
        const type = this.#types.get(reading.type)
        assert(type !== undefined, 'a type is prepared before its readings are written')
        if (!this.#take(reading)) {
          whole++
          side.push(reading)
          continue
        }
        if (reading.texts.length > 0) side.push({ ...reading, numbers: new Float64Array(reading.numbers.length).fill(Number.NaN) })
        points.push(pointOf(reading, type))
        for (const value of reading.numbers) if (!Number.isNaN(value)) values++
      }
      if (this.#unsettled.points.length === 0 && points.length > 0) this.#unsettled.run = await this.#engine.run()
      await this.#send(points)
      for (const point of points) this.#unsettled.points.push(point)
      this.#counted = { points: this.#counted.points + points.length, values: this.#counted.values + values }
      // Behind the engine's answer: a batch that it did not take comes again.
      this.#wholeInSide += whole
      this.#side.readings.push(...side)
      this.#side.quarantine.push(...batch.quarantine)
      this.#side.position = batch.position
    })
  }

  async lookup(keys: Parameters<ReadingStore['lookup']>[0]): Promise<ReadonlyMap<string, Reading>> {
    await this.#see()
    const found = new Map(await this.#options.side.lookup(keys))
    for (const [name, wanted] of Map.groupBy(keys, seriesName)) {
      const series = this.#series.get(name)
      if (series === undefined) continue
      const names = new Set(wanted.map(readingKey))
      for (const row of await this.#engine.rows(series, ALL_TIME)) {
        const reading = this.#readingOf(series, row)
        const key = readingKey(reading)
        if (names.has(key)) found.set(key, joined(reading, found.get(key)))
      }
    }
    return found
  }

  async highest(): Promise<readonly HighestReading[]> {
    await this.#see()
    const highest = new Map<string, HighestReading>()
    const add = ({ tenant, device, boot, seq }: HighestReading): void => {
      const key = `${tenant}/${device}/${boot}`
      if (seq > (highest.get(key)?.seq ?? -1)) highest.set(key, { tenant, device, boot, seq })
    }
    for (const one of await this.#options.side.highest()) add(one)
    for (const series of this.#series.values()) {
      for (const { fields } of await this.#engine.rows(series, ALL_TIME)) {
        add({ tenant: series.tenant, device: series.device, boot: fields.get(KEY_FIELDS.boot) ?? 0, seq: fields.get(KEY_FIELDS.seq) ?? 0 })
      }
    }
    return [...highest.values()]
  }

  checkpoint(): Promise<void> {
    return this.#inTurn(() => this.#settle())
  }

  async buckets(query: BucketQuery): Promise<readonly ReadingBucket[]> {
    await this.#see()
    const own = [...this.#series.values()].filter(({ tenant, device }) => tenant === query.tenant && device === query.device)
    const types = own.flatMap((series) => {
      const type = this.#types.get(series.type)
      return type === undefined ? [] : [{ series, type, channels: chartedChannels(type, query.channels) }]
    })
    const count = types.reduce((sum, { channels }) => sum + channels.length, 0)
    const grids = gridsOf(query, pointsWithin(query.maxPoints, count, query.maxBuckets))
    const rows: ReadingBucket[] = []
    for (const { series, type, channels } of types) {
      for (const grid of grids) {
        const answers = await this.#engine.buckets(series, channels.flatMap(columnsOf), grid)
        const found = new Map(answers.map((bucket) => [`${bucket.t}/${bucket.field}`, bucket]))
        for (const bucket of await bucketsBeside(this.#options.side, { series, type, grid })) addInto(found, bucket)
        for (const t of [...new Set([...found.values()].map((bucket) => bucket.t))]) {
          for (const channel of channels) {
            const row = rowOf(found, t, channel.name)
            if (row !== undefined) rows.push({ t: epochMs(t), device: query.device, channel: channel.name, ...row })
          }
        }
      }
    }
    return rows.sort((a, b) => a.t - b.t)
  }

  async *raw(query: RawQuery): AsyncIterable<RawReading> {
    await this.#see()
    const side = new Map<string, RawReading>()
    for await (const row of this.#options.side.raw(query)) side.set(readingKey({ ...row, tenant: query.tenant }), row)
    const own = [...this.#series.values()].filter(({ tenant, device }) => tenant === query.tenant && device === (query.device ?? device))
    const devices = [...new Set([...own.map(({ device }) => device), ...[...side.values()].map(({ device }) => device)])].sort()
    for (const device of devices) {
      const rows: RawReading[] = []
      for (const series of own.filter((one) => one.device === device)) {
        const type = this.#types.get(series.type)
        if (type === undefined) continue
        for (const row of await this.#engine.rows(series, { fromMs: query.from_ms, toMs: query.to_ms })) {
          const reading = this.#readingOf(series, row)
          const key = readingKey(reading)
          const beside = side.get(key)
          side.delete(key)
          const whole = rawReading(reading, type)
          rows.push(beside === undefined ? whole : { ...whole, v: { ...whole.v, ...beside.v } })
        }
      }
      for (const row of side.values()) if (row.device === device) rows.push(row)
      yield* rows.sort((a, b) => a.boot - b.boot || a.seq - b.seq)
    }
  }

  async *history(query: HistoryQuery): AsyncIterable<Reading> {
    await this.#see()
    const found = new Map<string, Reading>()
    for await (const reading of this.#options.side.history(query)) found.set(readingKey(reading), reading)
    const series = this.#series.get(seriesName(query))
    if (series !== undefined) {
      for (const row of await this.#engine.rows(series, { fromMs: query.from_ms, toMs: query.to_ms + 1 })) {
        const reading = this.#readingOf(series, row)
        found.set(readingKey(reading), joined(reading, found.get(readingKey(reading))))
      }
    }
    yield* [...found.values()].sort((a, b) => a.observed_at_ms - b.observed_at_ms || a.boot - b.boot || a.seq - b.seq)
  }

  async quarantined(query: Parameters<ReadingStore['quarantined']>[0]): ReturnType<ReadingStore['quarantined']> {
    await this.#see()
    return this.#options.side.quarantined(query)
  }

  /** Never waits for the engine: it is asked by who looks for the reason of an outage. */
  async statistics(): ReturnType<ReadingStore['statistics']> {
    const side = await this.#options.side.statistics()
    let waiting = 0
    for (const { numbers, texts } of this.#side.readings) {
      waiting += texts.length
      for (const value of numbers) if (!Number.isNaN(value)) waiting++
    }
    // A reading with texts has its numbers in the engine; the side store counts it as well.
    return {
      readings: this.#counted.points + this.#wholeInSide,
      values: this.#counted.values + side.values + waiting,
      quarantined: side.quarantined + this.#side.quarantine.length,
      bytes: side.bytes,
    }
  }

  leave(): void {
    AbortSignal.timeout(LEAVE_MS).addEventListener('abort', () => this.#leaving.abort())
  }

  async stop(): Promise<void> {
    await this.checkpoint().catch(() => {})
    await unlessAborted(this.#leaving.signal, this.#writes.close()).catch(() => {})
    await this.#options.side.stop()
  }

  /** Readings that stand in the side store whole. */
  #wholeInSide = 0

  /** Whether the engine can hold the reading: its numbers fit, and its device's millisecond is free, or its own from an earlier try. */
  #take(reading: Reading): boolean {
    const name = seriesName(reading)
    if (!this.#engine.isExact && reading.numbers.some(isBeyondDecimals)) return false
    this.#series.set(name, { tenant: reading.tenant, device: reading.device, type: reading.type })
    let taken = this.#taken.get(name)
    if (taken === undefined) {
      taken = new Map()
      this.#taken.set(name, taken)
    }
    const key = readingKey(reading)
    const owner = taken.get(reading.observed_at_ms)
    if (owner !== undefined) return owner === key
    taken.set(reading.observed_at_ms, key)
    if (taken.size > REMEMBERED_MS_MAX) taken.delete(taken.keys().next().value ?? 0)
    return true
  }

  async #send(points: readonly Point[]): Promise<void> {
    if (points.length === 0) return
    try {
      for (let first = 0; first < points.length; first += this.#options.limits.influxBatchPoints) {
        this.#writes.writePoints(points.slice(first, first + this.#options.limits.influxBatchPoints))
        await this.#writes.flush()
      }
    } catch (cause) {
      throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the time-series engine does not take readings', { retryable: true, cause })
    }
    this.#isFresh = true
  }

  /** Puts the engine's points on its disk, then what stands beside them with the position. */
  async #settle(): Promise<void> {
    const { readings, quarantine, position } = this.#side
    if (position !== undefined) {
      await this.#persist()
      await this.#options.side.write({ readings, quarantine, position })
      this.#side = { readings: [], quarantine: [], position: undefined }
    }
    await this.#options.side.checkpoint()
  }

  /** An engine that started anew meanwhile has forgotten what it had not on its disk: it is given all of that again. */
  async #persist(): Promise<void> {
    const { points, run } = this.#unsettled
    const now = points.length === 0 ? run : await this.#engine.run()
    if (now !== run) await this.#send(points)
    this.#unsettled.run = now
    await this.#engine.persist()
    const after = points.length === 0 ? now : await this.#engine.run()
    if (after !== now) throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the time-series engine started anew while it wrote', { retryable: true })
    this.#unsettled = { points: [], run: after }
  }

  /** What was written is visible to the query that follows. @throws MendlineError MDL_STORE_UNAVAILABLE after `influxReadWaitMs` */
  #see(): Promise<void> {
    const seen = this.#inTurn(async () => {
      if (this.#side.position !== undefined) await this.#settle()
      if (this.#isFresh) await this.#engine.refresh()
      this.#isFresh = false
    })
    return unlessAborted(AbortSignal.timeout(this.#options.limits.influxReadWaitMs), seen)
  }

  #readingOf(series: EngineSeries, row: EngineRow): Reading {
    return readingOfRow(series, row, this.#types.get(series.type)?.columns ?? [])
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#tail.catch(() => {}).then(() => unlessAborted(this.#leaving.signal, task()))
    this.#tail = turn
    return turn
  }
}

const seriesName = ({ tenant, device, type }: Pick<Reading, 'tenant' | 'device' | 'type'>): string => `${tenant}/${device}/${type}`
