/** Builders for the tests of the rules: a small type with a few channels, rules with defaults, readings by column name. */
import { type ApplianceType, type Channel, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { Unit } from '#kernel/units.ts'

const text = (en: string) => ({ en, 'zh-CN': en })

const channel = (name: string, kind: Channel['kind'], unit: Unit): Channel => ({
  name,
  kind,
  unit,
  min: -50,
  max: 200,
  step: 0.1,
  isAggregated: false,
  isSafety: false,
  description: text(name),
})

export const channels: readonly Channel[] = [
  channel('board_temperature_c', 'number', 'c'),
  channel('outdoor_temperature_c', 'number', 'c'),
  channel('power_w', 'number', 'w'),
  channel('float_is_closed', 'boolean', 'none'),
  channel('room_co_ppm', 'number', 'ppm'),
  channel('mode', 'text', 'none'),
]

export const aRule = (rule: Partial<Rule> & Pick<Rule, 'when'>): Rule => ({
  id: 'R1',
  version: 1,
  safetyClass: 'E0',
  fault: null,
  title: text('too hot'),
  advice: text('leave it off'),
  holdMs: 0,
  clearHoldMs: 0,
  gapMs_MAX: 600_000,
  opensWorkOrder: true,
  source: 'test',
  ...rule,
})

export const aType = (...rules: Rule[]): ApplianceType => ({
  id: 'kettle',
  version: '1',
  name: text('kettle'),
  channels,
  faults: [],
  parts: [],
  steps: [],
  rules,
  recipe: undefined,
})

const layout = readingLayout(aType())
let nextSeq = 0

/** A reading at `atMs` of device time with the named columns; received at once unless told. */
export function aReading(atMs: number, values: Readonly<Record<string, number>>, more: Partial<Reading> = {}): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  return {
    tenant: 'home',
    device: 'd1',
    type: 'kettle',
    boot: 1,
    seq: nextSeq++,
    observed_at_ms: epochMs(atMs),
    received_at_ms: epochMs(atMs),
    hist: false,
    fw: undefined,
    numbers,
    texts: [],
    ...more,
  }
}
