/**
 * Decides the safety rules for what a device stored and sent later. What a rule with a hold time answered is kept and folded around the reading,
 * so swapped, doubled and shuffled readings give the alarms that they give in order; what is newer than all that a rule knows is decided in
 * order. An alarm stands where nothing newer contradicts it, else it is over at once. A rule that needs a memory of its own (a rate, a mean)
 * is folded as its readings come, and begins anew at one that lies behind.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { cleared, makeAlarm, raised, withClass } from './alarm-events.ts'
import { type Answer, FAILS, HOLDS, UNKNOWN } from './compile-condition.ts'
import type { CompiledRule } from './compile-rules.ts'
import { type InOrder, NOTHING, UNDER_WAY_MS } from './decide-in-order.ts'
import { type DeviceState, type DeviceStates, isHistory, keyOf, type LateState } from './device-states.ts'
import { type Chain, chainThrough } from './fold-late-log.ts'
import { isHeld, type LateLog, SAYS } from './late-log.ts'
import { markInOrder, noteInOrder } from './note-in-order.ts'
import type { PendingHolds, StoredWitness } from './pending-holds.ts'
import { classOf } from './rule-levels.ts'
import { belongsToEpisode, breakOnGap, dip, hasHeldLate, isHolding, NEVER, type RuleState, rememberEpisode } from './rule-state.ts'
import { waitForRest } from './wait-for-rest.ts'

interface LateParts {
  readonly devices: DeviceStates
  readonly inOrder: InOrder
  readonly holds: PendingHolds
  readonly counts: { late: number; lateTooOld: number; raised: number; cleared: number }
}

/** One rule of the device that is asked. */
interface Asked {
  readonly reading: Reading
  readonly device: DeviceState
  readonly late: LateState
  readonly index: number
  readonly compiled: CompiledRule
  /** Its state in order, and that of late readings as they come. */
  readonly state: RuleState
  readonly own: RuleState
}

/** Decides a stored reading that comes in order, by `decide`, and notes it: others of its backlog may come behind it. */
export function decideStored(
  reading: Reading,
  device: DeviceState,
  { devices, holds, decide }: { readonly devices: DeviceStates; readonly holds: PendingHolds; readonly decide: () => readonly HubEvent[] },
): readonly HubEvent[] {
  if (!device.set.rules.some(({ isLogged }) => isLogged)) return decide()
  const late = devices.lateOf(device, reading)
  noteInOrder(device, late, reading.observed_at_ms)
  const events = decide()
  // Other rules may hold from this reading on.
  const { log } = device.late ?? late
  const says = saysOf(reading, device, device.late ?? late)
  log.note(reading.observed_at_ms, says)
  waitForRest(reading, witnessesOf(reading, device, device.late ?? late, says), holds)
  markInOrder(device, device.late ?? late)
  return events
}

/** Events of a late reading. */
export function decideLate(reading: Reading, device: DeviceState, { devices, inOrder, holds, counts }: LateParts): readonly HubEvent[] {
  counts.late++
  if (isHistory(reading)) {
    counts.lateTooOld++
    return NOTHING
  }
  const atMs = reading.observed_at_ms
  const late = devices.lateOf(device, reading)
  const isBack = atMs < late.lastMs
  late.lastMs = atMs
  noteInOrder(device, late)
  const says = saysOf(reading, device, late)
  late.log.note(atMs, says)
  waitForRest(reading, witnessesOf(reading, device, late, says), holds)
  const events: HubEvent[] = []
  let column = 0
  device.set.rules.forEach((compiled, index) => {
    const state = device.rules[index]
    if (state === undefined) return
    const isNews = compiled.isSafety && compiled.condition.isMemoryless && atMs > state.knownMs
    if (isNews) events.push(...(inOrder.decideRule(reading, device, index) ?? NOTHING))
    const own = late.rules[index]
    if (own === undefined) return
    const asked = { reading, device, late, index, compiled, state, own }
    const found = compiled.isLogged ? foldAround(asked, { column, say: says[column] ?? SAYS.nothing, inOrder }) : NOTHING
    if (compiled.isLogged) column++
    // A log that could not hold all is no whole picture: what came in order is known beside it.
    const more = !compiled.isLogged || late.log.hasForgotten ? followOn(asked, isBack) : NOTHING
    for (const event of [...found, ...more]) {
      events.push(event)
      if (event.kind === 'alarm_raised') counts.raised++
      if (event.kind === 'alarm_cleared') counts.cleared++
    }
  })
  markInOrder(device, late)
  return events
}

