/**
 * Decides the rules of a device for a reading in order of device time, and completes by the clock the holds of safety rules that nothing
 * contradicted. It moves the state of each rule and makes the events; where the reading belongs in time is known before.
 */
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { type AlarmEvent, cleared, makeAlarm, raised, withClass } from './alarm-events.ts'
import { type Answer, FAILS, HOLDS, UNKNOWN } from './compile-condition.ts'
import type { CompiledRule } from './compile-rules.ts'
import { type DeviceState, type DeviceStates, HISTORY_MS, isHistory, keyOf } from './device-states.ts'
import type { PendingHold, PendingHolds } from './pending-holds.ts'
import { classOf, moveLevel } from './rule-levels.ts'
import {
  breakHoldOnGap,
  breakOnGap,
  canHoldByTime,
  dip,
  endEpisode,
  goOnByTalk,
  isHolding,
  NEVER,
  type RuleState,
  raiseByTime,
  step,
} from './rule-state.ts'

interface InOrderParts {
  readonly devices: DeviceStates
  readonly holds: PendingHolds
  /** Events of what a device stored, when the rest of it has had time to come. */
  readonly settle: (waiting: PendingHold) => readonly HubEvent[]
  readonly counts: { raised: number; cleared: number }
}

export const NOTHING: readonly HubEvent[] = []

export class InOrder {
  readonly #parts: InOrderParts

  constructor(parts: InOrderParts) {
    this.#parts = parts
  }

  /** Events of all rules of the device, in their order. Hot: makes nothing for a reading that causes none. */
  decide(given: Reading, trusted: Float64Array, device: DeviceState): readonly HubEvent[] {
    const gated = trusted === given.numbers ? given : { ...given, numbers: trusted }
    let events: HubEvent[] | undefined
    const atMs = given.observed_at_ms
    if (atMs >= device.set.untilMs || atMs < device.set.fromMs) events = this.#changeRules(given, device)
    const { rules } = device.set
    for (let index = 0; index < rules.length; index++) {
      const caused = this.decideRule(rules[index]?.obeysGates === true ? gated : given, device, index)
      if (caused === undefined) continue
      if (events === undefined) events = [...caused]
      else events.push(...caused)
    }
    return events ?? NOTHING
  }

  /** Events of one rule of the device for a reading that is newer than all that the rule knows, undefined for none. */
  decideRule(reading: Reading, device: DeviceState, index: number): readonly HubEvent[] | undefined {
    const compiled = device.set.rules[index]
    const state = device.rules[index]
    if (compiled === undefined || state === undefined) return undefined
    const atMs = reading.observed_at_ms
    const answer = answerOf(reading, compiled, state, device.rules[index - compiled.level])
    if (answer === UNKNOWN && !(compiled.isSafety && isHolding(state))) return undefined
    if (answer === UNKNOWN && state.dipMs !== NEVER) return undefined
    if (answer === FAILS && state.beganMs === NEVER) {
      state.knownMs = atMs
      return undefined
    }
    if (answer === FAILS && isBetween(reading, compiled, state) && dip(state, atMs, compiled.rule)) return undefined
    return answer === UNKNOWN ? this.#goOn(reading, compiled, state) : this.#take(reading, device, { index, answer })
  }

  /** The hold of now began at another time than was known; the clock completes it by that. */
  moveBegin(
    reading: Reading,
    { compiled, state, beganMs }: { readonly compiled: CompiledRule; readonly state: RuleState; readonly beganMs: number },
  ): void {
    const { holds } = this.#parts
    const waiting = holds.remove({ tenant: reading.tenant, device: reading.device, rule: keyOf(compiled) })
    const laterMs = beganMs - state.beganMs
    const isOfHold = waiting?.beganMs === state.beganMs
    state.beganMs = beganMs
    if (waiting !== undefined && isOfHold) holds.put({ ...waiting, beganMs, dueAtMs: waiting.dueAtMs + laterMs })
    else if (isToBeCompleted(reading, compiled, state)) holds.put(pendingHold(reading, compiled, state))
  }

