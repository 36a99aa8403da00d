/** From readings to points and from an engine's buckets to rows: the pure part of the InfluxDB-compatible store. */
import { Point } from '@influxdata/influxdb-client'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { ReadingBucket, ReadingStore } from '../reading-store.ts'
import { meanOfSum } from './bucket-mean.ts'
import { type EngineBucket, type EngineGrid, type EngineRow, type EngineSeries, KEY_FIELDS } from './influx-engine.ts'
import type { StoredType } from './stored-type.ts'

/** The point of a reading: its numbers and keys; texts are not for engines. */
export function pointOf(reading: Reading, type: StoredType): Point {
  const point = new Point(reading.type).timestamp(reading.observed_at_ms).tag('tenant', reading.tenant).tag('device', reading.device)
  if (reading.fw !== undefined) point.tag('fw', reading.fw)
  point.floatField(KEY_FIELDS.boot, reading.boot).floatField(KEY_FIELDS.seq, reading.seq)
  point.floatField(KEY_FIELDS.receivedAtMs, reading.received_at_ms).floatField(KEY_FIELDS.flags, reading.hist ? 1 : 0)
  for (const [index, value] of reading.numbers.entries()) {
    const column = type.columns[index]
    if (column !== undefined && !Number.isNaN(value)) point.floatField(column, value)
  }
  return point
}

/** The reading of a point, with the type's columns. */
export function readingOfRow(
  { tenant, device, type }: EngineSeries,
  { firmware, observedAtMs, fields }: EngineRow,
  columns: readonly string[],
): Reading {
  return {
    tenant,
    device,
    type,
    boot: fields.get(KEY_FIELDS.boot) ?? 0,
    seq: fields.get(KEY_FIELDS.seq) ?? 0,
    observed_at_ms: epochMs(observedAtMs),
    received_at_ms: epochMs(fields.get(KEY_FIELDS.receivedAtMs) ?? observedAtMs),
    hist: fields.get(KEY_FIELDS.flags) === 1,
    fw: firmware,
    numbers: Float64Array.from(columns, (column) => fields.get(column) ?? Number.NaN),
    texts: [],
  }
}

/** A reading of the engine with the texts that stand beside it. */
export const joined = (reading: Reading, beside: Reading | undefined): Reading =>
  beside === undefined ? reading : { ...reading, texts: beside.texts }

/** Adds a bucket to those of the same begin and field. */
export function addInto(found: Map<string, EngineBucket>, bucket: EngineBucket): void {
  const key = `${bucket.t}/${bucket.field}`
  const before = found.get(key)
  if (before === undefined) found.set(key, bucket)
  else {
    const { sum, min, max, n } = bucket
    found.set(key, { ...before, sum: before.sum + sum, min: Math.min(before.min, min), max: Math.max(before.max, max), n: before.n + n })
  }
}

/** A channel's row of a bucket: extremes also of the minima and maxima that an aggregated channel brought. */
export function rowOf(
  found: ReadonlyMap<string, EngineBucket>,
  t: number,
  channel: string,
): Pick<ReadingBucket, 'mean' | 'min' | 'max' | 'n'> | undefined {
  const own = found.get(`${t}/${channel}`)
  if (own === undefined || own.n === 0) return undefined
  const low = found.get(`${t}/${channel}_min`)
  const high = found.get(`${t}/${channel}_max`)
  const { sum, n } = own
  const [min, max] = [Math.min(own.min, low?.min ?? own.min), Math.max(own.max, high?.max ?? own.max)]
  return { mean: meanOfSum({ sum, min, max, n }), min, max, n }
}

/** Not a multiple of 1e-6 below 1e8; such numbers keep 15 digits together in a block of an engine that stores decimals. */
export const isBeyondDecimals = (value: number): boolean => !Number.isNaN(value) && !(Math.abs(value) < 1e8 && Number(value.toFixed(6)) === value)

/** Buckets of one value each, of the readings that stand beside the engine. */
export async function bucketsBeside(
  side: Pick<ReadingStore, 'raw'>,
  { series, type, grid }: { readonly series: EngineSeries; readonly type: StoredType; readonly grid: EngineGrid },
): Promise<EngineBucket[]> {
  const { tenant, device } = series
  const rows: EngineBucket[] = []
  for await (const row of side.raw({ tenant, device, from_ms: epochMs(grid.fromMs), to_ms: epochMs(grid.toMs) })) {
    const t = grid.originMs + Math.floor((row.observed_at_ms - grid.originMs) / grid.widthMs) * grid.widthMs
    for (const channel of type.channels) {
      const value = row.v[channel.name]
      const add = (field: string, number: number): number => rows.push({ t, field, sum: number, min: number, max: number, n: 1 })
      if (typeof value === 'number' || typeof value === 'boolean') add(channel.name, Number(value))
      else if (typeof value === 'object') {
        add(channel.name, value.mean)
        add(`${channel.name}_min`, value.min)
        add(`${channel.name}_max`, value.max)
      }
    }
  }
  return rows
}
