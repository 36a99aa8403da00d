/**
 * The tests of a channel that look at a stretch of time, run once in some minutes of a device's active time: stuck, missing, the end of
 * an implausible stretch; and what they learn: the usual gap between values, whether a channel lives, the movement of the drivers and
 * the usual distribution of the values. Definitions and sources stand in docs/quality.md.
 */
import {
  cell,
  type DeviceMemory,
  DRIVER_CELLS,
  DRIVER_STRETCHES,
  FLAT_ACTIVE,
  FLAT_MS,
  FLAT_VALUE,
  findOpen,
  GAP_COUNT,
  GAP_DEVIATION,
  GAP_MEAN,
  LAST_ACTIVE,
  LAST_MS,
  LAST_VALUE,
  LIVE_COUNT,
  LIVE_SHARE,
  SEEN_ACTIVE,
  TICK_VALUE,
} from './device-memory.ts'
import type { QualityPlan, StuckPlan } from './quality-plan.ts'
import { beginState, endState, type Judging } from './state-changes.ts'
import { type Condition, learnUsual } from './unit-jump.ts'

/** Active time between two ticks. */
export const TICK_MS = 5 * 60_000

/** A channel is expected when so many gaps were seen and they differ by less than this share of their mean. */
const GAPS_MIN = 20
const GAP_DEVIATION_MAX = 0.3
/** A channel is missing after so many of its gaps, and no sooner than this. */
const MISSING_GAPS = 6
const MISSING_MIN_MS = 30 * 60_000

/** An implausible stretch is over after this much active time without another sign. */
export const IMPLAUSIBLE_QUIET_MS = 15 * 60_000

/** Stretch of a driver's ring. */
const STRETCH_MS = 30 * 60_000

/** The default test for stuck values: a channel that lived stays at one value other than 0 for this long, others live on. */
const DEFAULT_STUCK_MS = 24 * 3_600_000
const LIVE_TICKS_MIN = 60
const LIVE_SHARE_MIN = 0.5
/** Beyond this the channel is flat and its share of movement is left as it was. */
const LIVE_FLAT_MS = 3_600_000
const LIVE_RATE = 1 / 64

/** Runs the tests after a reading; the reading's values stand in the memory. */
export function tick(judging: Judging, condition: Condition): void {
  const { plan, memory } = judging
  noteDrivers(plan, memory)
  let liveliestActive = 0
  for (let slot = 0; slot < plan.slots; slot++) {
    if (cell(memory.cells, LIVE_SHARE * plan.slots + slot) >= LIVE_SHARE_MIN)
      liveliestActive = Math.max(liveliestActive, cell(memory.cells, FLAT_ACTIVE * plan.slots + slot))
  }
  // Looking back over the drivers costs most of a tick, and hours of standing still can wait for the half hour.
  const isStuckAsked = Math.floor(memory.activeMs / STRETCH_MS) !== Math.floor(memory.tickActive / STRETCH_MS)
  for (let slot = 0; slot < plan.slots; slot++) {
    if (Number.isNaN(cell(memory.cells, LAST_ACTIVE * plan.slots + slot))) continue
    judgeMissing(judging, slot)
    if (isStuckAsked) judgeStuck(judging, slot, liveliestActive)
    learn(plan, memory, slot, condition)
  }
  for (const state of memory.open) {
    if (state.kind === 'implausible' && memory.activeMs - state.signActive >= IMPLAUSIBLE_QUIET_MS) endState(judging, 'implausible', state.slot)
  }
}

function judgeMissing(judging: Judging, slot: number): void {
  const { plan, memory } = judging
  if (plan.isOnEvent[slot] === 1) return
  const { cells, activeMs } = memory
  const at = (field: number): number => cell(cells, field * plan.slots + slot)
  const gapMs = at(GAP_MEAN)
  if (!(at(GAP_COUNT) >= GAPS_MIN && at(GAP_DEVIATION) <= GAP_DEVIATION_MAX * gapMs)) return
  const absentMs = activeMs - at(LAST_ACTIVE)
  const afterMs = Math.max(MISSING_MIN_MS, MISSING_GAPS * gapMs)
  if (absentMs <= afterMs) return
  beginState(judging, 'missing', slot, {
    beginMs: at(LAST_MS),
    detail: { last_value: at(LAST_VALUE), usual_gap_s: gapMs / 1_000, absent_s: absentMs / 1_000, bound_s: afterMs / 1_000 },
  })
}

function judgeStuck(judging: Judging, slot: number, liveliestActive: number): void {
  const { plan, memory } = judging
  const at = (field: number): number => cell(memory.cells, field * plan.slots + slot)
  const flatMs = at(LAST_ACTIVE) - at(FLAT_ACTIVE)
  const stuck = plan.stuck[slot]
  if (stuck !== undefined ? flatMs < stuck.afterMs : flatMs < DEFAULT_STUCK_MS) return
  const value = at(FLAT_VALUE)
  const detail = { value, flat_s: flatMs / 1_000, tolerance: plan.tolerance[slot] ?? 0 }
  if (stuck === undefined) {
    const hasLived = plan.isStuckByDefault[slot] === 1 && at(LIVE_COUNT) >= LIVE_TICKS_MIN && at(LIVE_SHARE) >= LIVE_SHARE_MIN
    const othersLive = liveliestActive > memory.activeMs - LIVE_FLAT_MS
    if (!hasLived || value === 0 || !othersLive) return
    beginState(judging, 'stuck', slot, { beginMs: at(FLAT_MS), detail: { ...detail, bound_s: DEFAULT_STUCK_MS / 1_000, live_share: at(LIVE_SHARE) } })
    return
  }
  if (value === stuck.restValue) return
  const moved = driversMoved(memory, stuck, at(FLAT_ACTIVE))
  if (moved !== undefined)
    beginState(judging, 'stuck', slot, { beginMs: at(FLAT_MS), detail: { ...detail, bound_s: stuck.afterMs / 1_000, ...moved } })
}