  /** Takes the answer for the reading into the state of the rule; the events of it, undefined for none. */
  #take(reading: Reading, device: DeviceState, { index, answer }: { readonly index: number; readonly answer: Answer }): HubEvent[] | undefined {
    const compiledRule = device.set.rules[index]
    const state = device.rules[index]
    if (compiledRule === undefined || state === undefined) return undefined
    const { condition, rule } = compiledRule
    const atMs = reading.observed_at_ms
    let events: HubEvent[] | undefined
    if (answer === HOLDS && compiledRule.isAskedLate && isHistoryOnly(reading, device, state)) {
      events = [clear(reading, compiledRule, state)]
      this.#parts.counts.cleared++
      state.beganMs = atMs - rule.holdMs
    }
    const change = step(state, answer, atMs, rule)
    if (change === undefined) {
      if (answer === HOLDS && isToBeCompleted(reading, compiledRule, state)) this.#parts.holds.put(pendingHold(reading, compiledRule, state))
      return events
    }
    if (compiledRule.level > 0) {
      const evidence = condition.evidence(reading.numbers, atMs, state.memory)
      const moved = moveLevel({ ...reading, at_ms: atMs, evidence }, device, { index, change })
      return moved === undefined ? events : [...(events ?? []), moved]
    }
    this.#parts.counts[change]++
    events ??= []
    events.push(
      change === 'raised' ? withClass(raise(reading, compiledRule, state), classOf(device, index, -1)) : clear(reading, compiledRule, state),
    )
    return events
  }

  /** A reading without the channel, while a hold of a safety rule stands: it completes the hold whose time has passed. */
  #goOn(reading: Reading, compiled: CompiledRule, state: RuleState): readonly HubEvent[] | undefined {
    if (!goOnByTalk(state, reading.observed_at_ms, compiled.rule.gapMs_MAX)) return undefined
    // As the clock does, it waits a little for a message on its way.
    if (reading.observed_at_ms - state.beganMs < compiled.rule.holdMs + UNDER_WAY_MS) return undefined
    const { holds, devices, counts } = this.#parts
    const waiting = holds.remove({ tenant: reading.tenant, device: reading.device, rule: keyOf(compiled) })
    const hold = waiting?.beganMs === state.beganMs ? waiting : pendingHold(reading, compiled, state)
    const events = completed(hold, devices)
    counts.raised += events.filter(({ kind }) => kind === 'alarm_raised').length
    return events
  }

  /** Events of the holds that are complete by the clock. */
  completeHolds(nowMs: number): readonly HubEvent[] {
    const { holds, devices, settle, counts } = this.#parts
    // Asked for each record, and mostly none is due.
    if (nowMs < holds.nextDueMs()) return NOTHING
    return holds.take(nowMs).flatMap((hold) => {
      const events = hold.rest === undefined ? completed(hold, devices) : settle(hold)
      counts.raised += events.filter(({ kind }) => kind === 'alarm_raised').length
      counts.cleared += events.filter(({ kind }) => kind === 'alarm_cleared').length
      return events
    })
  }

  /** Takes the rules of the reading's time; the alarms of those that hold no longer end. */
  #changeRules(given: Reading, device: DeviceState): HubEvent[] {
    const { devices, counts } = this.#parts
    const left = devices.changeRules(device, given.observed_at_ms).filter(({ compiled }) => compiled.level === 0)
    counts.cleared += left.length
    return left.map(({ compiled, state }) => clearLeft(given, compiled, state))
  }
}

/** Waited beyond the hold time, for a message on its way that contradicts (chosen; a device sends changes at once). */
export const UNDER_WAY_MS = 1_000

/**
 * The answer of the condition. While the alarm stands the bounds for leaving count; of a level that is not reached, those of its rule, whose
 * alarm (`base`) stands. A gap breaks the hold of a safety rule only with an answer: what the unit says of other things takes nothing back.
 */
function answerOf(
  reading: Reading,
  { condition, rule, level, ofRule, isSafety }: CompiledRule,
  state: RuleState,
  base: RuleState | undefined,
): Answer {
  const atMs = reading.observed_at_ms
  const { memory } = state
  const isKept = isSafety && isHolding(state)
  if (state.knownMs !== NEVER && !isKept) breakOnGap(state, atMs, rule.gapMs_MAX)
  if (condition.hasLeaving) memory.leaving = state.raisedMs !== NEVER ? condition.comparisons : level > 0 && base?.raisedMs !== NEVER ? ofRule : 0
  const answer = condition.evaluate(reading.numbers, atMs, memory)
  if (isKept && answer !== UNKNOWN) breakHoldOnGap(state, atMs, rule.gapMs_MAX)
  return answer
}

/** Whether a hold runs and the values lie between its bound and that for leaving. */
const isBetween = ({ numbers }: Reading, { condition }: CompiledRule, state: RuleState): boolean =>
  condition.hasLeaving && isHolding(state) && condition.isWithinLeaving(numbers)

