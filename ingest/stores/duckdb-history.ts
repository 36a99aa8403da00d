/**
 * Stored readings of devices, one device after the other, in the order of device time, as the pipeline works them out again after late readings came. Rows are
 * fetched chunk by chunk; the texts of the stretch, which are few, beforehand.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Reading } from '#kernel/reading.ts'
import type { HistoriesQuery } from '../reading-store.ts'
import { groupTexts, readingOfRow, readingSql, readRows, streamRows } from './duckdb-queries.ts'
import type { Registers } from './duckdb-schema.ts'
import { readingsSql, textsSql } from './duckdb-sources.ts'

/** Readings from `from_ms` up to and including `to_ms`, by (observed_at_ms, boot, seq); the stream occupies the connection. */
export async function* streamHistory(connection: DuckDBConnection, registers: Registers, query: HistoriesQuery): AsyncGenerator<Reading> {
  const keys = query.devices.flatMap((device) => registers.deviceKeys.get(`${query.tenant}/${device}`) ?? [])
  const type = registers.types.get(query.type)
  if (keys.length === 0 || type === undefined) return
  const bounds = [BigInt(query.from_ms), BigInt(query.to_ms)]
  const span = { from_ms: query.from_ms, to_ms: query.to_ms + 1 }
  const where = `r.device_key IN (${keys.join()}) AND r.observed_at_ms >= $1 AND r.observed_at_ms <= $2`
  const sqlOfTexts = `SELECT r.device_key, r.boot::DOUBLE, r.seq::DOUBLE, r.channel, r.text FROM ${textsSql(registers, type.id, span)} AS r WHERE ${where}`
  const texts = type.channels.some(({ kind }) => kind === 'text') ? groupTexts(await readRows(connection, sqlOfTexts, bounds)) : new Map()
  const sql = `SELECT ${readingSql(type)} FROM ${readingsSql(registers, type.id, span)} AS r WHERE ${where} ORDER BY ${keys.length > 1 ? 'r.device_key, ' : ''}r.observed_at_ms, r.boot, r.seq`
  for await (const row of streamRows(connection, sql, bounds)) yield readingOfRow(registers, type, row, texts)
}
