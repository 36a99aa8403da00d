/**
 * Rows into readings of the contract's JSON, by the plan of the columns: texts become numbers only where the channel is one and the text
 * is one. Each fault is told with line, column and value; a wrong value is left out of its reading, a row without device, time or key has
 * none. Rows of a long file that stand together and are of one device and instant become one reading.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import { channelPlan } from '../decode-channels.ts'
import type { FieldRule } from '../mapping/mapping-document.ts'
import { mapValue } from '../mapping/mapping-value.ts'
import type { ColumnPlan } from './column-plan.ts'
import { type Complaint, shown } from './import-report.ts'
import { readEnvelopeCells } from './row-envelope.ts'
import type { Cell, FileRow } from './table-file.ts'
import { unguarded } from './text-guard.ts'

/** A reading as it goes on the wire. */
export interface Item {
  readonly ts: number
  readonly boot?: number
  readonly seq?: number
  readonly hist: true
  fw?: string
  readonly v: Record<string, unknown>
}

/** A reading with where it came from. */
export interface RowReading {
  readonly device: string
  readonly item: Item
  readonly line: number
  /** Rows that became this reading. */
  rows: number
  /** Lines of single channels, where they differ from the reading's. */
  readonly lines: Map<string, number> | undefined
}

/** What a row was: part of a reading, empty, or refused; complaints are told beside. */
export type RowOutcome = { readonly kind: 'reading'; readonly reading: RowReading } | { readonly kind: 'joined' | 'empty' | 'refused' }

interface CellPlan {
  readonly index: number
  readonly column: string
  readonly channel: Channel
  readonly rule: FieldRule
  readonly part: 'value' | 'min' | 'max'
}

export interface RowReader {
  /** Names the columns that are no channel of the type; empty where all are. */
  unknownColumns(type: ApplianceType): readonly string[]
  /** Reads the row of a device; `open` is the reading of the row before, which a row of a long file may join. */
  read(row: FileRow, of: { readonly device: string; readonly type: ApplianceType; readonly open: RowReading | undefined }): RowOutcome
}

export function createRowReader(plan: ColumnPlan, complain: (complaint: Complaint) => void): RowReader {
  const plans = new Map<ApplianceType, { readonly cells: readonly CellPlan[]; readonly unknown: readonly string[] }>()
  const cellsOf = (type: ApplianceType) => {
    let known = plans.get(type)
    if (known === undefined) {
      known = planCells(plan, type)
      plans.set(type, known)
    }
    return known
  }
  return {
    unknownColumns: (type) => cellsOf(type).unknown,
    read(row, { device, type, open }) {
      const envelope = readEnvelopeCells(row, plan, complain)
      if (envelope === undefined) return { kind: 'refused' }
      const item: Item = { ...envelope, v: Object.create(null) as Record<string, unknown> }
      if (plan.form === 'long') return readLong(row, { plan, device, type, open, item, complain })
      readCells(row, cellsOf(type).cells, { item, complain, isGuarded: plan.isGuarded })
      if (item.seq === undefined && Object.keys(item.v).length === 0) return { kind: 'empty' }
      return { kind: 'reading', reading: { device, item, line: row.line, rows: 1, lines: undefined } }
    },
  }
}

function planCells(plan: ColumnPlan, type: ApplianceType): { readonly cells: readonly CellPlan[]; readonly unknown: readonly string[] } {
  const { byName } = channelPlan(type)
  const unknown: string[] = []
  const cells = plan.channels.flatMap(({ index, column, channel: name, rule }): CellPlan[] => {
    const own = byName.get(name)?.channel
    if (own !== undefined) return [{ index, column, channel: own, rule: ruleOf(own, rule), part: 'value' }]
    const [, base = '', part] = /^(.+)_(min|max)$/.exec(name) ?? []
    const aggregated = plan.isMapped ? undefined : byName.get(base)?.channel
    if (aggregated?.isAggregated === true) {
      return [{ index, column, channel: aggregated, rule: ruleOf(aggregated, rule), part: part === 'min' ? 'min' : 'max' }]
    }
    unknown.push(column)
    return []
  })
  return { cells, unknown }
}

