/**
 * Stored readings as rows of a file: device, time, key and firmware, then a column a channel, named with its unit as everywhere; channels
 * that come as aggregates have their `_min` and `_max` beside. Numbers are written so that reading them gives the same bits. A reading
 * without sequence numbers has empty cells for its key, so that importing it makes the same key again.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { RawReading, ReadingBucket } from '../reading-store.ts'
import type { WrittenColumn } from '../stores/duckdb-files.ts'
import { guarded } from './text-guard.ts'

export interface RowWriter<Record> {
  readonly columns: readonly WrittenColumn[]
  /** The line, with its line break. */
  line(record: Record): string
}

/** Rows of readings of one type; `isGuarded` where a spreadsheet may open the file. */
export function readingRows(type: Pick<ApplianceType, 'channels'>, { isGuarded }: { readonly isGuarded: boolean }): RowWriter<RawReading> {
  const text = (value: string): string => quotedCell(isGuarded ? guarded(value) : value)
  const columns = type.channels.flatMap((channel): WrittenColumn[] => {
    const { name, kind } = channel
    if (kind === 'text') return [{ name, type: 'VARCHAR' }]
    if (kind === 'boolean') return [{ name, type: 'BOOLEAN' }]
    const names = channel.isAggregated ? [name, `${name}_min`, `${name}_max`] : [name]
    return names.map((column) => ({ name: column, type: 'DOUBLE' }))
  })
  return {
    columns: [...KEY_COLUMNS, ...columns],
    line({ device, observed_at_ms, boot, seq, fw, v }) {
      let line = boot < 0 ? `${device},${observed_at_ms},,,` : `${device},${observed_at_ms},${boot},${seq},`
      if (fw !== null) line += text(fw)
      for (const { name, isAggregated } of type.channels) {
        const value = v[name]
        if (typeof value === 'object') line += `,${value.mean},${value.min},${value.max}`
        else {
          line += value === undefined ? ',' : typeof value === 'string' ? `,${text(value)}` : `,${value}`
          if (isAggregated) line += ',,'
        }
      }
      return `${line}\n`
    },
  }
}

const KEY_COLUMNS: readonly WrittenColumn[] = [
  { name: 'device', type: 'VARCHAR' },
  { name: 'ts', type: 'TIMESTAMP' },
  { name: 'boot', type: 'BIGINT' },
  { name: 'seq', type: 'BIGINT' },
  { name: 'fw', type: 'VARCHAR' },
]

/** Rows of hours or local days: a row a channel and bucket. */
export const bucketRows: RowWriter<ReadingBucket> = {
  columns: [
    { name: 'device', type: 'VARCHAR' },
    { name: 'channel', type: 'VARCHAR' },
    { name: 'ts', type: 'TIMESTAMP' },
    { name: 'mean', type: 'DOUBLE' },
    { name: 'min', type: 'DOUBLE' },
    { name: 'max', type: 'DOUBLE' },
    { name: 'n', type: 'BIGINT' },
  ],
  line: ({ device, channel, t, mean, min, max, n }) => `${device},${channel},${t},${mean},${min},${max},${n}\n`,
}

const quotedCell = (text: string): string => (/[",\r\n]|^$|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