/**
 * Whether an alarm stands of which only history has told. Nobody was warned of a danger that was raised so long ago; where it holds on in
 * what the device says now, it is raised anew.
 */
const isHistoryOnly = ({ received_at_ms }: Reading, { newsSinceMs }: DeviceState, { raisedMs }: RuleState): boolean =>
  raisedMs !== NEVER && raisedMs < newsSinceMs && received_at_ms - raisedMs > HISTORY_MS

/** Whether the clock may complete the hold; nobody is warned of what only history shows. */
const isToBeCompleted = (reading: Reading, { isSafety }: CompiledRule, state: RuleState): boolean =>
  isSafety && isHolding(state) && !isHistory(reading)

/** The alarm of a hold that is due, or the level that its alarm takes on, unless it broke, began anew or was raised meanwhile. */
function completed(hold: PendingHold, devices: DeviceStates): readonly HubEvent[] {
  const device = devices.known(hold.tenant, hold.device, hold.type)
  const rules = device?.set.rules ?? []
  const index = rules.findIndex((compiled) => keyOf(compiled) === hold.rule)
  const compiled = rules[index]
  const state = device?.rules[index]
  if (device === undefined || compiled === undefined || state === undefined || state.beganMs !== hold.beganMs || !isHolding(state)) return NOTHING
  // What was said last is less than the danger; the next word decides.
  if (state.dipMs !== NEVER) return NOTHING
  // What was stored need not have been the last word when nothing came behind it for so long, and no danger becomes graver by silence.
  if ((hold.hist === true || compiled.level > 0) && !canHoldByTime(state, compiled.rule)) return NOTHING
  const raisedMs = raiseByTime(state, compiled.rule)
  if (compiled.level > 0) {
    const moved = moveLevel({ ...hold, at_ms: raisedMs }, device, { index, change: 'raised' })
    return moved === undefined ? NOTHING : [moved]
  }
  const alarm = makeAlarm(hold, compiled.rule, { beganMs: hold.beganMs, raisedMs, evidence: hold.evidence })
  return [withClass(raised(alarm), classOf(device, index, -1))]
}

/** Waited behind a stored witness, for the rest of what was stored, which may contradict (chosen). */
const BACKLOG_MS = 60_000

/**
 * The hold as it stands with `reading`. A clock of the device that goes wrong does so until the hold is due, too; that a stored witness lay on
 * the device is no wrong clock.
 */
function pendingHold(reading: Reading, compiled: CompiledRule, state: RuleState): PendingHold {
  const { tenant, device, type, observed_at_ms: atMs, received_at_ms, numbers } = reading
  const endMs = state.beganMs + compiled.rule.holdMs
  const dueAtMs = reading.hist ? Math.max(received_at_ms, endMs) + BACKLOG_MS : received_at_ms - atMs + endMs + UNDER_WAY_MS
  const evidence = compiled.condition.evidence(numbers, atMs, state.memory)
  const hold = { tenant, device, type, rule: keyOf(compiled), beganMs: state.beganMs, dueAtMs, received_at_ms, evidence }
  return reading.hist ? { ...hold, hist: true } : hold
}

function raise(reading: Reading, { rule, condition }: CompiledRule, state: RuleState): AlarmEvent {
  const evidence = condition.evidence(reading.numbers, reading.observed_at_ms, state.memory)
  return raised(makeAlarm(reading, rule, { beganMs: state.beganMs, raisedMs: reading.observed_at_ms, evidence }))
}

function clear(reading: Reading, { rule, condition }: CompiledRule, state: RuleState): HubEvent {
  const evidence = condition.evidence(reading.numbers, reading.observed_at_ms, state.memory)
  const alarm = makeAlarm(reading, rule, { beganMs: state.beganMs, raisedMs: state.raisedMs, evidence })
  const ceasedMs = state.ceasedMs === NEVER ? reading.observed_at_ms : state.ceasedMs
  endEpisode(state, reading.observed_at_ms)
  return cleared(alarm, ceasedMs)
}

/** The rule holds no longer for the unit: its alarm ends with it. */
function clearLeft(reading: Reading, { rule }: CompiledRule, state: RuleState): HubEvent {
  return cleared(makeAlarm(reading, rule, { beganMs: state.beganMs, raisedMs: state.raisedMs, evidence: [] }), reading.observed_at_ms)
}
