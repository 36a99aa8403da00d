/**
 * Joins what is worked out of a device's readings: folds that each take one reading after the other, in order of device time, and whose
 * output becomes rows of the derived store, alarms for the hubs and windows for the models. A fold's state of one device can be saved
 * and loaded apart, which is how a stretch of time is worked out again.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits as defaultLimits, type Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedChange, DerivedRow } from '../ingest/derived-store.ts'
import { createQuality, type QualityStatistics } from '../ingest/quality/quality.ts'
import { createLearnedNormal, type FoundAnomaly, type LearnedNormal } from '../models/learn-normal/learn-normal.ts'
import { type ClosedWindow, createWindows } from '../models/windows.ts'
import { isSafetyRule } from '../rules/compile-rules.ts'
import { createRulesEngine } from '../rules/engine.ts'
import type { RuleBook } from '../rules/rule-book.ts'
import { sensorAlarms } from '../rules/sensor-alarms.ts'

/** A fold over a device's readings, whose state of one device can be saved and loaded apart. */
interface Kept {
  /** Plain data (structured clone); undefined when nothing is known of the device. */
  saveDevice(tenant: string, device: string): unknown
  /** Goes on where it was saved; undefined: as if nothing had come. */
  loadDevice(tenant: string, device: string, state: unknown): void
  snapshot(): unknown
  restore(state: unknown): void
}

/** What folding a reading gave; filled by `observe`, emptied by whoever reads it. */
export interface DerivedOutput<Window> {
  readonly changes: DerivedChange[]
  readonly windows: Window[]
  readonly alarms: Array<Extract<HubEvent, { kind: 'alarm_raised' | 'alarm_cleared' | 'alarm_changed' }>>
}

export interface Derivation<Window> {
  observe(reading: Reading, output: DerivedOutput<Window>): void
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  snapshot(): unknown
  restore(state: unknown): void
}

interface DerivationFolds {
  readonly quality: Kept & { observe(reading: Reading): { readonly changes: readonly ChannelState[]; readonly trusted: Float64Array } }
  readonly windows: Kept & { observe(reading: Reading, changes: readonly ChannelState[]): readonly ClosedWindow[] }
  /** How far the device is from its own normal, of what is to be trusted. */
  readonly normal: LearnedNormal
  /** Rules on a sensor look at what it says, the others at what is to be trusted. */
  readonly rules: Kept & { decide(reading: Reading, trusted: Float64Array): readonly HubEvent[] }
  /** Alarms of the states themselves. */
  readonly sensorAlarms: (reading: Reading, changes: readonly ChannelState[]) => readonly HubEvent[]
}

type States = Readonly<Record<'quality' | 'windows' | 'rules' | 'normal', unknown>>

/** The folds of the pipeline: quality, windows, and every rule but those for safety, which decide on arrival. */
export function deriveAll(
  types: (type: string) => ApplianceType | undefined,
  { limits = defaultLimits, book }: { readonly limits?: Limits; readonly book?: RuleBook } = {},
): Derivation<ClosedWindow> & {
  readonly qualityStatistics: () => QualityStatistics
  readonly normalStatistics: LearnedNormal['statistics']
} {
  const quality = createQuality({ types })
  const normal = createLearnedNormal({ types, limits })
  const derivation = createDerivation({
    quality,
    windows: createWindows({ types }),
    normal,
    rules: createRulesEngine({ types, filter: (rule) => !isSafetyRule(rule), ...(book === undefined ? {} : { book }) }),
    sensorAlarms({ type: id, received_at_ms }, changes) {
      const type = types(id)
      return type === undefined ? [] : sensorAlarms(type, changes, received_at_ms)
    },
  })
  return { ...derivation, qualityStatistics: () => quality.statistics(), normalStatistics: normal.statistics }
}