/** What each rule of the log finds in the reading. */
function saysOf({ numbers, observed_at_ms: atMs }: Reading, device: DeviceState, late: LateState): Uint8Array {
  const says = new Uint8Array(late.log.keys.length)
  let column = 0
  device.set.rules.forEach(({ condition, isLogged }, index) => {
    const own = late.rules[index]
    if (!isLogged || own === undefined) return
    const answer = condition.evaluate(numbers, atMs, own.memory)
    says[column++] = answer === HOLDS ? SAYS.holds : answer === UNKNOWN ? SAYS.nothing : isBetween(answer, condition, numbers)
  })
  return says
}

/** Evidence of the rules of the log that hold. */
function witnessesOf({ numbers, observed_at_ms: atMs }: Reading, device: DeviceState, late: LateState, says: Uint8Array): readonly StoredWitness[] {
  if (!says.includes(SAYS.holds)) return []
  return late.log.keys.flatMap((rule, column) => {
    if (says[column] !== SAYS.holds) return []
    const index = device.set.rules.findIndex((compiled) => compiled.isLogged && keyOf(compiled) === rule)
    const memory = late.rules[index]?.memory
    const evidence = memory === undefined ? [] : (device.set.rules[index]?.condition.evidence(numbers, atMs, memory) ?? [])
    return [{ rule, atMs, evidence }]
  })
}

const isBetween = (answer: Answer, condition: CompiledRule['condition'], numbers: Float64Array): number =>
  answer === FAILS && condition.hasLeaving && condition.isWithinLeaving(numbers) ? SAYS.between : SAYS.fails

interface InLog {
  readonly column: number
  readonly say: number
  readonly inOrder: InOrder
}

/** Alarms that this reading made known, and what it says of the hold of now. */
function foldAround(asked: Asked, { column, say, inOrder }: InLog): readonly HubEvent[] {
  const { reading, device, late, index, compiled, state, own } = asked
  const atMs = reading.observed_at_ms
  if (say === SAYS.fails || say === SAYS.between) {
    const beganMs = isHolding(state) && state.beganMs < atMs && atMs < state.knownMs ? beginBehind(asked, column, say) : undefined
    if (beganMs !== undefined) inOrder.moveBegin(reading, { compiled, state, beganMs })
    return NOTHING
  }
  const { log } = late
  if (say === SAYS.nothing && log.everHeld[column] !== true) return NOTHING
  if (say === SAYS.holds) log.witnesses[column] = compiled.condition.evidence(reading.numbers, atMs, own.memory)
  const place = log.placeOf(atMs)
  if (isTold(state, spanAround(log, { place, column }, compiled.rule.gapMs_MAX))) return NOTHING
  const chain = chainThrough(
    log,
    { index: place, column, isLeftTogether: compiled.condition.isLeftTogether, underWayMs: UNDER_WAY_MS },
    compiled.rule,
  )
  if (chain === undefined) return NOTHING
  if (chain.raisedMs === NEVER) {
    if (isLastOf(chain, state) && isHolding(state)) goOnWith(asked, chain, inOrder)
    return NOTHING
  }
  if (isTold(state, { fromMs: chain.beganMs, toMs: chain.knownMs })) return NOTHING
  const evidence = [...(log.witnesses[column] ?? compiled.condition.evidence(reading.numbers, atMs, own.memory))]
  return tellChain({ ...reading, evidence }, device, { index, compiled, state, chain })
}

type Witness = Parameters<typeof makeAlarm>[0] & { readonly evidence: Alarm['evidence'] }

