/**
 * Truth in time: brings each device's readings into order of device time before anything is worked out of them. A reading waits until
 * the device's watermark has passed it, or, when the device says nothing more, until as much time has passed on the journal; then it is
 * folded. One that comes later than that is in the store only: the stretch of its device from a checkpoint before it on is worked out
 * again from the store, once for all that came together, its rows are replaced, and nobody is notified of what was amended. What is
 * derived is therefore a function of the set of readings, not of the order in which they came. It reads no clock.
 */
import { deserialize, serialize } from 'node:v8'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedChange, DerivedStore } from '../ingest/derived-store.ts'
import type { GapTracker } from '../ingest/gaps.ts'
import type { LatestValues } from '../ingest/latest.ts'
import type { HistoryQuery } from '../ingest/reading-store.ts'
import { HISTORY_MS, isHistory } from '../rules/device-states.ts'
import type { Derivation, DerivedOutput } from './derivation.ts'
import { compareToPlace, DeviceLine, type LineState, LinesByReceipt, NEVER } from './device-line.ts'
import { beginOfAmendment } from './kept-readings.ts'
import { StandingAlarms, type StandingState } from './standing-alarms.ts'

export interface EventTimeParts<Window> {
  readonly derivation: Derivation<Window>
  readonly gaps: GapTracker
  readonly latest: LatestValues
  readonly derived: Pick<DerivedStore, 'apply' | 'checkpoint' | 'checkpointBehind' | 'hasRows'>
  /** For readings that a version before saved in another order of columns. */
  readonly types?: (type: string) => ApplianceType | undefined
  /** Stored readings of a device from `from_ms` up to and including `to_ms`, in order of device time, boot and seq. */
  readonly history: (query: HistoryQuery) => AsyncIterable<Reading>
  /** Device time from which on the store still has every value of a type's readings, at a time of receipt; absent: it keeps all. */
  readonly keptFromMs?: (type: string, receivedMs: number) => number
  readonly limits: Pick<Limits, 'eventLatenessMs' | 'eventHeld_MAX' | 'amendQuietMs' | 'amendWaitMs_MAX' | 'amendPauseMs_MAX' | 'checkpointStepMs'>
  /** Off in tests only: late readings then stay out of what is derived. */
  readonly isAmending?: boolean
}

export interface EventTimeStatistics {
  readonly devices: number
  readonly held: number
  /** Readings that came later than the watermark of their device. */
  readonly late: number
  /** Stretches that were worked out again, and the readings that this read. */
  readonly amended: number
  readonly amendedReadings: number
  readonly amendmentsPending: number
  /** Stretches that stay as they are, since the readings that they were made of are no longer kept. */
  readonly unamendable: number
}

/** Age at receipt from which what a device stored and forwarded (`hist`) notifies nobody (design, section 7). */

interface Checkpoint {
  readonly fold: unknown
  readonly alarms: StandingState
}

export class EventTime<Window> {
  readonly #parts: EventTimeParts<Window>
  readonly #lines = new DeviceMap<DeviceLine>()
  readonly #waiting = new LinesByReceipt()
  readonly #late = new Set<DeviceLine>()
  readonly #output: DerivedOutput<Window> = { changes: [], windows: [], alarms: [] }
  readonly #counts = { devices: 0, held: 0, late: 0, amended: 0, amendedReadings: 0, unamendable: 0 }
  #events: HubEvent[] = []
  #windows: Window[] = []
  #amendedWindows: Window[] = []
  /** Highest time of receipt so far: the journal's clock. */
  #journalMs = NEVER
  #amendDueMs = Number.POSITIVE_INFINITY
  #isRecalled = false

  constructor(parts: EventTimeParts<Window>) {
    this.#parts = parts
  }

