/**
 * Per-device state of the rules engine: the device's place in event time and the state of each of its rules. Tells a reading in
 * order from a late one, from one reading with a wrong clock and from a clock that stays back, and makes and reads snapshots, in which state is kept under rule id and
 * version, so that a changed rule begins anew.
 */

import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import type { CompiledRule } from './compile-rules.ts'
import { LateLog, type PackedLateLog } from './late-log.ts'
import { createLogsInUse } from './logs-in-use.ts'
import { type PackedRuleState, packRuleState, unpackRuleState } from './pack-rule-state.ts'
import type { RuleBook, RuleSet } from './rule-book.ts'
import { createRuleState, NEVER, type RuleState, restartAt, rewindTo } from './rule-state.ts'

export interface DeviceState {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** The rules that hold for the unit now, in the order of `rules`. */
  set: RuleSet
  /** Device time, boot and seq of the last reading in order. */
  lastMs: number
  boot: number
  seq: number
  /** Device time of the reading in order before the last, to which the line goes back when the last proves to be ahead. */
  prevMs: number
  /** Receipt of the last reading in order, NEVER where it is not known. */
  receivedMs: number
  /** Device time that the last reading gave when it lay behind though it was newer, NEVER otherwise. */
  behindMs: number
  /** Device time that the last reading gave when it leapt ahead of the platform, NEVER otherwise. */
  aheadMs: number
  /** Device time since which what comes in order is no history, NEVER while it is. */
  newsSinceMs: number
  rules: readonly RuleState[]
  /** A second place in event time for what the device stored and sent later; undefined until it did. */
  late: LateState | undefined
}

export interface LateState {
  /** Device time of the last late reading. */
  lastMs: number
  /** By the index of the rule; undefined for those that are not asked about late readings. */
  readonly rules: ReadonlyArray<RuleState | undefined>
  /** What the rules answered; a column for each that `isLogged`, in their order. */
  readonly log: LateLog
}

export interface DeviceStates {
  of(reading: Reading): DeviceState
  /** The state that a device of this type has. */
  known(tenant: string, device: string, type: string): DeviceState | undefined
  /**
   * Moves the device's place in event time to the reading, unless it is late. One newer reading that lies behind or leaps ahead of the platform
   * ('astray') does not move it, only a second one that goes on from there ('set back', or 'in order' ahead).
   */
  advance(state: DeviceState, reading: Reading): 'in order' | 'late' | 'astray' | 'set back'
  /** Takes the rules that hold at a device time; gives those with an alarm that hold no longer. Rules that stay keep their state. */
  changeRules(state: DeviceState, atMs: number): ReadonlyArray<{ readonly compiled: CompiledRule; readonly state: RuleState }>
  /** The place of what the device stores and sends later, made with the first such reading; it is one that is in use now. */
  lateOf(state: DeviceState, reading: Reading): LateState
  /** State of one device as plain data, undefined when it has none; `load` of it goes on exactly here. */
  save(tenant: string, device: string): unknown
  load(tenant: string, device: string, state: unknown): void
  snapshot(): Snapshot
  restore(snapshot: unknown): void
}

/** Age at receipt from which a stored reading is history: nobody is warned of what it shows. */
export const HISTORY_MS = 24 * 3_600_000

/** What a unit says of other things within this share of the shortest gap of a rule says no more (chosen). */
const TALK_SHARE = 0.25

type StatesByKey = Readonly<Record<string, PackedRuleState | RuleState>>

type PlainState = Omit<DeviceState, 'rules' | 'set' | 'late' | 'newsSinceMs' | 'prevMs' | 'receivedMs' | 'behindMs' | 'aheadMs'> & {
  /** Absent in what versions before it saved. */
  readonly prevMs?: number
  readonly receivedMs?: number
  readonly behindMs?: number
  readonly aheadMs?: number
  /** Absent in what versions before it saved: as if all had been news. */
  readonly newsSinceMs?: number
  readonly rules: StatesByKey
  /** The log is absent in what versions before it saved. */
  readonly late?: { readonly lastMs: number; readonly rules: StatesByKey; readonly log?: PackedLateLog }
}

interface Snapshot {
  readonly version: 1
  readonly devices: readonly PlainState[]
}

/** Id and version of a rule, under which its state is kept. */
export const keyOf = ({ rule }: CompiledRule): string => `${rule.id}@${rule.version}`

/** Place in event time of a unit of which nothing came. */
const UNPLACED = {
  lastMs: NEVER,
  prevMs: NEVER,
  receivedMs: NEVER,
  behindMs: NEVER,
  aheadMs: NEVER,
  boot: NEVER,
  seq: NEVER,
  newsSinceMs: NEVER,
  late: undefined,
} as const

