/**
 * Decides the safety rules for what a device stored and sent later, or what came in another order than it was said. A reading behind
 * everything that a rule knows is decided in order; else what is known is folded anew, so doubled, swapped and shuffled readings give the
 * alarms that they give in order. What such an alarm says of its begin is what was known when it was told. Nothing that was told is
 * taken back, and an alarm that something newer contradicts is over at once.
 */
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { cleared, makeAlarm, raised, withClass } from './alarm-events.ts'
import { createBacklog, keepFrom, noteReading } from './backlog.ts'
import type { CompiledRule } from './compile-rules.ts'
import { type InOrder, NOTHING, UNDER_WAY_MS } from './decide-in-order.ts'
import { type DeviceState, isHistory } from './device-states.ts'
import { ANSWERS, type Episode, foldRuns } from './fold-runs.ts'
import { hasAnswer } from './known-runs.ts'
import { classOf } from './rule-levels.ts'
import { EPISODES_MAX, isHolding, isTold, NEVER, type RuleState, rememberEpisode } from './rule-state.ts'

interface LateParts {
  readonly inOrder: InOrder
  readonly counts: { late: number; lateTooOld: number; raised: number; cleared: number }
}

/** Notes a reading that was decided in order, for a device that sends some later; to most there is nothing to note. */
export function noteInOrder(reading: Reading, device: DeviceState): void {
  if (device.late === undefined) {
    if (!reading.hist || !device.set.isAskedLate) return
    device.late = createBacklog(device.set.rules, device.rules)
  }
  if (reading.hist) keepFrom(device.late, device.lastMs)
  if (reading.observed_at_ms > device.late.untilMs) device.late = undefined
  else noteReading(device.late, reading, { rules: device.set.rules, lastMs: device.lastMs })
}

export function decideLate(reading: Reading, device: DeviceState, { inOrder, counts }: LateParts): readonly HubEvent[] {
  counts.late++
  if (isHistory(reading)) {
    counts.lateTooOld++
    return NOTHING
  }
  if (!device.set.isAskedLate) return NOTHING
  device.late ??= createBacklog(device.set.rules, device.rules)
  keepFrom(device.late, device.lastMs)
  noteReading(device.late, reading, { rules: device.set.rules, lastMs: device.lastMs })
  const events: HubEvent[] = []
  for (let index = 0; index < device.set.rules.length; index++) {
    const compiled = device.set.rules[index]
    const state = device.rules[index]
    if (compiled === undefined || state === undefined || !compiled.isSafety) continue
    const isNews = compiled.condition.isMemoryless && reading.observed_at_ms > state.knownMs
    if (isNews) events.push(...(inOrder.decideRule(reading, device, index) ?? NOTHING))
    if (!compiled.isAskedLate) continue
    for (const event of fold(reading, device, { index, compiled, state, inOrder })) {
      events.push(event)
      if (event.kind === 'alarm_raised') counts.raised++
      if (event.kind === 'alarm_cleared') counts.cleared++
    }
  }
  return events
}

interface Own {
  readonly index: number
  readonly compiled: CompiledRule
  readonly state: RuleState
  readonly inOrder: InOrder
}

/** Alarms that this reading made known, and what it says of the hold or alarm of now. */
function fold(reading: Reading, device: DeviceState, own: Own): readonly HubEvent[] {
  const known = device.late?.rules[own.index]
  if (known === undefined || !hasAnswer(known.runs, ANSWERS.holds)) return NOTHING
  const { compiled, state } = own
  const { over, last } = foldRuns(known.runs, device.late?.talk ?? [], { ...compiled.rule, waitMs: UNDER_WAY_MS })
  const events: HubEvent[] = []
  for (const episode of last.raisedMs === NEVER ? over : [...over, last]) {
    if (!isWithin(reading, episode, state) || isTold(state, { fromMs: episode.beganMs, toMs: episode.knownMs })) continue
    events.push(...told(reading, device, { ...own, episode, isLast: episode === last }))
  }
  if (isHolding(state) && last.raisedMs === NEVER && last.beganMs !== NEVER && last.knownMs >= state.knownMs && isMoved(reading, state, last)) {
    state.beganMs = last.beganMs
    own.inOrder.waitFor(reading, compiled, state)
  }
  return events
}

/** Whether the hold of now began earlier than was known, or begins anew behind this reading, which contradicts it. */
const isMoved = ({ observed_at_ms: atMs }: Reading, { beganMs }: RuleState, last: Episode): boolean =>
  last.beganMs < beganMs || (last.beganMs > beganMs && atMs >= beganMs && atMs < last.beganMs)

/** Where more were told than are remembered, only what the reading itself is part of may be told, so that nothing is told again and again. */
const isWithin = ({ observed_at_ms: atMs }: Reading, { beganMs, knownMs }: Episode, { episodes }: RuleState): boolean =>
  episodes.length < EPISODES_MAX || (atMs >= beganMs && atMs <= knownMs)

/** The events of an alarm that nobody was told: it stands when nothing newer says otherwise. */
function told(reading: Reading, device: DeviceState, of: Own & { readonly episode: Episode; readonly isLast: boolean }): readonly HubEvent[] {
  const { compiled, state, episode, index } = of
  const { beganMs, raisedMs, ceasedMs, knownMs } = episode
  const evidence = compiled.condition.evidence(reading.numbers, reading.observed_at_ms, state.memory)
  const alarm = makeAlarm(reading, compiled.rule, { beganMs, raisedMs, evidence })
  if (of.isLast && ceasedMs === NEVER && knownMs >= state.knownMs && state.raisedMs === NEVER) {
    Object.assign(state, { beganMs, raisedMs, knownMs, ceasedMs: NEVER })
    state.memory.latches.fill(true)
    return [withClass(raised(alarm), classOf(device, index, -1))]
  }
  rememberEpisode(state, beganMs, knownMs)
  return [raised(alarm), cleared(alarm, device.lastMs)]
}
