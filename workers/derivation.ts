/**
 * Joins what is worked out of a device's readings: folds that each take one reading after the other, in order of device time, and whose
 * output becomes rows of the derived store, alarms for the hubs and windows for the models. A fold's state of one device can be saved
 * and loaded apart, which is how a stretch of time is worked out again.
 */
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedChange } from '../ingest/derived-store.ts'
import type { ClosedWindow } from '../models/windows.ts'

/** Takes a device's readings in order of device time. */
interface DeviceFold<Output> {
  observe(reading: Reading): Output
  /** Plain data (structured clone); undefined when nothing is known of the device. */
  saveDevice(tenant: string, device: string): unknown
  /** Goes on where it was saved; undefined: as if nothing had come. */
  loadDevice(tenant: string, device: string, state: unknown): void
  snapshot(): unknown
  restore(state: unknown): void
}

/** A state of a channel begins or ends. */
export type StateChange =
  | { readonly op: 'open'; readonly key: string; readonly from_ms: number; readonly data: Readonly<Record<string, unknown>> }
  | { readonly op: 'close'; readonly key: string; readonly from_ms: number; readonly to_ms: number }

/** What folding a reading gave; filled by `observe`, emptied by whoever reads it. */
export interface DerivedOutput<Window> {
  readonly changes: DerivedChange[]
  readonly windows: Window[]
  readonly alarms: Array<Extract<HubEvent, { kind: 'alarm_raised' | 'alarm_cleared' }>>
}

export interface Derivation<Window> {
  observe(reading: Reading, output: DerivedOutput<Window>): void
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  snapshot(): unknown
  restore(state: unknown): void
}

export interface DerivationFolds {
  readonly rules: Omit<DeviceFold<readonly HubEvent[]>, 'observe'> & { decide(reading: Reading): readonly HubEvent[] }
  readonly windows: DeviceFold<readonly ClosedWindow[]>
  readonly states?: DeviceFold<readonly StateChange[]>
}

type States = Readonly<Record<'rules' | 'windows' | 'states', unknown>>

/** Joins the folds; a reading goes through states, windows and rules, in this order. */
export function createDerivation({ rules, windows, states }: DerivationFolds): Derivation<ClosedWindow> {
  return {
    observe(reading, output) {
      if (states !== undefined) for (const change of states.observe(reading)) output.changes.push(stateRow(reading, change))
      for (const window of windows.observe(reading)) {
        output.windows.push(window)
        output.changes.push(windowRow(reading, window))
      }
      for (const event of rules.decide(reading)) {
        if (event.kind !== 'alarm_raised' && event.kind !== 'alarm_cleared') continue
        output.alarms.push(event)
        output.changes.push(alarmRow(reading, event))
      }
    },
    saveDevice: (tenant, device): States => ({
      rules: rules.saveDevice(tenant, device),
      windows: windows.saveDevice(tenant, device),
      states: states?.saveDevice(tenant, device),
    }),
    loadDevice(tenant, device, state) {
      const saved = state as States | undefined
      rules.loadDevice(tenant, device, saved?.rules)
      windows.loadDevice(tenant, device, saved?.windows)
      states?.loadDevice(tenant, device, saved?.states)
    },
    snapshot: (): States => ({ rules: rules.snapshot(), windows: windows.snapshot(), states: states?.snapshot() }),
    restore(state) {
      const saved = state as States
      rules.restore(saved.rules)
      windows.restore(saved.windows)
      if (saved.states !== undefined) states?.restore(saved.states)
    },
  }
}

function windowRow({ tenant, device, observed_at_ms }: Reading, window: ClosedWindow): DerivedChange {
  const { firmware = null, recipe_version, readings, running, settled, isDiagnosable, features, from_ms, to_ms } = window
  const values = Array.from(features, (value) => (Number.isNaN(value) ? null : value))
  const data = { firmware, recipe_version, readings, running, settled, is_diagnosable: isDiagnosable, features: values }
  return { op: 'put', tenant, device, kind: 'window', key: '', from_ms, to_ms, known_ms: observed_at_ms, data }
}

function alarmRow({ observed_at_ms }: Reading, { kind, alarm }: DerivedOutput<never>['alarms'][number]): DerivedChange {
  const { tenant, device, rule: key, began_at_ms: from_ms } = alarm
  const place = { tenant, device, kind: 'alarm', key, from_ms, known_ms: observed_at_ms } as const
  if (kind === 'alarm_cleared') return { op: 'close', ...place, to_ms: alarm.cleared_at_ms ?? observed_at_ms }
  const { alarm_id, type, rule_version, safety_class, fault, title, raised_at_ms, evidence } = alarm
  return { op: 'put', ...place, to_ms: null, data: { alarm_id, type, rule_version, safety_class, fault, title, raised_at_ms, evidence } }
}

function stateRow({ tenant, device, observed_at_ms: known_ms }: Reading, change: StateChange): DerivedChange {
  const place = { tenant, device, kind: 'channel_state', key: change.key, from_ms: change.from_ms, known_ms } as const
  return change.op === 'open' ? { op: 'put', ...place, to_ms: null, data: change.data } : { op: 'close', ...place, to_ms: change.to_ms }
}
