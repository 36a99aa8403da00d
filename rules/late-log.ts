/**
 * What the safety rules of one device answered to readings that it stored and sent later, in device time, whatever the order in which they
 * came. A few bytes a reading: its time, and one answer for each rule that needs no memory of its own. It is bounded: what lies farthest
 * from where readings come now is forgotten first. A reading in which no rule finds anything says only that the unit went on talking.
 */
import type { AlarmEvidence } from '#kernel/alarm.ts'

/**
 * What a rule finds in a reading: nothing it asks for, that it holds, that it fails, or values between its bound and that for leaving. Of a
 * hold in order only begin and end are known; that it held between them is assumed. What is known of one rule alone leaves the others unseen.
 */
export const SAYS = { nothing: 0, holds: 1, fails: 2, between: 3, assumed: 4, unseen: 5 } as const

/** Whether the rule held. */
export const isHeld = (say: number): boolean => say === SAYS.holds || say === SAYS.assumed

/** Of two answers for one instant the one that warns more counts. */
const GRAVITY = [1, 5, 2, 3, 4, 0] as const

/** Readings that are kept of a device (chosen: more than a day of one a minute). */
const READINGS_MAX = 2_048
/** What lies further behind matters to nothing that comes: a day of late readings, and the longest hold of a danger before it. */
export const KEPT_MS = 28 * 3_600_000
/** How many are forgotten at once when it is full. */
const FORGOTTEN_AT_ONCE = READINGS_MAX / 8

/** As plain data: times as the first and pairs of a count and a step, answers as pairs of a count and one digit a rule. */
export interface PackedLateLog {
  readonly keys: readonly string[]
  /** null before anything in order was noted. */
  readonly inOrderMs: ReadonlyArray<number | null>
  readonly usedMs: number
  readonly hasForgotten: boolean
  readonly times: readonly number[]
  readonly says: ReadonlyArray<number | string>
  readonly witnesses: ReadonlyArray<readonly AlarmEvidence[] | null>
}

export class LateLog {
  /** Keys of the rules, by column. */
  readonly keys: readonly string[]
  /** Evidence of the last reading at which each rule held. */
  readonly witnesses: Array<readonly AlarmEvidence[] | null>
  /** Of each rule, the last reading in order that the log knows of. */
  readonly inOrderMs: number[]
  /** Whether each rule ever held. */
  readonly everHeld: boolean[]
  /** Receipt of the last reading that was noted. */
  usedMs = 0
  /** Whether readings were forgotten since it could not hold them all. */
  hasForgotten = false
  length = 0
  /** Silence of a unit within which what it says of other things tells nothing new. */
  readonly #talkMs: number
  #times = new Float64Array(16)
  #says: Uint8Array

  constructor(keys: readonly string[], talkMs: number) {
    this.keys = keys
    this.#talkMs = talkMs
    this.#says = new Uint8Array(16 * keys.length)
    this.witnesses = keys.map(() => null)
    this.inOrderMs = keys.map(() => Number.NaN)
    this.everHeld = keys.map(() => false)
  }

  timeAt(index: number): number {
    return this.#times[index] ?? Number.NaN
  }

  sayAt(index: number, column: number): number {
    return this.#says[index * this.keys.length + column] ?? SAYS.nothing
  }

