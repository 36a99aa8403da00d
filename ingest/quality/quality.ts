/**
 * Judges the quality of each channel: a fold over the readings of one device in order of device time. A reading gives the states that
 * begin or end with it, and its values without those of channels that are not to be trusted. The same readings give the same states. Cheap
 * by design: a few comparisons a value, the tests that look back once in five minutes of the device's time. It reads no clock.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { CHANNEL_STATE_KINDS, type ChannelState, type ChannelStateKind } from '#kernel/channel-state.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import { assert } from '#kernel/errors.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import {
  cell,
  createMemory,
  type DeviceMemory,
  FLAT_ACTIVE,
  FLAT_MS,
  FLAT_VALUE,
  findOpen,
  LAST_ACTIVE,
  LAST_CHANGE,
  LAST_MS,
  LAST_VALUE,
  loadMemory,
  saveMemory,
} from './device-memory.ts'
import { judgeIdentities, noteConditions } from './identities.ts'
import { type QualityPlan, qualityPlan } from './quality-plan.ts'
import { beginState, endState, type Judging } from './state-changes.ts'
import { TICK_MS, tick } from './tick.ts'
import { beginComparison, compare } from './unit-jump.ts'

export interface QualityOutput {
  /** States that begin or end with this reading, in the order found. A later record of the same key replaces the earlier. */
  readonly changes: readonly ChannelState[]
  /** Values for all who obey the gates: the reading's own array when every channel is sound, else a copy with NaN for the others. */
  readonly trusted: Float64Array
}

export interface Quality {
  /** Takes the next reading of its device; one that is older than the last changes nothing. */
  observe(reading: Reading): QualityOutput
  /** Takes a value that was refused for its range; a burst of them is an implausible stretch. */
  refuse(entry: Pick<QuarantineEntry, 'tenant' | 'device' | 'code' | 'field' | 'reason' | 'observed_at_ms'>, type: string): readonly ChannelState[]
  saveDevice(tenant: string, device: string): unknown
  /** `undefined` forgets the device. State of a type whose channels changed since is forgotten. */
  loadDevice(tenant: string, device: string, state: unknown): void
  statistics(): QualityStatistics
  snapshot(): unknown
  restore(state: unknown): void
}

export interface QualityStatistics {
  readonly readings: number
  /** Readings older than the last of their device. */
  readonly late: number
  /** States begun since the start, and standing now, by kind. */
  readonly begun: Readonly<Record<ChannelStateKind, number>>
  readonly standing: Readonly<Record<ChannelStateKind, number>>
}

/** A silence of the device longer than this, and than some of its periods, is no active time of its channels. */
const SILENCE_MS = 15 * 60_000
const SILENCE_PERIODS = 4
/** A change is compared with a value that is not older than this. */
const RATE_SPAN_MS = 15 * 60_000
/** A change within less than this may be as large as one over it: noise of a sensor that reports each second is no motion. */
const RATE_MIN_SPAN_MS = 60_000
/** Values out of range, or spikes, within this time that make an implausible stretch. */
const SIGNS_MIN = 3
const SIGNS_WITHIN_MS = 6 * 3_600_000
/** After a change between running and resting a unit settles for this long before its values are compared with others. */
const SETTLE_MS = 30 * 60_000

const NOTHING: readonly ChannelState[] = []
const REFUSED_FIELD = /\.v\.([a-z][a-z0-9_]*?)(?:\.min|\.max|\.mean)?$/

interface Device {
  readonly tenant: string
  readonly device: string
  readonly plan: QualityPlan
  readonly memory: DeviceMemory
}

/** Creates the fold; plans are compiled when the first reading of a type comes. */
export function createQuality({ types }: { readonly types: (type: string) => ApplianceType | undefined }): Quality {
  return new QualityFold(types)
}

class QualityFold implements Quality {
  readonly #types: (type: string) => ApplianceType | undefined
  readonly #devices = new DeviceMap<Device>()
  readonly #counts = { readings: 0, late: 0, begun: noStates() }

  constructor(types: (type: string) => ApplianceType | undefined) {
    this.#types = types
  }

  observe(reading: Reading): QualityOutput {
    const device = this.#deviceOf(reading)
    if (device === undefined) return { changes: NOTHING, trusted: reading.numbers }
    const { plan, memory } = device
    this.#counts.readings++
    if (reading.observed_at_ms < memory.lastMs) {
      this.#counts.late++
      return { changes: NOTHING, trusted: trustedNumbers(plan, memory, reading.numbers) }
    }
    const judging: Judging = { plan, memory, source: reading, changes: [] }
    advance(judging, reading)
    this.#count(judging.changes)
    return { changes: judging.changes, trusted: trustedNumbers(plan, memory, reading.numbers) }
  }

