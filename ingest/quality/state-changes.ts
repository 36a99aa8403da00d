/** Begins and ends states of channels in a device's memory, and gathers the records that say so. */
import type { ChannelState, ChannelStateKind } from '#kernel/channel-state.ts'
import type { Reading } from '#kernel/reading.ts'
import { type DeviceMemory, findOpen, type OpenState } from './device-memory.ts'
import type { QualityPlan } from './quality-plan.ts'

export interface Judging {
  readonly plan: QualityPlan
  readonly memory: DeviceMemory
  /** The reading in hand: all states begin and end with one. */
  readonly source: Pick<Reading, 'tenant' | 'device' | 'type' | 'observed_at_ms'>
  readonly changes: ChannelState[]
}

/** Begins a state, unless it stands; gives the state. */
export function beginState(
  judging: Judging,
  kind: ChannelStateKind,
  slot: number,
  found: { readonly beginMs: number; readonly detail: ChannelState['detail'] },
): OpenState {
  const { plan, memory, source, changes } = judging
  const known = findOpen(memory, kind, slot)
  if (known !== undefined) return known
  const record: ChannelState = {
    tenant: source.tenant,
    device: source.device,
    type: source.type,
    channel: plan.channels[slot]?.name ?? '',
    state: kind,
    begin_ms: found.beginMs,
    found_ms: source.observed_at_ms,
    end_ms: null,
    firmware: memory.firmware ?? null,
    detail: Object.fromEntries(Object.entries(found.detail).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value])),
  }
  const state: OpenState = { kind, slot, record, signActive: memory.activeMs }
  memory.open.push(state)
  memory.bad[slot] = (memory.bad[slot] ?? 0) + 1
  changes.push(record)
  return state
}

/** Ends the state, if it stands. */
export function endState(judging: Judging, kind: ChannelStateKind, slot: number): void {
  const { memory, source, changes } = judging
  const state = findOpen(memory, kind, slot)
  if (state === undefined) return
  memory.open = memory.open.filter((other) => other !== state)
  memory.bad[slot] = (memory.bad[slot] ?? 1) - 1
  changes.push({ ...state.record, end_ms: Math.max(source.observed_at_ms, state.record.begin_ms) })
}

const round = (value: number): number => Number(value.toPrecision(6))
