/**
 * The rules engine: takes readings in journal order and decides alarms in event time, per device. Rules are data of the catalogue,
 * compiled once per type. The same readings give the same events wherever the run is split by a snapshot, and ids are made of
 * content, so a replay raises the same alarms. It reads no clock and keeps no raw readings.
 */
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Alarm, AlarmEvidence } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import type { Reading } from '#kernel/reading.ts'
import { HOLDS } from './compile-condition.ts'
import { type CompiledRule, compileRules } from './compile-rules.ts'
import { createDeviceStates, type DeviceState, type DeviceStates, HISTORY_MS, keyOf, placeOf } from './device-states.ts'
import { createPendingHolds, type PendingHold } from './pending-holds.ts'
import {
  belongsToEpisode,
  breakOnGap,
  canHoldByTime,
  endEpisode,
  hasHeldLate,
  NEVER,
  type RuleState,
  raiseByTime,
  rememberEpisode,
  step,
} from './rule-state.ts'

export interface RulesEngineOptions {
  readonly types: (type: string) => ApplianceType | undefined
  /** Chooses the rules that this engine runs, e.g. `isSafetyRule`. */
  readonly filter: (rule: Rule) => boolean
}

export interface RulesStatistics {
  readonly readings: number
  readonly raised: number
  readonly cleared: number
  /** Readings older than the device's last, for which only safety rules were asked. */
  readonly late: number
  /** Late readings too old for that. */
  readonly lateTooOld: number
  /** Times that a device's clock went back and stayed; its holds began anew. */
  readonly clockSetBack: number
  /** Newer readings that lay behind or leapt ahead by themselves, each judged at the time that has passed since the last. */
  readonly clockAstray: number
}

export interface RulesEngine {
  /**
   * Events that this reading causes, in order of the rules. Costs a few microseconds.
   * @param trusted the reading's values without those of channels in a bad state; ordinary rules know only these
   * @throws MendlineError MDL_CONFIG_INVALID when the rules of the type fail their check (at the first reading of the type)
   */
  decide(reading: Reading, trusted?: Float64Array): readonly HubEvent[]
  /**
   * Events of holds of safety rules that are complete by the clock at `nowMs`, since nothing contradicted them. A later message or a
   * replay that tells the same gives the same alarm id.
   */
  completeHolds(nowMs: number): readonly HubEvent[]
  /** Time at which `completeHolds` is to be asked again, infinite for none. */
  nextHoldMs(): number
  statistics(): RulesStatistics
  /** State of one device as plain data, undefined when it has none; after `loadDevice` of it the device goes on exactly there. */
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  /** Plain JSON data; `restore` of it goes on exactly here. State of rules that changed since is forgotten. */
  snapshot(): unknown
  restore(snapshot: unknown): void
}

/** Waited beyond the hold time, for a message on its way that contradicts (chosen; a device sends changes at once). */
const UNDER_WAY_MS = 1_000

const NOTHING: readonly HubEvent[] = []

type Counts = { -readonly [Name in keyof RulesStatistics]: number }