  refuse(entry: Parameters<Quality['refuse']>[0], type: string): readonly ChannelState[] {
    const channel = entry.code === 'MDL_INGEST_VALUE_RANGE' ? REFUSED_FIELD.exec(entry.field)?.[1] : undefined
    const atMs = entry.observed_at_ms
    const device = this.#devices.get(entry.tenant, entry.device)
    if (channel === undefined || atMs === undefined || device === undefined || device.plan.type.id !== type) return NOTHING
    const { plan, memory } = device
    const slot = plan.channels.findIndex(({ name }) => name === channel)
    if (slot < 0 || atMs < memory.lastMs) return NOTHING
    const judging: Judging = { plan, memory, source: { ...entry, type, observed_at_ms: atMs }, changes: [] }
    gatherSign(judging, slot, (count) => ({ refused: count, bound: SIGNS_MIN, reason: entry.reason.slice(0, 200) }))
    this.#count(judging.changes)
    return judging.changes
  }

  saveDevice(tenant: string, device: string): unknown {
    const found = this.#devices.get(tenant, device)
    return found === undefined ? undefined : { type: found.plan.type.id, memory: saveMemory(found.memory) }
  }

  loadDevice(tenant: string, device: string, state: unknown): void {
    this.#devices.delete(tenant, device)
    if (state === undefined) return
    const { type: id, memory: saved } = state as { readonly type: string; readonly memory: unknown }
    const type = this.#types(id)
    if (type === undefined) return
    const plan = qualityPlan(type)
    const memory = loadMemory(plan, saved)
    if (memory !== undefined) this.#put({ tenant, device, plan, memory })
  }

  statistics(): QualityStatistics {
    const standing = noStates()
    for (const { memory } of this.#devices.values()) for (const { kind } of memory.open) standing[kind]++
    return { readings: this.#counts.readings, late: this.#counts.late, begun: { ...this.#counts.begun }, standing }
  }

  snapshot(): unknown {
    return { version: 1, devices: this.#devices.values().map(({ tenant, device }) => [tenant, device, this.saveDevice(tenant, device)]) }
  }

  restore(state: unknown): void {
    assert(isSnapshot(state), 'a snapshot of the quality fold was made by it')
    this.#devices.clear()
    for (const [tenant, device, saved] of state.devices) this.loadDevice(tenant, device, saved)
  }

  #deviceOf({ tenant, device, type }: Reading): Device | undefined {
    const found = this.#devices.get(tenant, device)
    const known = this.#types(type)
    if (found !== undefined && found.plan.type === known) return found
    if (known === undefined) return undefined
    const plan = qualityPlan(known)
    const made = { tenant, device, plan, memory: found?.memory.shape === plan.shape ? found.memory : createMemory(plan) }
    this.#put(made)
    return made
  }

  #put(device: Device): void {
    this.#devices.set(device.tenant, device.device, device)
  }

  #count(changes: readonly ChannelState[]): void {
    for (const { state, end_ms } of changes) if (end_ms === null) this.#counts.begun[state]++
  }
}

/** Takes a reading that is not older than the last into the device's memory, with all its tests. */
function advance(judging: Judging, reading: Reading): void {
  const { plan, memory } = judging
  const atMs = reading.observed_at_ms
  if (memory.lastMs >= 0) {
    const elapsedMs = atMs - memory.lastMs
    const silenceMs = Math.max(SILENCE_MS, SILENCE_PERIODS * memory.periodMs)
    const activeMs = Math.min(elapsedMs, silenceMs)
    memory.activeMs += activeMs
    if (elapsedMs > 0) memory.periodMs = memory.periodMs === 0 ? activeMs : memory.periodMs + (activeMs - memory.periodMs) / 16
  }
  memory.lastMs = atMs
  const firmwareBefore = memory.firmware
  if (reading.fw !== undefined) memory.firmware = reading.fw
  if (reading.fw !== undefined && firmwareBefore !== undefined && reading.fw !== firmwareBefore) beginComparison(plan, memory, firmwareBefore, atMs)

  takeValues(judging, reading.numbers)
  noteRunning(plan, memory, reading.numbers)
  const isSettled = plan.conditionColumn < 0 || memory.activeMs - memory.runningActive >= SETTLE_MS
  const condition = { isRunning: memory.isRunning, isSettled }
  if (plan.identities.length > 0) noteConditions(plan, memory, reading.numbers)
  if (memory.comparison !== undefined) compare(judging, memory.comparison, reading.numbers, condition)
  if (memory.activeMs - memory.tickActive < TICK_MS) return
  tick(judging, condition)
  judgeIdentities(judging)
  memory.tickActive = memory.activeMs
}

function noteRunning(plan: QualityPlan, memory: DeviceMemory, numbers: Float64Array): void {
  const value = cell(numbers, plan.conditionColumn)
  if (Number.isNaN(value)) return
  const isRunning = value > plan.conditionAbove
  if (isRunning === memory.isRunning) return
  memory.isRunning = isRunning
  memory.runningActive = memory.activeMs
}