/** Creates the states; `setOf` gives the rules that hold for a unit at a device time. */
export function createDeviceStates(setOf: RuleBook['ruleSet']): DeviceStates {
  const states = new DeviceMap<DeviceState>()

  const inUse = createLogsInUse()

  const put = (state: DeviceState): DeviceState => {
    states.set(state.tenant, state.device, state)
    if (state.late !== undefined) inUse.use(state, state.late.log.usedMs)
    return state
  }

  const toPlain = ({ late, set, ...state }: DeviceState): PlainState => {
    const compiled = set.rules
    const own = { ...state, rules: byKey(compiled, state.rules) }
    return late === undefined ? own : { ...own, late: { lastMs: late.lastMs, rules: byKey(compiled, late.rules), log: late.log.pack() } }
  }
  const fromPlain = ({ rules, late, ...state }: PlainState): DeviceState => {
    const stateOf = (own: StatesByKey, compiled: CompiledRule): RuleState => unpackRuleState(own[keyOf(compiled)], freshState(compiled))
    const set = setOf({ ...state, atMs: state.lastMs })
    const compiledRules = set.rules
    const restoredLate = late && {
      lastMs: late.lastMs,
      rules: compiledRules.map((compiled) => (compiled.isAskedLate ? stateOf(late.rules, compiled) : undefined)),
      log: logFor(compiledRules, late.log && LateLog.unpack(late.log, 0)),
    }
    return {
      ...state,
      set,
      prevMs: state.prevMs ?? state.lastMs,
      receivedMs: state.receivedMs ?? NEVER,
      behindMs: state.behindMs ?? NEVER,
      aheadMs: state.aheadMs ?? NEVER,
      newsSinceMs: state.newsSinceMs ?? 0,
      rules: compiledRules.map((compiled) => stateOf(rules, compiled)),
      late: restoredLate,
    }
  }

  return {
    of({ tenant, device, type, observed_at_ms }) {
      const found = states.get(tenant, device)
      if (found !== undefined && found.type === type) return found
      const set = setOf({ tenant, device, type, atMs: observed_at_ms })
      const rules = set.rules.map(freshState)
      return put({ tenant, device, type, set, rules, ...UNPLACED })
    },
    known(tenant, device, type) {
      const found = states.get(tenant, device)
      return found?.type === type ? found : undefined
    },
    advance,
    changeRules: (state, atMs) => changeRules(state, setOf({ ...state, atMs })),
    lateOf(state, { received_at_ms }) {
      state.late ??= {
        lastMs: NEVER,
        rules: lateStates(state.set.rules),
        log: logFor(state.set.rules, undefined),
      }
      state.late.log.usedMs = Math.max(state.late.log.usedMs, received_at_ms)
      inUse.use(state, received_at_ms)
      return state.late
    },
    save(tenant, device) {
      const state = states.get(tenant, device)
      return state === undefined ? undefined : toPlain(state)
    },
    load(tenant, device, state) {
      const before = states.get(tenant, device)
      if (before !== undefined) inUse.leave(before)
      states.delete(tenant, device)
      if (state !== undefined) put(fromPlain(state as PlainState))
    },
    snapshot(): Snapshot {
      return { version: 1, devices: states.values().map(toPlain) }
    },
    restore(snapshot) {
      assert(isSnapshot(snapshot), 'a snapshot of the rules engine was made by it')
      states.clear()
      inUse.clear()
      for (const plain of snapshot.devices) put(fromPlain(plain))
    },
  }
}

/** What is kept of a rule on a unit of which nothing came. */
const freshState = ({ condition, isLogged }: CompiledRule): RuleState => createRuleState(condition.createMemory(), isLogged)

const lateStates = (rules: readonly CompiledRule[]): Array<RuleState | undefined> =>
  rules.map((compiled) => (compiled.isAskedLate ? freshState(compiled) : undefined))

/** The log for these rules, with what `before` knows of them. */
function logFor(rules: readonly CompiledRule[], before: LateLog | undefined): LateLog {
  const logged = rules.filter(({ isLogged }) => isLogged)
  const keys = logged.map(keyOf)
  const talkMs = Math.min(...logged.map(({ rule }) => rule.gapMs_MAX)) * TALK_SHARE
  return before === undefined ? new LateLog(keys, talkMs) : before.withKeys(keys, talkMs)
}