/** Creates the engine; types are compiled when their first reading comes. */
export function createRulesEngine({ types, filter }: RulesEngineOptions): RulesEngine {
  const rulesOf = compiler(types, filter)
  const devices: DeviceStates = createDeviceStates(rulesOf)
  const holds = createPendingHolds()
  const counts: Counts = { readings: 0, raised: 0, cleared: 0, late: 0, lateTooOld: 0, clockSetBack: 0, clockAstray: 0 }

  const decideInOrder = (
    given: Reading,
    trusted: Float64Array,
    of: { readonly rules: readonly CompiledRule[]; readonly device: DeviceState },
  ): readonly HubEvent[] => {
    const { rules, device } = of
    const gated = trusted === given.numbers ? given : { ...given, numbers: trusted }
    let events: HubEvent[] | undefined
    const atMs = given.observed_at_ms
    for (let index = 0; index < rules.length; index++) {
      const compiledRule = rules[index]
      const state = device.rules[index]
      if (compiledRule === undefined || state === undefined) continue
      const reading = compiledRule.obeysGates ? gated : given
      breakOnGap(state, atMs, compiledRule.rule.gapMs_MAX)
      const answer = compiledRule.condition.evaluate(reading.numbers, atMs, state.memory)
      if (answer === HOLDS && compiledRule.isAskedLate && isHistoryOnly(given, device, state)) {
        events ??= []
        events.push(clear(reading, compiledRule, state))
        counts.cleared++
        state.beganMs = atMs - compiledRule.rule.holdMs
      }
      const change = step(state, answer, atMs, compiledRule.rule)
      if (change === undefined) {
        if (answer === HOLDS && isToBeCompleted(given, compiledRule, state)) holds.put(pendingHold(given, compiledRule, state))
        continue
      }
      events ??= []
      events.push(change === 'raised' ? raise(reading, compiledRule, state) : clear(reading, compiledRule, state))
      counts[change]++
    }
    return events ?? NOTHING
  }

  return {
    completeHolds: (nowMs) =>
      holds.take(nowMs).flatMap((hold) => {
        const event = completed(hold, rulesOf(hold.type), devices)
        counts.raised += event.length
        return event
      }),
    nextHoldMs: () => holds.nextDueMs(),
    decide(reading, trusted = reading.numbers) {
      const rules = rulesOf(reading.type)
      if (rules.length === 0) return NOTHING
      counts.readings++
      const device = devices.of(reading)
      const order = devices.advance(device, reading)
      if (order === 'late') return decideLate(reading, rules, { device, devices, counts })
      if (order === 'set back') counts.clockSetBack++
      if (order === 'astray') counts.clockAstray++
      // One reading with a wrong clock says what is now: it counts at the time that has passed since the last.
      const placed = order === 'astray' ? { ...reading, observed_at_ms: placeOf(device, reading) } : reading
      return decideInOrder(placed, trusted, { rules, device })
    },
    statistics: () => ({ ...counts }),
    saveDevice: (tenant, device) => devices.save(tenant, device),
    loadDevice: (tenant, device, state) => devices.load(tenant, device, state),
    snapshot: () => ({ ...devices.snapshot(), holds: holds.snapshot() }),
    restore(snapshot) {
      devices.restore(snapshot)
      // Absent in what versions before it saved.
      holds.restore((snapshot as { readonly holds?: readonly PendingHold[] }).holds ?? [])
    },
  }
}

interface LateParts {
  readonly device: DeviceState
  readonly devices: DeviceStates
  readonly counts: Counts
}

/**
 * A late reading can show a danger of the past. Its hold times and rates run in a state of their own, in the time of the backlog, which
 * comes in order; an alarm out of it is over at once, and none is raised for what an alarm in order has told.
 */
function decideLate(reading: Reading, rules: readonly CompiledRule[], of: LateParts): readonly HubEvent[] {
  const { device, devices, counts } = of
  counts.late++
  if (reading.received_at_ms - reading.observed_at_ms > HISTORY_MS) {
    counts.lateTooOld++
    return NOTHING
  }
  const { late, isBack } = devices.advanceLate(device, reading)
  const atMs = reading.observed_at_ms
  const events: HubEvent[] = []
  rules.forEach(({ rule, condition }, index) => {
    const state = device.rules[index]
    const own = late.rules[index]
    if (state === undefined || own === undefined) return
    breakOnGap(own, atMs, isBack ? -1 : rule.gapMs_MAX)
    const answer = condition.evaluate(reading.numbers, atMs, own.memory)
    if (!hasHeldLate(own, state, { answer, atMs }, rule)) return
    if (belongsToEpisode(state, { fromMs: own.beganMs, toMs: atMs }, rule.gapMs_MAX)) return
    rememberEpisode(state, own.beganMs, atMs)
    const evidence = condition.evidence(reading.numbers, atMs, own.memory)
    const alarm = makeAlarm(reading, rule, { beganMs: own.beganMs, raisedMs: atMs, evidence })
    events.push(raised(alarm), cleared(alarm, device.lastMs))
    counts.raised++
    counts.cleared++
  })
  return events
}

