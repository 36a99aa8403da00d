/**
 * The line of one device: its place in device time, and the readings that wait until the watermark (highest device time less the allowed
 * lateness) has passed them. Readings are in order of device time, then boot and sequence number, so that their order follows
 * from what they are and not from when they came.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Reading } from '#kernel/reading.ts'
import { inOrderOfNow, type PackedReadings, unpackReadings } from './held-readings.ts'
import { StandingAlarms, type StandingState } from './standing-alarms.ts'
import { WaitingRows } from './waiting-rows.ts'

/** Stands for "not at any time". */
export const NEVER = -1

/** Place of a reading in the order of its device. */
export interface Place {
  readonly atMs: number
  readonly boot: number
  readonly seq: number
}

export class DeviceLine {
  readonly tenant: string
  readonly device: string
  type: string
  /** Readings that wait, in order. */
  readonly held = new WaitingRows()
  topMs = NEVER
  /** Place of the last reading that was folded. */
  atMs = NEVER
  boot = NEVER
  seq = NEVER
  /** Begin of the next step of device time, before which a checkpoint is made. */
  nextStepMs = NEVER
  /** Receipt of the last reading. */
  receivedMs = NEVER
  /** Device time from which the line is to be worked out again; Infinity when it is not. */
  lateFromMs = Number.POSITIVE_INFINITY
  lateReceivedMs = NEVER
  lateSinceMs = NEVER
  amendedMs = NEVER
  amendPauseMs = 0
  alarms = new StandingAlarms()
  /** Neighbours in the list of lines by receipt. */
  before: DeviceLine | undefined
  behind: DeviceLine | undefined

  constructor(tenant: string, device: string, type: string) {
    this.tenant = tenant
    this.device = device
    this.type = type
  }

  /** Moves the line's place to the reading. */
  moveTo(reading: Reading): void {
    this.atMs = reading.observed_at_ms
    this.boot = reading.boot
    this.seq = reading.seq
  }

  place(): Place {
    return { atMs: this.atMs, boot: this.boot, seq: this.seq }
  }

  state(): LineState {
    const { before: _before, behind: _behind, alarms, held, ...own } = this
    return { ...own, alarms: alarms.state(), held: held.pack() }
  }

  static of(state: LineState, types: (type: string) => ApplianceType | undefined = () => undefined): DeviceLine {
    const { alarms, held, tenant, device, type, ...own } = state
    const line = Object.assign(new DeviceLine(tenant, device, type), own)
    line.alarms = new StandingAlarms(alarms)
    // Versions before kept them as they were.
    const readings = 'numbers' in held ? unpackReadings(held, line) : held
    const isOfNow = 'order' in held && held.order !== undefined
    for (const reading of isOfNow ? readings : inOrderOfNow(readings, types(type))) line.held.put(reading)
    return line
  }
}

export type LineState = Omit<DeviceLine, 'alarms' | 'held' | 'before' | 'behind' | 'moveTo' | 'place' | 'state'> & {
  readonly alarms: StandingState
  readonly held: PackedReadings | readonly Reading[]
}

/** Below zero when the reading lies before the place, zero when it is the one there. */
export const compareToPlace = (reading: Reading, place: Place): number =>
  reading.observed_at_ms - place.atMs || reading.boot - place.boot || reading.seq - place.seq

/** Lines with readings that wait, in order of the receipt of their last reading; moving one to the end costs a few assignments. */
export class LinesByReceipt {
  #first: DeviceLine | undefined
  #last: DeviceLine | undefined

  first(): DeviceLine | undefined {
    return this.#first
  }

  toEnd(line: DeviceLine): void {
    if (this.#last === line) return
    this.remove(line)
    line.before = this.#last
    if (this.#last === undefined) this.#first = line
    else this.#last.behind = line
    this.#last = line
  }

  remove(line: DeviceLine): void {
    if (line.before === undefined && this.#first !== line) return
    if (line.before === undefined) this.#first = line.behind
    else line.before.behind = line.behind
    if (line.behind === undefined) this.#last = line.before
    else line.behind.before = line.before
    line.before = undefined
    line.behind = undefined
  }
}