function changeRules(state: DeviceState, set: RuleSet): ReturnType<DeviceStates['changeRules']> {
  const { set: before, rules: own } = state
  const found = new Map(before.rules.map((compiled, index) => [compiled, own[index]]))
  state.set = set
  state.rules = set.rules.map((compiled) => found.get(compiled) ?? freshState(compiled))
  state.late = state.late && {
    lastMs: state.late.lastMs,
    rules: lateStates(set.rules),
    log: logFor(set.rules, state.late.log),
  }
  return before.rules.flatMap((compiled, index) => {
    const left = own[index]
    return left === undefined || left.raisedMs === NEVER || set.rules.includes(compiled) ? [] : [{ compiled, state: left }]
  })
}

function advance(state: DeviceState, reading: Reading): 'in order' | 'late' | 'astray' | 'set back' {
  const { observed_at_ms: atMs, boot, seq } = reading
  const isLate = atMs < state.lastMs
  // A newer number with an older time is no late delivery: a clock of the device is or was wrong.
  const isNewer = !reading.hist && boot >= 0 && state.boot >= 0 && (boot > state.boot || (boot === state.boot && seq > state.seq))
  if (isLate && !isNewer) return 'late'
  state.boot = boot
  state.seq = seq
  const order = isLate ? placeBehind(state, reading) : leapsAhead(state, reading) ? 'astray' : 'in order'
  if (order === 'astray') return order
  // The one before may have been placed a little behind this one.
  if (!isLate && (state.behindMs !== NEVER || state.aheadMs !== NEVER)) for (const rule of state.rules) rewindTo(rule, atMs)
  if (!isLate) state.prevMs = state.lastMs === NEVER ? atMs : state.lastMs
  state.behindMs = NEVER
  state.aheadMs = NEVER
  state.lastMs = atMs
  state.receivedMs = reading.received_at_ms
  if (isHistory(reading)) state.newsSinceMs = NEVER
  else if (state.newsSinceMs === NEVER) state.newsSinceMs = atMs
  return order
}

/**
 * Whether a reading tells of what is long over. One that is not marked as stored (`hist`) tells of now, however slow the device's clock is:
 * a danger that it shows is there.
 */
export const isHistory = ({ hist, observed_at_ms, received_at_ms }: Reading): boolean => hist && received_at_ms - observed_at_ms > HISTORY_MS

/** Device time that a reading with a wrong clock should have: that of the last, and what has passed at the platform since. */
export const placeOf = ({ lastMs, receivedMs }: DeviceState, { received_at_ms }: Reading): EpochMs =>
  epochMs(receivedMs === NEVER ? lastMs : lastMs + Math.max(0, received_at_ms - receivedMs))

/** A leap of the device's clock from which a reading is not believed alone (chosen: more than the way of a message varies). */
const LEAP_MS = 60_000

/** Whether a fresh reading is ahead of the platform and far from where the line should be; what goes on from such a one is believed. */
function leapsAhead(state: DeviceState, reading: Reading): boolean {
  const { observed_at_ms: atMs, received_at_ms, hist } = reading
  if (atMs <= received_at_ms || hist || state.receivedMs === NEVER || atMs - placeOf(state, reading) <= LEAP_MS) return false
  if (state.aheadMs !== NEVER && atMs >= state.aheadMs) return false
  state.aheadMs = atMs
  return true
}

/** Finds out whose clock is wrong when a newer reading lies behind: this one's, the one's before, or that of all from now on. */
function placeBehind(state: DeviceState, reading: Reading): 'in order' | 'astray' | 'set back' {
  const { observed_at_ms: atMs } = reading
  if (atMs >= state.prevMs) {
    for (const rule of state.rules) rewindTo(rule, atMs)
    return 'in order'
  }
  const { behindMs } = state
  if (behindMs === NEVER || atMs < behindMs) {
    state.behindMs = atMs
    return 'astray'
  }
  const passedMs = placeOf(state, reading) - state.lastMs - (atMs - behindMs)
  for (const rule of state.rules) restartAt(rule, { lineMs: state.lastMs, fromMs: behindMs, passedMs })
  state.prevMs = behindMs
  // What comes from here on is news, though its times lie before those of news.
  state.newsSinceMs = Math.min(state.newsSinceMs, behindMs)
  return 'set back'
}

function byKey(compiled: readonly CompiledRule[], states: ReadonlyArray<RuleState | undefined>): StatesByKey {
  const own: Record<string, PackedRuleState> = {}
  states.forEach((state, index) => {
    const packed = state === undefined ? undefined : packRuleState(state)
    if (packed !== undefined) own[keyAt(compiled, index)] = packed
  })
  return own
}

function keyAt(compiled: readonly CompiledRule[], index: number): string {
  const rule = compiled[index]
  assert(rule !== undefined, 'a device has one state a rule')
  return keyOf(rule)
}

const isSnapshot = (value: unknown): value is Snapshot =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'devices' in value && Array.isArray(value.devices)