/** Tells of a hold that was complete: it stands where nothing newer contradicts, else its alarm is over at once. */
export function tellChain(
  { evidence, ...witness }: Witness,
  device: DeviceState,
  of: { readonly index: number; readonly compiled: CompiledRule; readonly state: RuleState; readonly chain: Chain },
): readonly HubEvent[] {
  const { index, compiled, state, chain } = of
  const alarm = makeAlarm(witness, compiled.rule, { beganMs: chain.beganMs, raisedMs: chain.raisedMs, evidence: [...evidence] })
  if (isLastOf(chain, state)) {
    stand(state, chain)
    return [withClass(raised(alarm), classOf(device, index, -1))]
  }
  rememberEpisode(state, chain.beganMs, chain.knownMs)
  return [raised(alarm), cleared(alarm, device.lastMs)]
}

const isLastOf = ({ isLast, knownMs }: Chain, state: RuleState): boolean => isLast && knownMs >= state.knownMs

/** When the hold of now began, by a reading within it that contradicts; undefined for no later than was known. */
function beginBehind({ reading, late: { log }, compiled, state }: Asked, column: number, say: number): number | undefined {
  const of = { index: log.placeOf(state.knownMs), column, isLeftTogether: compiled.condition.isLeftTogether, underWayMs: UNDER_WAY_MS }
  const chain = chainThrough(log, of, compiled.rule)
  const isKnown = chain !== undefined && log.sayAt(log.placeOf(chain.beganMs), column) === SAYS.holds
  if (isKnown) return chain.beganMs > state.beganMs ? chain.beganMs : undefined
  // Nobody knows which readings held: at the soonest right behind the contradiction.
  return say === SAYS.fails ? reading.observed_at_ms + 1 : undefined
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Whether an alarm tells of the span: a hold of the log is all of it that is known, so what does not touch it is another. */
export const isTold = (state: RuleState, span: Span): boolean => belongsToEpisode(state, span, 0)

/** A reading with those before and behind it at which the rule held, too: what was told of these is told of it, and nothing need be folded. */
function spanAround(log: LateLog, { place, column }: { readonly place: number; readonly column: number }, gapMs: number): Span {
  const atMs = log.timeAt(place)
  const reaches = (other: number): boolean => isHeld(log.sayAt(other, column)) && Math.abs(log.timeAt(other) - atMs) <= gapMs
  if (log.sayAt(place, column) !== SAYS.holds) return { fromMs: atMs, toMs: atMs }
  return { fromMs: reaches(place - 1) ? log.timeAt(place - 1) : atMs, toMs: reaches(place + 1) ? log.timeAt(place + 1) : atMs }
}

/** Takes what the log knows of the hold of now: an earlier begin, and up to when the unit talked behind it. */
function goOnWith({ reading, compiled, state }: Asked, { beganMs, talkMs }: Chain, inOrder: InOrder): void {
  if (talkMs > state.knownMs) state.talkMs = Math.max(state.talkMs, talkMs)
  if (beganMs < state.beganMs) inOrder.moveBegin(reading, { compiled, state, beganMs })
}

/** Takes an alarm that nothing newer contradicts into the state in order. */
function stand(state: RuleState, { beganMs, raisedMs, knownMs }: Chain): void {
  Object.assign(state, { beganMs, raisedMs, knownMs, ceasedMs: NEVER, dipMs: NEVER, dippedMs: 0 })
  state.memory.latches.fill(true)
}

/** Takes the reading into the state of late readings as they come; an alarm out of it is over at once. */
function followOn({ reading, device, compiled, state, own }: Asked, isBack: boolean): readonly HubEvent[] {
  const { rule, condition } = compiled
  const atMs = reading.observed_at_ms
  breakOnGap(own, atMs, isBack ? -1 : rule.gapMs_MAX)
  const answer = condition.evaluate(reading.numbers, atMs, own.memory)
  if (answer === FAILS && condition.hasLeaving && condition.isWithinLeaving(reading.numbers) && dip(own, atMs, rule)) return NOTHING
  if (!hasHeldLate(own, state, { answer, atMs }, rule)) return NOTHING
  if (belongsToEpisode(state, { fromMs: own.beganMs, toMs: atMs }, rule.gapMs_MAX)) return NOTHING
  rememberEpisode(state, own.beganMs, atMs)
  const alarm = makeAlarm(reading, rule, { beganMs: own.beganMs, raisedMs: atMs, evidence: condition.evidence(reading.numbers, atMs, own.memory) })
  return [raised(alarm), cleared(alarm, device.lastMs)]
}