/** Compiles the rules of a type once. */
function compiler(types: RulesEngineOptions['types'], filter: RulesEngineOptions['filter']): (type: string) => readonly CompiledRule[] {
  const compiled = new Map<string, readonly CompiledRule[]>()
  return (type) => {
    let rules = compiled.get(type)
    if (rules === undefined) {
      const found = types(type)
      rules = found === undefined ? [] : compileRules(found, filter)
      compiled.set(type, rules)
    }
    return rules
  }
}

/**
 * Whether an alarm stands of which only history has told. Nobody was warned of a danger that was raised so long ago; where it holds on in
 * what the device says now, it is raised anew.
 */
const isHistoryOnly = ({ received_at_ms }: Reading, { newsSinceMs }: DeviceState, { raisedMs }: RuleState): boolean =>
  raisedMs !== NEVER && raisedMs < newsSinceMs && received_at_ms - raisedMs > HISTORY_MS

/** Whether the clock may complete the hold; nobody is warned of what only history shows. */
const isToBeCompleted = (reading: Reading, { rule, isAskedLate }: CompiledRule, state: RuleState): boolean =>
  isAskedLate && canHoldByTime(state, rule) && reading.received_at_ms - reading.observed_at_ms <= HISTORY_MS

/** The alarm of a hold that is due, unless it broke, began anew or was raised meanwhile. */
function completed(hold: PendingHold, rules: readonly CompiledRule[], devices: DeviceStates): readonly HubEvent[] {
  const index = rules.findIndex((compiled) => keyOf(compiled) === hold.rule)
  const compiled = rules[index]
  const state = devices.known(hold.tenant, hold.device, hold.type)?.rules[index]
  if (compiled === undefined || state === undefined || state.beganMs !== hold.beganMs || !canHoldByTime(state, compiled.rule)) return NOTHING
  const raisedMs = raiseByTime(state, compiled.rule)
  return [raised(makeAlarm(hold, compiled.rule, { beganMs: hold.beganMs, raisedMs, evidence: hold.evidence }))]
}

/** The hold as it stands with `reading`. A clock of the device that goes wrong does so until the hold is due, too. */
function pendingHold(reading: Reading, compiled: CompiledRule, state: RuleState): PendingHold {
  const { tenant, device, type, observed_at_ms: atMs, received_at_ms, numbers } = reading
  const dueAtMs = received_at_ms - atMs + state.beganMs + compiled.rule.holdMs + UNDER_WAY_MS
  const evidence = compiled.condition.evidence(numbers, atMs, state.memory)
  return { tenant, device, type, rule: keyOf(compiled), beganMs: state.beganMs, dueAtMs, received_at_ms, evidence }
}

function raise(reading: Reading, { rule, condition }: CompiledRule, state: RuleState): HubEvent {
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

function makeAlarm(
  reading: Pick<Reading, 'tenant' | 'device' | 'type' | 'received_at_ms'>,
  rule: Rule,
  at: { beganMs: number; raisedMs: number; evidence: AlarmEvidence[] },
): Alarm {
  const { tenant, device, type } = reading
  return {
    alarm_id: contentId('alarm', tenant, device, rule.id, at.beganMs),
    tenant,
    device,
    type,
    rule: rule.id,
    rule_version: rule.version,
    safety_class: rule.safetyClass,
    fault: rule.fault,
    title: rule.title.en,
    began_at_ms: at.beganMs,
    raised_at_ms: at.raisedMs,
    received_at_ms: reading.received_at_ms,
    cleared_at_ms: null,
    evidence: at.evidence,
  }
}

const raised = (alarm: Alarm): HubEvent => ({ kind: 'alarm_raised', key: `alarm_raised:${alarm.alarm_id}`, alarm })
const cleared = (alarm: Alarm, clearedMs: number): HubEvent => ({
  kind: 'alarm_cleared',
  key: `alarm_cleared:${alarm.alarm_id}`,
  alarm: { ...alarm, cleared_at_ms: clearedMs },
})