/** A text is a number with a decimal point where the channel is one and nothing else is said. */
const ruleOf = (channel: Channel, rule: Omit<FieldRule, 'channel'>): FieldRule =>
  channel.kind === 'number' ? { number: 'point', ...rule, channel: channel.name } : { ...rule, channel: channel.name }

interface IntoItem {
  readonly item: Item
  readonly isGuarded: boolean
  readonly complain: (complaint: Complaint) => void
}

function readCells(row: FileRow, cells: readonly CellPlan[], { item: { v }, isGuarded, complain }: IntoItem): void {
  let parts: Map<string, { min?: unknown; max?: unknown; column: string }> | undefined
  for (const { index, column, channel, rule, part } of cells) {
    const cell = textOf(row.cells[index] ?? null, channel, isGuarded)
    const value = readCell(cell, channel, rule)
    if (value === undefined) continue
    if (typeof value === 'object') {
      complain({ line: row.line, column, value: shown(cell), ...value })
      continue
    }
    if (part === 'value') v[channel.name] = value
    else {
      parts ??= new Map()
      parts.set(channel.name, { ...parts.get(channel.name), [part]: value, column })
    }
  }
  if (parts === undefined) return
  for (const [name, { min, max, column }] of parts) {
    const mean = v[name]
    if (mean !== undefined && min !== undefined && max !== undefined) v[name] = { min, mean, max }
    else {
      const reason = 'min and max of a channel stand together with its mean'
      complain({ line: row.line, column, value: shown(min ?? max), code: 'MDL_INGEST_VALUE_TYPE', reason })
    }
  }
}

/** The cell without the guard that an export puts before texts. */
const textOf = (cell: Cell, channel: Channel, isGuarded: boolean): Cell =>
  isGuarded && channel.kind === 'text' && typeof cell === 'string' ? unguarded(cell) : cell

type Refused = { readonly code: ErrorCode; readonly reason: string }

/** Value of a cell, undefined for an empty one, or why there is none. What is of the wrong kind is given as it is: decoding says so. */
function readCell(cell: Cell, channel: Channel, rule: FieldRule): string | number | boolean | Refused | undefined {
  if (cell === null || cell === '') return undefined
  if (channel.kind === 'boolean' && rule.values === undefined && (cell === 'true' || cell === 'false')) return cell === 'true'
  const mapped = mapValue(cell, rule, channel.unit)
  if (mapped.kind === 'absent') return undefined
  if (mapped.kind === 'wrong') return { code: mapped.code, reason: mapped.reason }
  const { value } = mapped
  if (typeof value === 'number' && !Number.isFinite(value)) return { code: 'MDL_INGEST_VALUE_RANGE', reason: 'the number is not finite' }
  return value as string | number | boolean
}

interface LongRow {
  readonly plan: ColumnPlan
  readonly device: string
  readonly type: ApplianceType
  readonly open: RowReading | undefined
  readonly item: Item
  readonly complain: (complaint: Complaint) => void
}

function readLong(row: FileRow, { plan, device, type, open, item, complain }: LongRow): RowOutcome {
  const name = String(row.cells[plan.channel ?? 0] ?? '')
  const channel = channelPlan(type).byName.get(name)?.channel
  if (channel === undefined) {
    const reason = `the type ${type.id} has no channel of this name`
    complain({ line: row.line, column: 'channel', value: shown(name), code: 'MDL_INGEST_CHANNEL_UNKNOWN', reason })
    return { kind: 'refused' }
  }
  const cell = textOf(row.cells[plan.value ?? 0] ?? null, channel, plan.isGuarded)
  const value = readCell(cell, channel, ruleOf(channel, {}))
  if (value === undefined) return { kind: 'empty' }
  if (typeof value === 'object') {
    complain({ line: row.line, column: 'value', value: shown(cell), ...value })
    return { kind: 'refused' }
  }
  if (open !== undefined && open.device === device && isSameInstant(open.item, item) && !Object.hasOwn(open.item.v, name)) {
    open.item.v[name] = value
    open.lines?.set(name, row.line)
    open.rows++
    return { kind: 'joined' }
  }
  item.v[name] = value
  return { kind: 'reading', reading: { device, item, line: row.line, rows: 1, lines: new Map([[name, row.line]]) } }
}

const isSameInstant = (a: Item, b: Item): boolean => a.ts === b.ts && a.boot === b.boot && a.seq === b.seq && a.fw === b.fw