/** Joins the folds; a reading goes through quality, windows and rules, in this order. */
function createDerivation({ quality, windows, normal, rules, sensorAlarms }: DerivationFolds): Derivation<ClosedWindow> {
  const takeAlarms = (reading: Reading, events: readonly HubEvent[], output: DerivedOutput<ClosedWindow>): void => {
    for (const event of events) {
      if (event.kind !== 'alarm_raised' && event.kind !== 'alarm_cleared' && event.kind !== 'alarm_changed') continue
      output.alarms.push(event)
      output.changes.push(alarmRow(reading, event))
    }
  }
  return {
    observe(reading, output) {
      const { changes, trusted } = quality.observe(reading)
      if (changes.length > 0) {
        for (const change of changes) output.changes.push(stateRow(reading, change))
        takeAlarms(reading, sensorAlarms(reading, changes), output)
      }
      const sound = trusted === reading.numbers ? reading : { ...reading, numbers: trusted }
      const closed = windows.observe(sound, changes)
      for (const window of closed) {
        output.windows.push(window)
        output.changes.push(windowRow(reading, window))
      }
      const { rows, alarms } = normal.observe(sound, closed)
      for (const row of rows) output.changes.push(anomalyRow(reading, row))
      if (alarms.length > 0) takeAlarms(reading, alarms, output)
      takeAlarms(reading, rules.decide(reading, trusted), output)
    },
    saveDevice: (tenant, device): States => ({
      quality: quality.saveDevice(tenant, device),
      windows: windows.saveDevice(tenant, device),
      normal: normal.saveDevice(tenant, device),
      rules: rules.saveDevice(tenant, device),
    }),
    loadDevice(tenant, device, state) {
      const saved = state as States | undefined
      quality.loadDevice(tenant, device, saved?.quality)
      windows.loadDevice(tenant, device, saved?.windows)
      normal.loadDevice(tenant, device, saved?.normal)
      rules.loadDevice(tenant, device, saved?.rules)
    },
    snapshot: (): States => ({ quality: quality.snapshot(), windows: windows.snapshot(), normal: normal.snapshot(), rules: rules.snapshot() }),
    restore(state) {
      const saved = state as States
      quality.restore(saved.quality)
      windows.restore(saved.windows)
      normal.restore(saved.normal)
      rules.restore(saved.rules)
    },
  }
}

function windowRow({ tenant, device, observed_at_ms }: Reading, window: ClosedWindow): DerivedChange {
  const { firmware = null, recipe_version, readings, running, settled, isDiagnosable, features, from_ms, to_ms } = window
  const values = Array.from(features, (value) => (Number.isNaN(value) ? null : value))
  const data = { firmware, recipe_version, readings, running, settled, is_diagnosable: isDiagnosable, features: values }
  return { op: 'put', tenant, device, kind: 'window', key: '', from_ms, to_ms, known_ms: observed_at_ms, data }
}

function anomalyRow({ tenant, device, observed_at_ms: known_ms }: Reading, { t, to_ms, ...data }: FoundAnomaly): DerivedChange {
  return { op: 'put', tenant, device, kind: 'anomaly', key: '', from_ms: t, to_ms, known_ms, data }
}

function alarmRow({ observed_at_ms }: Reading, event: DerivedOutput<never>['alarms'][number]): DerivedChange {
  const { kind, alarm } = event
  if (event.kind === 'alarm_changed') return levelRow(observed_at_ms, event)
  const { tenant, device, rule: key, began_at_ms: from_ms } = alarm
  const place = { tenant, device, kind: 'alarm', key, from_ms, known_ms: observed_at_ms } as const
  if (kind === 'alarm_cleared') return { op: 'close', ...place, to_ms: alarm.cleared_at_ms ?? observed_at_ms }
  const { alarm_id, type, rule_version, safety_class, fault, title, raised_at_ms, evidence } = alarm
  return { op: 'put', ...place, to_ms: null, data: { alarm_id, type, rule_version, safety_class, fault, title, raised_at_ms, evidence } }
}

/** A point in time, so that a rewind takes back a change of class and leaves the alarm. */
function levelRow(known_ms: number, { alarm, from, at_ms }: Extract<HubEvent, { kind: 'alarm_changed' }>): DerivedChange {
  const { tenant, device, rule: key, alarm_id, rule_version, safety_class } = alarm
  const data = { alarm_id, rule_version, from, to: safety_class }
  return { op: 'put', tenant, device, kind: 'alarm_level', key, from_ms: at_ms, to_ms: at_ms, known_ms, data }
}

function stateRow({ observed_at_ms: known_ms }: Reading, change: ChannelState): DerivedChange {
  const { tenant, device, type, channel, state, begin_ms: from_ms, found_ms, end_ms, firmware, detail } = change
  const place = { tenant, device, kind: 'channel_state', key: `${channel}/${state}`, from_ms, known_ms } as const
  // The end brings no more than its time: what showed the state stays as it was found.
  if (end_ms !== null) return { op: 'close', ...place, to_ms: end_ms }
  return { op: 'put', ...place, to_ms: null, data: { type, channel, state, found_ms, firmware, detail } }
}

/** The state of a channel again, from the row that `stateRow` made of it. */
export function channelStateOf({ tenant, device, from_ms, to_ms, data }: DerivedRow): ChannelState {
  return { ...(data as Omit<ChannelState, 'tenant' | 'device' | 'begin_ms' | 'end_ms'>), tenant, device, begin_ms: from_ms, end_ms: to_ms }
}
