/**
 * The rules engine: takes readings in journal order and decides alarms in event time, per device. Rules are data of the catalogue,
 * compiled once per type. The same readings give the same events wherever the run is split by a snapshot, and ids are made of
 * content, so a replay raises the same alarms. It reads no clock and keeps no raw readings.
 */
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { type AlarmEvent, cleared, makeAlarm, raised, withClass } from './alarm-events.ts'
import { HOLDS, UNKNOWN } from './compile-condition.ts'
import { type CompiledRule, isSafetyRule } from './compile-rules.ts'
import { createDeviceStates, type DeviceState, type DeviceStates, HISTORY_MS, isHistory, keyOf, placeOf } from './device-states.ts'
import { createPendingHolds, type PendingHold } from './pending-holds.ts'
import { createRuleBook, type RuleBook } from './rule-book.ts'
import { classOf, type Explanation, explain, moveLevel } from './rule-levels.ts'
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
  /** Rules of tenants, and since when; absent: those of the catalogue. */
  readonly book?: RuleBook
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
   * Events of holds of safety rules and of their levels that are complete by the clock at `nowMs`, since nothing contradicted them. A later message or a
   * replay that tells the same gives the same alarm id.
   */
  completeHolds(nowMs: number): readonly HubEvent[]
  /** Time at which `completeHolds` is to be asked again, infinite for none. */
  nextHoldMs(): number
  /** Where a rule of a device stands after the last reading; values are those of that reading. Undefined when the rule does not hold for it. */
  explain(reading: Reading, rule: string): Explanation | undefined
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
export function createRulesEngine({ types, filter, book = createRuleBook({ types, filter }) }: RulesEngineOptions): RulesEngine {
  const devices: DeviceStates = createDeviceStates(book.ruleSet)
  const holds = createPendingHolds()
  const counts: Counts = { readings: 0, raised: 0, cleared: 0, late: 0, lateTooOld: 0, clockSetBack: 0, clockAstray: 0 }

  const decideInOrder = (given: Reading, trusted: Float64Array, device: DeviceState): readonly HubEvent[] => {
    const gated = trusted === given.numbers ? given : { ...given, numbers: trusted }
    let events: HubEvent[] | undefined
    const atMs = given.observed_at_ms
    if (atMs >= device.set.untilMs || atMs < device.set.fromMs) {
      const left = devices.changeRules(device, atMs).filter(({ compiled }) => compiled.level === 0)
      events = left.map((left) => clearLeft(given, left.compiled, left.state))
      counts.cleared += events.length
    }
    const { rules } = device.set
    for (let index = 0; index < rules.length; index++) {
      const compiledRule = rules[index]
      const state = device.rules[index]
      if (compiledRule === undefined || state === undefined) continue
      const reading = compiledRule.obeysGates ? gated : given
      if (state.knownMs !== NEVER) breakOnGap(state, atMs, compiledRule.rule.gapMs_MAX)
      const answer = compiledRule.condition.evaluate(reading.numbers, atMs, state.memory)
      if (answer === UNKNOWN) continue
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
      if (compiledRule.level > 0) {
        const evidence = compiledRule.condition.evidence(reading.numbers, atMs, state.memory)
        const moved = moveLevel({ ...reading, at_ms: atMs, evidence }, device, { index, change })
        if (moved !== undefined) {
          events ??= []
          events.push(moved)
        }
        continue
      }
      events ??= []
      events.push(
        change === 'raised' ? withClass(raise(reading, compiledRule, state), classOf(device, index, -1)) : clear(reading, compiledRule, state),
      )
      counts[change]++
    }
    return events ?? NOTHING
  }

  return {
    completeHolds(nowMs) {
      // Asked for each record, and mostly none is due.
      if (nowMs < holds.nextDueMs()) return NOTHING
      return holds.take(nowMs).flatMap((hold) => {
        const events = completed(hold, devices)
        counts.raised += events.filter(({ kind }) => kind === 'alarm_raised').length
        return events
      })
    },
    nextHoldMs: () => holds.nextDueMs(),
    decide(reading, trusted = reading.numbers) {
      if (!book.hasRules(reading.tenant, reading.type)) return NOTHING
      counts.readings++
      const device = devices.of(reading)
      const order = devices.advance(device, reading)
      if (order === 'late') return decideLate(reading, { device, devices, counts })
      if (order === 'set back') counts.clockSetBack++
      if (order === 'astray') counts.clockAstray++
      // One reading with a wrong clock says what is now: it counts at the time that has passed since the last.
      const placed = order === 'astray' ? { ...reading, observed_at_ms: placeOf(device, reading) } : reading
      return decideInOrder(placed, trusted, device)
    },
    explain(reading, id) {
      const device = devices.known(reading.tenant, reading.device, reading.type)
      return device === undefined ? undefined : explain(reading, device, id)
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
function decideLate(reading: Reading, of: LateParts): readonly HubEvent[] {
  const { device, devices, counts } = of
  counts.late++
  if (isHistory(reading)) {
    counts.lateTooOld++
    return NOTHING
  }
  const { late, isBack } = devices.advanceLate(device, reading)
  const atMs = reading.observed_at_ms
  const events: HubEvent[] = []
  device.set.rules.forEach(({ rule, condition }, index) => {
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

/**
 * Whether an alarm stands of which only history has told. Nobody was warned of a danger that was raised so long ago; where it holds on in
 * what the device says now, it is raised anew.
 */
const isHistoryOnly = ({ received_at_ms }: Reading, { newsSinceMs }: DeviceState, { raisedMs }: RuleState): boolean =>
  raisedMs !== NEVER && raisedMs < newsSinceMs && received_at_ms - raisedMs > HISTORY_MS

/** Whether the clock may complete the hold; nobody is warned of what only history shows. */
const isToBeCompleted = (reading: Reading, { rule }: CompiledRule, state: RuleState): boolean =>
  isSafetyRule(rule) && canHoldByTime(state, rule) && !isHistory(reading)

/** The alarm of a hold that is due, or the level that its alarm takes on, unless it broke, began anew or was raised meanwhile. */
function completed(hold: PendingHold, devices: DeviceStates): readonly HubEvent[] {
  const device = devices.known(hold.tenant, hold.device, hold.type)
  const rules = device?.set.rules ?? []
  const index = rules.findIndex((compiled) => keyOf(compiled) === hold.rule)
  const compiled = rules[index]
  const state = device?.rules[index]
  if (device === undefined || compiled === undefined || state === undefined || state.beganMs !== hold.beganMs || !canHoldByTime(state, compiled.rule))
    return NOTHING
  const raisedMs = raiseByTime(state, compiled.rule)
  if (compiled.level > 0) {
    const moved = moveLevel({ ...hold, at_ms: raisedMs }, device, { index, change: 'raised' })
    return moved === undefined ? NOTHING : [moved]
  }
  const alarm = makeAlarm(hold, compiled.rule, { beganMs: hold.beganMs, raisedMs, evidence: hold.evidence })
  return [withClass(raised(alarm), classOf(device, index, -1))]
}

/** The hold as it stands with `reading`. A clock of the device that goes wrong does so until the hold is due, too. */
function pendingHold(reading: Reading, compiled: CompiledRule, state: RuleState): PendingHold {
  const { tenant, device, type, observed_at_ms: atMs, received_at_ms, numbers } = reading
  const dueAtMs = received_at_ms - atMs + state.beganMs + compiled.rule.holdMs + UNDER_WAY_MS
  const evidence = compiled.condition.evidence(numbers, atMs, state.memory)
  return { tenant, device, type, rule: keyOf(compiled), beganMs: state.beganMs, dueAtMs, received_at_ms, evidence }
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