  /** Takes a reading that was not seen before, in the order of the journal. */
  take(reading: Reading): void {
    this.#parts.latest.observe(reading)
    const line = this.#lineOf(reading)
    line.receivedMs = Math.max(line.receivedMs, reading.received_at_ms)
    if (this.#isRecalled && line.atMs === NEVER && line.held.length === 0) this.#recallLine(line, reading)
    if (line.type !== reading.type) this.#changeType(line, reading)
    if (compareToPlace(reading, line) <= 0) {
      this.#noteLate(line, reading)
      return
    }
    const { held } = line
    if (!held.put(reading)) return
    this.#counts.held++
    if (reading.observed_at_ms > line.topMs) line.topMs = reading.observed_at_ms
    this.#release(line, line.topMs - this.#parts.limits.eventLatenessMs)
    if (held.length > 0) this.#waiting.toEnd(line)
    else this.#waiting.remove(line)
  }

  /** Moves the journal's clock; devices that said nothing for the allowed lateness are folded to their last reading. */
  advance(receivedMs: number): void {
    if (receivedMs <= this.#journalMs) return
    this.#journalMs = receivedMs
    const silentMs = receivedMs - this.#parts.limits.eventLatenessMs
    for (let line = this.#waiting.first(); line !== undefined && line.receivedMs <= silentMs; line = this.#waiting.first()) {
      this.#waiting.remove(line)
      this.#release(line, Number.POSITIVE_INFINITY)
    }
  }

  /** Whether a stretch is to be worked out again now; the readings taken so far must be in the store before `amend`. */
  isAmendmentDue(): boolean {
    return this.#journalMs >= this.#amendDueMs
  }

  /** Works out again what is due. @throws MendlineError MDL_STORE_UNAVAILABLE; what was not finished stays due */
  async amend(): Promise<void> {
    for (const line of [...this.#late].filter((entry) => this.#dueMs(entry) <= this.#journalMs)) {
      await this.#amendLine(line)
      this.#late.delete(line)
    }
    this.#amendDueMs = Math.min(Number.POSITIVE_INFINITY, ...[...this.#late].map((line) => this.#dueMs(line)))
  }

  /** Takes what the hubs and the models are to be told since the last call; amended windows are for the models' memory only. */
  drain(): { readonly events: readonly HubEvent[]; readonly windows: readonly Window[]; readonly amendedWindows: readonly Window[] } {
    const drained = { events: this.#events, windows: this.#windows, amendedWindows: this.#amendedWindows }
    if (drained.events.length > 0) this.#events = []
    if (drained.windows.length > 0) this.#windows = []
    if (drained.amendedWindows.length > 0) this.#amendedWindows = []
    return drained
  }

  /** Writes what was derived; a failure keeps it for the next call. */
  async commit(): Promise<void> {
    const { changes } = this.#output
    for (const change of this.#parts.gaps.drain()) changes.push(change)
    if (changes.length === 0) return
    const count = changes.length
    await this.#parts.derived.apply(changes)
    changes.splice(0, count)
  }

  statistics(): EventTimeStatistics {
    return { ...this.#counts, amendmentsPending: this.#late.size }
  }

  snapshot(): unknown {
    const { derivation, gaps, latest } = this.#parts
    const lines = this.#lines.values().map((line) => line.state())
    return { lines, journalMs: this.#journalMs, derivation: derivation.snapshot(), gaps: gaps.snapshot(), latest: latest.snapshot() }
  }

  restore(state: unknown): void {
    const { derivation, gaps, latest } = this.#parts
    const saved = state as { lines: readonly LineState[]; journalMs: number; derivation: unknown; gaps: unknown; latest: unknown }
    derivation.restore(saved.derivation)
    gaps.restore(saved.gaps)
    latest.restore(saved.latest)
    this.#lines.clear()
    this.#journalMs = saved.journalMs
    for (const line of saved.lines.map((line) => DeviceLine.of(line, this.#parts.types)).sort((a, b) => a.receivedMs - b.receivedMs)) this.#put(line)
  }

  /** Without saved state: each device that comes is worked out again from its last checkpoint, or from its first stored reading. */
  recall(): void {
    this.#isRecalled = true
  }

  #lineOf({ tenant, device, type }: Reading): DeviceLine {
    const found = this.#lines.get(tenant, device)
    if (found !== undefined) return found
    const line = new DeviceLine(tenant, device, type)
    this.#put(line)
    return line
  }

  /** What the store has from before the reading was folded once, and its state is lost: it is late, and no checkpoint is made before it is in. */
  #recallLine(line: DeviceLine, { observed_at_ms }: Reading): void {
    line.atMs = observed_at_ms - 1
    line.boot = Number.MAX_SAFE_INTEGER
    line.nextStepMs = observed_at_ms + this.#parts.limits.checkpointStepMs
    this.#markLate(line, line.atMs)
  }

  #put(line: DeviceLine): void {
    this.#lines.set(line.tenant, line.device, line)
    this.#counts.devices++
    this.#counts.held += line.held.length
    if (line.held.length > 0) this.#waiting.toEnd(line)
    if (line.lateFromMs === Number.POSITIVE_INFINITY) return
    this.#late.add(line)
    this.#amendDueMs = Math.min(this.#amendDueMs, this.#dueMs(line))
  }

  /** A device that is of another type now begins anew; its readings of before lie in another table. */
  #changeType(line: DeviceLine, { type }: Reading): void {
    this.#release(line, Number.POSITIVE_INFINITY)
    this.#parts.derivation.loadDevice(line.tenant, line.device, undefined)
    line.type = type
    line.alarms = new StandingAlarms()
    Object.assign(line, { topMs: NEVER, atMs: NEVER, boot: NEVER, seq: NEVER, nextStepMs: NEVER, lateFromMs: Number.POSITIVE_INFINITY })
    this.#late.delete(line)
  }

  #noteLate(line: DeviceLine, reading: Reading): void {
    if (compareToPlace(reading, line) === 0) return
    this.#counts.late++
    this.#parts.gaps.admit(reading)
    if (this.#parts.isAmending !== false) this.#markLate(line, reading.observed_at_ms)
  }

  #markLate(line: DeviceLine, fromMs: number): void {
    if (!this.#late.has(line)) {
      line.lateSinceMs = line.receivedMs
      this.#late.add(line)
    }
    line.lateFromMs = Math.min(line.lateFromMs, fromMs)
    line.lateReceivedMs = line.receivedMs
    this.#amendDueMs = Math.min(this.#amendDueMs, this.#dueMs(line))
  }

  /** When late readings stop coming, or after the longest wait; a device that is late all the time is amended more and more seldom. */
  #dueMs(line: DeviceLine): number {
    const { amendQuietMs, amendWaitMs_MAX } = this.#parts.limits
    const quietMs = Math.min(line.lateReceivedMs + amendQuietMs, line.lateSinceMs + amendWaitMs_MAX)
    return line.amendedMs === NEVER ? quietMs : Math.max(quietMs, line.amendedMs + line.amendPauseMs)
  }

  #release(line: DeviceLine, untilMs: number): void {
    const { held } = line
    const count = this.#releasable(held, untilMs)
    if (count === 0) return
    this.#counts.held -= count
    for (let left = count; left > 0; left--) this.#releaseOne(line, held.shift(line))
  }

  /** How many of those that wait are to be folded; of too many the oldest quarter at once. */
  #releasable(held: DeviceLine['held'], untilMs: number): number {
    const { eventHeld_MAX } = this.#parts.limits
    let count = held.length > eventHeld_MAX ? held.length - Math.ceil(0.75 * eventHeld_MAX) : 0
    while (count < held.length && held.observedAtMs(count) <= untilMs) count++
    return count
  }

  #releaseOne(line: DeviceLine, reading: Reading): void {
    this.#parts.gaps.admit(reading)
    this.#fold(line, reading)
    const isOver = isHistory(reading)
    const { alarms, windows } = this.#output
    for (const event of alarms) line.alarms.take(event, !isOver, this.#events)
    if (!isOver) line.alarms.tellStanding(this.#events)
    const told = isOver ? this.#amendedWindows : this.#windows
    for (const window of windows) told.push(window)
    if (alarms.length > 0) alarms.length = 0
    if (windows.length > 0) windows.length = 0
  }

  #fold(line: DeviceLine, reading: Reading): void {
    if (reading.observed_at_ms >= line.nextStepMs) this.#step(line, reading.observed_at_ms)
    line.moveTo(reading)
    this.#parts.derivation.observe(reading, this.#output)
  }

  /** Keeps the state before the step in which `atMs` lies; steps of devices begin at different times, so that not all come together. */
  #step(line: DeviceLine, atMs: number): void {
    const { tenant, device, type } = line
    const stepMs = this.#parts.limits.checkpointStepMs
    const offsetMs = Number.parseInt(contentId('step', tenant, device).slice(-4), 16) % stepMs
    const beginMs = Math.floor((atMs - offsetMs) / stepMs) * stepMs + offsetMs
    if (line.atMs !== NEVER) {
      const state = serialize({ fold: this.#parts.derivation.saveDevice(tenant, device), alarms: line.alarms.state() } satisfies Checkpoint)
      this.#output.changes.push({ op: 'checkpoint', tenant, device, type, at_ms: beginMs, state })
    }
    line.nextStepMs = beginMs + stepMs
  }

  async #amendLine(line: DeviceLine): Promise<void> {
    const { derivation, derived, history } = this.#parts
    const { tenant, device, type } = line
    await this.commit()
    const goal = line.place()
    const keptMs = this.#parts.keptFromMs?.(type, this.#journalMs) ?? 0
    const found = await beginOfAmendment(derived, line, { goalMs: goal.atMs, keptMs })
    if (found === 'lost') {
      this.#counts.unamendable++
      line.lateFromMs = Number.POSITIVE_INFINITY
      return
    }
    const saved = found === undefined ? undefined : (deserialize(found.state) as Checkpoint)
    const from_ms = found?.at_ms ?? 0
    const told = line.alarms
    const rewound: DerivedChange[] = [{ op: 'rewind', tenant, device, from_ms }]
    try {
      derivation.loadDevice(tenant, device, saved?.fold)
      Object.assign(line, { atMs: saved === undefined ? NEVER : from_ms - 1, boot: NEVER, seq: NEVER, nextStepMs: from_ms === 0 ? NEVER : from_ms })
      line.alarms = new StandingAlarms(saved?.alarms.map(([rule, { alarm }]) => [rule, { alarm, told: null }]))
      await derived.apply(rewound)
      const clearedMs = await this.#foldHistory(line, history({ tenant, device, type, from_ms, to_ms: goal.atMs }), goal)
      line.alarms.inherit(told, clearedMs, this.#events)
    } catch (error) {
      line.alarms = told
      this.#output.changes.length = 0
      Object.assign(line, goal)
      throw error
    }
    if (this.#journalMs - line.atMs <= HISTORY_MS) line.alarms.tellStanding(this.#events)
    this.#counts.amended++
    const { amendWaitMs_MAX, amendPauseMs_MAX } = this.#parts.limits
    const isSteady = line.amendedMs !== NEVER && this.#journalMs - line.amendedMs < 4 * Math.max(line.amendPauseMs, amendWaitMs_MAX)
    line.amendPauseMs = isSteady ? Math.min(amendPauseMs_MAX, 2 * Math.max(line.amendPauseMs, amendWaitMs_MAX / 2)) : 0
    line.amendedMs = this.#journalMs
    line.lateFromMs = Number.POSITIVE_INFINITY
  }

  /** Folds what the store has up to the goal; gives the times at which alarms were cleared on the way. */
  async #foldHistory(line: DeviceLine, readings: AsyncIterable<Reading>, goal: ReturnType<DeviceLine['place']>): Promise<Map<string, number>> {
    const { alarms, windows } = this.#output
    const clearedMs = new Map<string, number>()
    const untold: HubEvent[] = []
    for await (const reading of readings) {
      if (compareToPlace(reading, goal) > 0) break
      this.#parts.latest.observe(reading)
      this.#fold(line, reading)
      this.#counts.amendedReadings++
      for (const event of alarms) {
        line.alarms.take(event, false, untold)
        if (event.kind === 'alarm_cleared') clearedMs.set(event.alarm.rule, event.alarm.cleared_at_ms ?? event.alarm.raised_at_ms)
      }
      for (const window of windows) this.#amendedWindows.push(window)
      alarms.length = 0
      windows.length = 0
    }
    line.boot = goal.boot
    line.seq = goal.seq
    line.atMs = goal.atMs
    return clearedMs
  }
}