  /** Place of the first reading at `atMs` or later. */
  placeOf(atMs: number): number {
    let from = 0
    let to = this.length
    if (to > 0 && this.timeAt(to - 1) < atMs) return to
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.timeAt(middle) < atMs) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Notes what the rules say, one answer a column. */
  note(atMs: number, says: ArrayLike<number>): void {
    for (let column = 0; column < this.keys.length; column++) if (isHeld(says[column] ?? 0)) this.everHeld[column] = true
    const place = this.placeOf(atMs)
    if (place < this.length && this.timeAt(place) === atMs) {
      for (let column = 0; column < this.keys.length; column++) this.#merge(place, column, says[column] ?? SAYS.nothing)
      return
    }
    this.#makeRoom(place)
    this.#times[place] = atMs
    this.#says.set(says, place * this.keys.length)
    if (this.#isTalk(place)) this.#thinTalk(place)
    if (this.length >= READINGS_MAX) this.#forget(atMs)
  }

  /** Notes what one rule says. */
  noteOne(atMs: number, column: number, say: number): void {
    const says = new Uint8Array(this.keys.length).fill(SAYS.unseen)
    says[column] = say
    this.note(atMs, says)
  }

  /** The log for other rules; those that are the same keep their answers. */
  withKeys(keys: readonly string[], talkMs: number): LateLog {
    const log = new LateLog(keys, talkMs)
    const columns = keys.map((key) => this.keys.indexOf(key))
    for (let index = 0; index < this.length; index++)
      log.note(
        this.timeAt(index),
        columns.map((column) => (column < 0 ? SAYS.unseen : this.sayAt(index, column))),
      )
    columns.forEach((column, at) => {
      log.witnesses[at] = this.witnesses[column] ?? null
      log.inOrderMs[at] = this.inOrderMs[column] ?? Number.NaN
    })
    log.usedMs = this.usedMs
    log.hasForgotten ||= this.hasForgotten
    return log
  }

  pack(): PackedLateLog {
    const times: number[] = this.length > 0 ? [this.timeAt(0)] : []
    const says: Array<number | string> = []
    for (let index = 0; index < this.length; index++) {
      if (index > 0) count(times, this.timeAt(index) - this.timeAt(index - 1), 1)
      let digits = ''
      for (let column = 0; column < this.keys.length; column++) digits += this.sayAt(index, column)
      count(says, digits, 0)
    }
    const { keys, usedMs, hasForgotten, witnesses } = this
    const inOrderMs = this.inOrderMs.map((ms) => (Number.isNaN(ms) ? null : ms))
    return { keys, inOrderMs, usedMs, hasForgotten, times, says, witnesses: [...witnesses] }
  }

  static unpack({ keys, inOrderMs, usedMs, hasForgotten, times, says, witnesses }: PackedLateLog, talkMs: number): LateLog {
    const log = new LateLog(keys, talkMs)
    const answers = says.flatMap((digits, at) => (at % 2 === 0 ? [] : Array.from({ length: Number(says[at - 1]) }, () => String(digits))))
    let [atMs = 0] = times
    let step = 1
    let left = times[1] ?? 0
    for (const digits of answers) {
      log.note(atMs, Uint8Array.from(digits, Number))
      while (left === 0 && step + 2 < times.length) {
        step += 2
        left = times[step] ?? 0
      }
      atMs += times[step + 1] ?? 0
      left--
    }
    for (const [column, evidence] of witnesses.entries()) log.witnesses[column] = evidence
    for (const [column, ms] of inOrderMs.entries()) log.inOrderMs[column] = ms ?? Number.NaN
    log.usedMs = usedMs
    log.hasForgotten = hasForgotten
    return log
  }

  #merge(index: number, column: number, say: number): void {
    const at = index * this.keys.length + column
    if ((GRAVITY[say] ?? 0) > (GRAVITY[this.#says[at] ?? 0] ?? 0)) this.#says[at] = say
  }

  #makeRoom(place: number): void {
    const width = this.keys.length
    if (this.length === this.#times.length) {
      const times = new Float64Array(2 * this.length)
      times.set(this.#times)
      const says = new Uint8Array(2 * this.length * width)
      says.set(this.#says)
      this.#times = times
      this.#says = says
    }
    this.#times.copyWithin(place + 1, place, this.length)
    this.#says.copyWithin((place + 1) * width, place * width, this.length * width)
    this.length++
  }

  /** Drops the reading that says nothing but that the unit talks, or its neighbour, where those beside say no more. */
  #thinTalk(place: number): void {
    for (const middle of [place + 1, place, place - 1]) {
      const isBetween = this.#isTalk(middle - 1) && this.#isTalk(middle) && this.#isTalk(middle + 1)
      if (!isBetween || this.timeAt(middle + 1) - this.timeAt(middle - 1) > this.#talkMs) continue
      this.#drop(middle, 1)
      return
    }
  }

  #isTalk(place: number): boolean {
    if (place < 0 || place >= this.length) return false
    for (let column = 0; column < this.keys.length; column++) if (this.sayAt(place, column) !== SAYS.nothing) return false
    return true
  }

  #forget(atMs: number): void {
    const old = this.placeOf(atMs - KEPT_MS)
    if (old > 0) {
      this.#drop(0, old)
      return
    }
    this.hasForgotten = true
    const isEarly = atMs - this.timeAt(0) < this.timeAt(this.length - 1) - atMs
    this.#drop(isEarly ? this.length - FORGOTTEN_AT_ONCE : 0, FORGOTTEN_AT_ONCE)
  }

  #drop(place: number, many: number): void {
    const width = this.keys.length
    this.#times.copyWithin(place, place + many, this.length)
    this.#says.copyWithin(place * width, (place + many) * width, this.length * width)
    this.length -= many
  }
}

/** Counts a value in a list of pairs that begins at `from`: one more of the last, or a first one. */
function count<Value extends number | string>(pairs: Array<number | Value>, value: Value, from: number): void {
  const at = pairs.length - 2
  if (at >= from && pairs[at + 1] === value) pairs[at] = Number(pairs[at]) + 1
  else pairs.push(1, value)
}
