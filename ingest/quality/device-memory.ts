/**
 * What the quality fold remembers of one device: numbers in typed arrays, a row of cells for each field with one cell a slot, so that the
 * hot loop walks them side by side, and the states that stand. About 4 kB a device of 25 channels. It is saved and loaded whole.
 */
import type { ChannelState, ChannelStateKind } from '#kernel/channel-state.ts'
import { assert } from '#kernel/errors.ts'
import type { QualityPlan } from './quality-plan.ts'

/** Fields of a slot; times are device time (`_MS`) or the device's active time (`_ACTIVE`), in ms. */
export const FLAT_VALUE = 0
export const FLAT_ACTIVE = 1
export const FLAT_MS = 2
export const LAST_VALUE = 3
export const LAST_ACTIVE = 4
export const LAST_MS = 5
/** Active time of the last value that a tick has seen, and the gap between values: mean, mean deviation, count. */
export const SEEN_ACTIVE = 6
export const GAP_MEAN = 7
export const GAP_DEVIATION = 8
export const GAP_COUNT = 9
/** Share of ticks with another value than the tick before, their count, and the value at the tick before. */
export const LIVE_SHARE = 10
export const LIVE_COUNT = 11
export const TICK_VALUE = 12
/** Mean, variance and count of the compared value, resting then running. */
export const USUAL = 13
/** The last change, for spikes. */
export const LAST_CHANGE = USUAL + 6
export const FIELDS = LAST_CHANGE + 1

/** Half an hour of a driver's movement: smallest and largest value, in a ring. */
export const DRIVER_STRETCHES = 32
export const DRIVER_CELLS = DRIVER_STRETCHES * 2

/** A state that stands, with what its end is told by. */
export interface OpenState {
  readonly kind: ChannelStateKind
  readonly slot: number
  record: ChannelState
  /** Active time of the last sign of it. */
  signActive: number
}

/** What is compared after a firmware change; cells by slot and condition. */
export interface Comparison {
  readonly sinceMs: number
  readonly sinceActive: number
  readonly from: string
  /** Mean, variance and count before. */
  readonly before: Float64Array
  /** Mean and count after, by condition; mean of the last values, and how many of them in a row fitted the old scale. */
  readonly after: Float64Array
  /** 1 while a channel waits for its comparison, by slot; and how many wait. */
  readonly waits: Uint8Array
  waiting: number
}

export interface DeviceMemory {
  readonly shape: string
  readonly cells: Float64Array
  readonly drivers: Float64Array
  readonly identities: Float64Array
  /** Number of states that stand for each slot, and in all. */
  readonly bad: Uint8Array
  open: OpenState[]
  firmware: string | undefined
  /** Device time of the last reading; -1 before the first. */
  lastMs: number
  /** Usual time between readings. */
  periodMs: number
  /** Time of the device without its silences. */
  activeMs: number
  tickActive: number
  comparison: Comparison | undefined
  /** Signs that only count in number (values out of range, spikes) by slot: count, and device time of the first. */
  signs: Array<readonly [slot: number, count: number, sinceMs: number]>
  /** Whether the device runs, and since when in its active time, for comparing like with like. */
  isRunning: boolean
  runningActive: number
}

export function createMemory(plan: QualityPlan): DeviceMemory {
  return {
    shape: plan.shape,
    cells: new Float64Array(plan.slots * FIELDS).fill(Number.NaN),
    drivers: new Float64Array(plan.drivers.length * DRIVER_CELLS).fill(Number.NaN),
    identities: new Float64Array(plan.identityCells),
    bad: new Uint8Array(plan.slots),
    open: [],
    firmware: undefined,
    lastMs: -1,
    periodMs: 0,
    activeMs: 0,
    tickActive: 0,
    comparison: undefined,
    signs: [],
    isRunning: false,
    runningActive: 0,
  }
}

/** Plain data of a memory, copied where it changes (a structured clone costs ten times as much, for each device of a snapshot). */
export const saveMemory = (memory: DeviceMemory): unknown => ({
  ...memory,
  cells: memory.cells.slice(),
  drivers: memory.drivers.slice(),
  identities: memory.identities.slice(),
  bad: memory.bad.slice(),
  open: memory.open.map((state) => ({ ...state })),
  comparison: memory.comparison && structuredClone(memory.comparison),
})

/** The memory again; undefined when the type's channels or identities have changed since. */
export function loadMemory(plan: QualityPlan, saved: unknown): DeviceMemory | undefined {
  assert(typeof saved === 'object' && saved !== null && 'cells' in saved, 'a saved memory was made by `saveMemory`')
  const memory = structuredClone(saved) as DeviceMemory
  return memory.shape === plan.shape ? memory : undefined
}

/** A cell of a typed array that is inside it. */
export const cell = (cells: Float64Array, index: number): number => cells[index] ?? Number.NaN

export const findOpen = (memory: DeviceMemory, kind: ChannelStateKind, slot: number): OpenState | undefined =>
  memory.open.find((state) => state.kind === kind && state.slot === slot)
