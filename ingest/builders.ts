/** Builders for the tests of ingest: a small appliance type, messages and readings of it. */
import { type ApplianceType, type Channel, readingLayout } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { StoreRetention } from './reading-store.ts'

/** An instant of 2026. */
export const NOW_MS = 1_780_000_000_000

const channel = (name: string, changes: Partial<Channel> = {}): Channel => ({
  name,
  kind: 'number',
  unit: 'c',
  min: -40,
  max: 150,
  step: 0.1,
  isAggregated: false,
  isSafety: false,
  description: { en: name, 'zh-CN': name },
  ...changes,
})

export const channels = {
  inlet: channel('inlet_temperature_c'),
  outlet: channel('outlet_temperature_c', { isAggregated: true }),
  board: channel('board_temperature_c', { isAggregated: true, isSafety: true, min: -30, max: 200 }),
  float: channel('float_is_closed', { kind: 'boolean', unit: 'none', min: 0, max: 1, isSafety: true }),
  mode: channel('mode', { kind: 'text', unit: 'none' }),
} as const

/** A type with one channel of each sort. */
export const kettle: ApplianceType = {
  id: 'kettle',
  version: '1.0.0',
  name: { en: 'Kettle', 'zh-CN': '水壶' },
  channels: Object.values(channels),
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

export const messageOf = (payload: unknown, changes: Partial<AcceptedMessage> = {}): AcceptedMessage => ({
  tenant: 'home',
  device: 'kettle-1',
  type: 'kettle',
  kind: 'tele',
  payload: payload instanceof Uint8Array ? payload : new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  received_at_ms: epochMs(NOW_MS),
  maxAgeDays: 30,
  ...changes,
})

/** A reading of a type with the given columns; the others are absent. */
export function readingOf(values: Readonly<Record<string, number>>, changes: Partial<Reading> = {}, type: ApplianceType = kettle): Reading {
  const { columns } = readingLayout(type)
  return {
    tenant: 'home',
    device: 'kettle-1',
    type: type.id,
    boot: 1,
    seq: 1,
    observed_at_ms: epochMs(NOW_MS),
    received_at_ms: epochMs(NOW_MS + 250),
    hist: false,
    fw: undefined,
    numbers: Float64Array.from(columns, (column) => values[column] ?? Number.NaN),
    texts: [],
    ...changes,
  }
}

export const quarantineOf = (changes: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
  tenant: 'home',
  device: 'kettle-1',
  received_at_ms: epochMs(NOW_MS),
  observed_at_ms: undefined,
  code: 'MDL_INGEST_UNREADABLE',
  field: '',
  reason: 'the payload is not JSON',
  kind: 'tele',
  raw: new Uint8Array([0, 255, 123]),
  ...changes,
})

/** Keeps everything for a hundred years. */
export const retention: StoreRetention = {
  raw_days: 36_500,
  hourly_days: 36_500,
  daily_days: 36_500,
  quarantine_days: 36_500,
  channel_days: {},
  type_days: {},
}
