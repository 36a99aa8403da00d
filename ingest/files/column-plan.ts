/**
 * Which column of a file is what: device, time, key, firmware and channels, from the header or from a mapping of columns as
 * `mendline mapping` has it. Wide files have a column a channel, long files the columns `channel` and `value`. All that is wrong with the
 * columns is said at once, before any row is read.
 */
import { MendlineError } from '#kernel/errors.ts'
import type { FieldRule, MappingDocument } from '../mapping/mapping-document.ts'
import { parsePath } from '../mapping/mapping-path.ts'
import { type LocalFault, strictTimeParser } from '../mapping/mapping-time.ts'
import type { Cell, TableFile } from './table-file.ts'

/** A column of a channel; `rule` is the mapping's. */
export interface ChannelColumn {
  readonly index: number
  readonly column: string
  readonly channel: string
  readonly rule: Omit<FieldRule, 'channel'>
}

export interface ColumnPlan {
  readonly form: 'wide' | 'long'
  /** Cells that each row has; undefined where no header says so. */
  readonly width: number | undefined
  readonly device: number | undefined
  readonly time: { readonly index: number; readonly column: string; readonly format: string; readonly read: TimeReader }
  readonly boot: number | undefined
  readonly seq: number | undefined
  readonly fw: number | undefined
  /** Columns of channels of a wide file. */
  readonly channels: readonly ChannelColumn[]
  /** Columns of a long file. */
  readonly channel: number | undefined
  readonly value: number | undefined
  /** Whether texts may carry the guard against formulas (text-guard.ts). */
  readonly isGuarded: boolean
  /** Whether a mapping named the channels: then only its columns count. */
  readonly isMapped: boolean
  /** Columns that nothing is read from. */
  readonly unused: readonly string[]
}

export type TimeReader = (cell: Cell) => number | LocalFault | undefined

export interface PlanOptions {
  /** The device of every row, where the file names none. */
  readonly device: string | undefined
  readonly mapping: MappingDocument | undefined
}

/** Columns that an export has beside the data, or that say how a reading came. They are facts of this server and not taken over. */
const IGNORED: ReadonlySet<string> = new Set(['received_at_ms', 'hist', 'tenant'])
const RESERVED: ReadonlySet<string> = new Set(['device', 'ts', 'boot', 'seq', 'fw', 'channel', 'value', ...IGNORED])

/** Makes the plan. @throws MendlineError MDL_IMPORT_INVALID with every fault */
export function columnPlan(file: Pick<TableFile, 'format' | 'columns' | 'unreadable'>, options: PlanOptions): ColumnPlan {
  const faults: string[] = []
  const found = options.mapping === undefined ? plainPlan(file.columns, faults) : mappedPlan(options.mapping, file.columns, faults)
  const plan = { ...found, isGuarded: file.format === 'csv' }
  if (plan.device === undefined && options.device === undefined)
    faults.push('no column names the device; name it (`device`), or give a column `device`')
  if (plan.device !== undefined && options.device !== undefined) faults.push('the file names its devices, so none may be given beside it')
  if (plan.form === 'wide' && plan.channels.length === 0) faults.push('there is no column of a channel')
  const repeated = file.columns.filter((column, index) => file.columns.indexOf(column) !== index)
  for (const column of new Set(repeated)) faults.push(`the column ${column} is there twice`)
  const read = new Set(plan.channels.map(({ column }) => column))
  for (const [column, kind] of file.unreadable) if (read.has(column)) faults.push(`the column ${column} is of the kind ${kind}, which no channel has`)
  if (faults.length > 0) throw new MendlineError('MDL_IMPORT_INVALID', faults.join('\n'), { details: { faults } })
  return plan
}

function plainPlan(columns: readonly string[], faults: string[]): Omit<ColumnPlan, 'isGuarded'> {
  const find = (name: string): number | undefined => (columns.includes(name) ? columns.indexOf(name) : undefined)
  const [channel, value] = [find('channel'), find('value')]
  const form = channel !== undefined && value !== undefined ? 'long' : 'wide'
  const time = find('ts')
  if (time === undefined) faults.push('there is no column `ts`; the first line names the columns, or a mapping does')
  const channels = columns.flatMap((column, index) => (RESERVED.has(column) ? [] : [{ index, column, channel: column, rule: {} }]))
  return {
    form,
    width: columns.length,
    device: find('device'),
    time: { index: time ?? 0, column: 'ts', format: 'epoch ms or ISO 8601 with Z or an offset', read: readPlainTime },
    boot: find('boot'),
    seq: find('seq'),
    fw: find('fw'),
    channels: form === 'wide' ? channels : [],
    channel,
    value,
    isMapped: false,
    unused: columns.filter((column) => IGNORED.has(column) || (form === 'long' && !RESERVED.has(column))),
  }
}

const readIso = strictTimeParser('iso8601', 'UTC')

/** Epoch milliseconds, or ISO 8601 that says its offset itself: without one the instant is not known. */
function readPlainTime(cell: Cell): number | LocalFault | undefined {
  if (typeof cell === 'number') return Number.isSafeInteger(cell) ? cell : undefined
  if (typeof cell !== 'string') return undefined
  const text = cell.trim()
  if (/^\d{1,16}$/.test(text)) return Number(text)
  return /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? readIso(text) : undefined
}

function mappedPlan(mapping: MappingDocument, columns: readonly string[], faults: string[]): Omit<ColumnPlan, 'isGuarded'> {
  if (mapping.columns === undefined || mapping.time?.column === undefined) {
    faults.push('the mapping is of payloads (fields); a file needs one of columns, with time.column')
  }
  const find = (column: string | number | undefined, name: string): number | undefined => {
    if (column === undefined) return undefined
    const index = typeof column === 'number' ? column - 1 : columns.indexOf(column)
    if (index < 0 || (columns.length > 0 && index >= columns.length)) faults.push(`${name}: the file has no column ${column}`)
    return index
  }
  const named = (path: string | undefined, name: string): number | undefined => {
    const step = path === undefined ? undefined : (parsePath(path)?.[0] ?? path)
    return find(typeof step === 'string' && /^\d{1,4}$/.test(step) && columns.length === 0 ? Number(step) : step, name)
  }
  const { time, device } = mapping
  const format = time?.format ?? 'epoch_ms'
  const read = strictTimeParser(format, time?.time_zone ?? 'UTC')
  const nameOf = (index: number): string => columns[index] ?? String(index + 1)
  const channels = (mapping.columns ?? []).map(({ column, channel, ...rule }) => {
    const index = find(column, `columns of ${channel}`) ?? 0
    return { index, column: nameOf(index), channel, rule }
  })
  const index = find(time?.column, 'time.column') ?? 0
  const keys = {
    device: device !== undefined && 'field' in device ? named(device.field, 'device.field') : undefined,
    boot: named(mapping.boot, 'boot'),
    seq: named(mapping.seq, 'seq'),
    fw: named(mapping.firmware, 'firmware'),
  }
  const used = new Set([index, ...Object.values(keys), ...channels.map((column) => column.index)])
  return {
    form: 'wide',
    width: columns.length === 0 ? undefined : columns.length,
    ...keys,
    time: {
      index,
      column: nameOf(index),
      format: time?.time_zone === undefined ? format : `${format} in ${time.time_zone}`,
      read: (cell) => (typeof cell === 'string' || typeof cell === 'number' ? read(String(cell)) : undefined),
    },
    channels,
    channel: undefined,
    value: undefined,
    isMapped: true,
    unused: columns.filter((_, at) => !used.has(at)),
  }
}