/** The hot loop: each value that is there moves on its flat stretch, or ends it, and is compared with the one before. */
function takeValues(judging: Judging, numbers: Float64Array): void {
  const { plan, memory } = judging
  const { slots, columns, tolerance, rate, rateFloor, changeMax, spikeMax } = plan
  const { cells, activeMs, lastMs: atMs, bad } = memory
  for (let slot = 0; slot < slots; slot++) {
    const value = numbers[columns[slot] ?? -1] ?? Number.NaN
    if (Number.isNaN(value)) continue
    const last = slot + LAST_VALUE * slots
    const change = value - cell(cells, last)
    const size = Math.abs(change)
    if (size > (rateFloor[slot] ?? 0)) {
      const spanMs = atMs - cell(cells, slot + LAST_MS * slots)
      const bound = Math.min((rate[slot] ?? 0) * Math.max(spanMs, RATE_MIN_SPAN_MS), changeMax[slot] ?? 0)
      if (spanMs <= RATE_SPAN_MS && size > bound) sayImplausible(judging, slot, { value, spanMs, bound })
      const spike = spikeMax[slot] ?? 0
      const before = cell(cells, slot + LAST_CHANGE * slots)
      if (size > spike && Math.abs(before) > spike && before < 0 !== change < 0 && spanMs <= RATE_SPAN_MS) saySpike(judging, slot, change)
    }
    cells[slot + LAST_CHANGE * slots] = change
    if (!(Math.abs(value - cell(cells, slot)) <= (tolerance[slot] ?? 0))) {
      cells[slot + FLAT_VALUE * slots] = value
      cells[slot + FLAT_ACTIVE * slots] = activeMs
      cells[slot + FLAT_MS * slots] = atMs
      if (bad[slot] !== 0) endState(judging, 'stuck', slot)
    }
    if (bad[slot] !== 0) endState(judging, 'missing', slot)
    cells[last] = value
    cells[slot + LAST_ACTIVE * slots] = activeMs
    cells[slot + LAST_MS * slots] = atMs
  }
}

function sayImplausible(judging: Judging, slot: number, found: { readonly value: number; readonly spanMs: number; readonly bound: number }): void {
  const { plan, memory, source } = judging
  const before = cell(memory.cells, slot + LAST_VALUE * plan.slots)
  const { value, spanMs, bound } = found
  const detail = { before, value, span_s: spanMs / 1_000, change: Math.abs(value - before), bound }
  const state = findOpen(memory, 'implausible', slot) ?? beginState(judging, 'implausible', slot, { beginMs: source.observed_at_ms, detail })
  state.signActive = memory.activeMs
}

function saySpike(judging: Judging, slot: number, change: number): void {
  const { plan, memory } = judging
  const value = cell(memory.cells, slot + LAST_VALUE * plan.slots)
  const bound = plan.spikeMax[slot] ?? 0
  gatherSign(judging, slot, (count) => ({ spikes: count, bound: SIGNS_MIN, value, departure: Math.abs(change), spike_bound: bound }))
}

/** Counts a sign that says nothing alone; enough of them begin a state, or go on with it. */
function gatherSign(judging: Judging, slot: number, detailOf: (count: number) => ChannelState['detail']): void {
  const { memory, source } = judging
  const kept = memory.signs.find(([known, , sinceMs]) => known === slot && source.observed_at_ms - sinceMs <= SIGNS_WITHIN_MS)
  const count = (kept?.[1] ?? 0) + 1
  const sinceMs = kept?.[2] ?? source.observed_at_ms
  memory.signs = [...memory.signs.filter(([known]) => known !== slot), [slot, count, sinceMs]]
  if (count < SIGNS_MIN) return
  const state = findOpen(memory, 'implausible', slot) ?? beginState(judging, 'implausible', slot, { beginMs: sinceMs, detail: detailOf(count) })
  state.signActive = memory.activeMs
}

/** The values without those of channels in a bad state, or on probation after a firmware change. */
function trustedNumbers(plan: QualityPlan, memory: DeviceMemory, numbers: Float64Array): Float64Array {
  const { comparison } = memory
  const waits = comparison !== undefined && comparison.waiting > 0 ? comparison.waits : undefined
  if (memory.open.length === 0 && waits === undefined) return numbers
  const trusted = numbers.slice()
  for (let slot = 0; slot < plan.slots; slot++) {
    if (memory.bad[slot] === 0 && waits?.[slot] !== 1) continue
    const column = plan.columns[slot] ?? 0
    const minimum = plan.minimums[slot] ?? -1
    trusted.fill(Number.NaN, column, column + 1)
    if (minimum >= 0) trusted.fill(Number.NaN, minimum, minimum + 2)
  }
  return trusted
}

const noStates = (): Record<ChannelStateKind, number> =>
  Object.fromEntries(CHANNEL_STATE_KINDS.map((kind) => [kind, 0])) as Record<ChannelStateKind, number>

const isSnapshot = (value: unknown): value is { readonly devices: ReadonlyArray<readonly [tenant: string, device: string, saved: unknown]> } =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'devices' in value && Array.isArray(value.devices)