/** By how much each driver moved since `sinceActive`, as details; undefined when one moved too little. */
function driversMoved(memory: DeviceMemory, stuck: StuckPlan, sinceActive: number): Record<string, number> | undefined {
  const moved: Record<string, number> = {}
  // The stretch in which the flat time began is left out: the driver may have moved before it.
  const first = Math.floor(sinceActive / STRETCH_MS) + 1
  const last = Math.floor(memory.activeMs / STRETCH_MS)
  for (const { driver, channel, moves } of stuck.drivers) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let stretch = Math.max(first, last - DRIVER_STRETCHES + 1); stretch <= last; stretch++) {
      const index = driver * DRIVER_CELLS + (stretch % DRIVER_STRETCHES) * 2
      const [smallest, largest] = [cell(memory.drivers, index), cell(memory.drivers, index + 1)]
      if (smallest < low) low = smallest
      if (largest > high) high = largest
    }
    if (!(high - low >= moves)) return undefined
    moved[`${channel}_moved`] = high - low
  }
  return moved
}

function noteDrivers(plan: QualityPlan, memory: DeviceMemory): void {
  const stretch = Math.floor(memory.activeMs / STRETCH_MS)
  const isNew = stretch !== Math.floor(memory.tickActive / STRETCH_MS)
  plan.drivers.forEach((slot, driver) => {
    const value = cell(memory.cells, LAST_VALUE * plan.slots + slot)
    const isRecent = memory.activeMs - cell(memory.cells, LAST_ACTIVE * plan.slots + slot) <= 2 * TICK_MS
    const from = driver * DRIVER_CELLS
    // Stretches that passed without a tick have nothing to say.
    if (isNew) {
      const passed = Math.min(DRIVER_STRETCHES, stretch - Math.floor(memory.tickActive / STRETCH_MS))
      for (let back = 0; back < passed; back++) {
        const index = from + ((stretch - back) % DRIVER_STRETCHES) * 2
        memory.drivers[index] = Number.NaN
        memory.drivers[index + 1] = Number.NaN
      }
    }
    if (!isRecent) return
    const index = from + (stretch % DRIVER_STRETCHES) * 2
    if (!(cell(memory.drivers, index) <= value)) memory.drivers[index] = value
    if (!(cell(memory.drivers, index + 1) >= value)) memory.drivers[index + 1] = value
  })
}

function learn(plan: QualityPlan, memory: DeviceMemory, slot: number, condition: Condition): void {
  const { cells } = memory
  const at = (field: number): number => cell(cells, field * plan.slots + slot)
  const set = (field: number, value: number): void => {
    cells[field * plan.slots + slot] = value
  }
  const lastActive = at(LAST_ACTIVE)
  const seenActive = at(SEEN_ACTIVE)
  if (lastActive === seenActive) return
  set(SEEN_ACTIVE, lastActive)
  const value = at(LAST_VALUE)
  if (plan.comparison[slot] !== 0 && memory.bad[slot] === 0) learnUsual(plan, memory, slot, value, condition)
  if (plan.isStuckByDefault[slot] === 1) {
    if (lastActive - at(FLAT_ACTIVE) < LIVE_FLAT_MS) {
      const count = Number.isNaN(at(LIVE_COUNT)) ? 0 : at(LIVE_COUNT)
      const share = count === 0 ? 0 : at(LIVE_SHARE)
      set(LIVE_SHARE, share + ((value === at(TICK_VALUE) ? 0 : 1) - share) * Math.max(LIVE_RATE, 1 / (count + 1)))
      set(LIVE_COUNT, count + 1)
    }
    set(TICK_VALUE, value)
  }
  if (Number.isNaN(seenActive)) return
  const gapMs = lastActive - seenActive
  const count = Number.isNaN(at(GAP_COUNT)) ? 0 : at(GAP_COUNT)
  const rate = Math.max(1 / 32, 1 / (count + 1))
  const mean = count === 0 ? gapMs : at(GAP_MEAN) + (gapMs - at(GAP_MEAN)) * rate
  const deviation = count === 0 ? 0 : at(GAP_DEVIATION) + (Math.abs(gapMs - mean) - at(GAP_DEVIATION)) * rate
  set(GAP_MEAN, mean)
  set(GAP_DEVIATION, deviation)
  set(GAP_COUNT, count + 1)
}

/** Whether a channel has been said to be missing or implausible for a reason of its own; for the tests of the identities. */
export const isTrusted = (memory: DeviceMemory, slot: number): boolean =>
  memory.bad[slot] === 0 || (memory.bad[slot] === 1 && findOpen(memory, 'drift', slot) !== undefined)
