/**
 * Takes into the log of late readings what the rules know from readings in order: the hold that stands, the last that broke, and what ended it.
 * A hold is noted as points no further apart than the gap that would break it.
 */
import type { DeviceState, LateState } from './device-states.ts'
import { KEPT_MS, type LateLog, SAYS } from './late-log.ts'
import { NEVER, type RuleState } from './rule-state.ts'

/** Points that are noted of one hold, its last ones (chosen). */
const POINTS_MAX = 64

/** Notes what came in order since the log was used last. @param knownMs time of a reading of which the caller notes what the rules say */
export function noteInOrder({ set, rules, lastMs }: DeviceState, { log }: LateState, knownMs: number = NEVER): void {
  if (lastMs === NEVER) return
  let column = 0
  const isNoted = lastMs === knownMs || log.timeAt(log.placeOf(lastMs)) === lastMs
  // A rule that knows nothing of the last reading found nothing in it, or values that a hold outlives; of a stored one the log says which.
  const says = new Uint8Array(log.keys.length)
  for (let index = 0; index < set.rules.length; index++) {
    const compiled = set.rules[index]
    const state = rules[index]
    if (compiled?.isLogged !== true || state === undefined) continue
    if (state.dipMs !== NEVER) {
      log.noteOne(state.dipMs, column, SAYS.between)
      if (!isNoted) says[column] = SAYS.between
    }
    if (state.knownMs !== log.inOrderMs[column]) noteRule(log, { column, state, gapMs: compiled.rule.gapMs_MAX, lastMs })
    log.inOrderMs[column++] = state.knownMs
  }
  log.note(lastMs, says)
}

/** What the log knows now of readings in order is all. */
export function markInOrder({ set, rules }: DeviceState, { log }: LateState): void {
  let column = 0
  for (let index = 0; index < set.rules.length; index++)
    if (set.rules[index]?.isLogged === true) log.inOrderMs[column++] = rules[index]?.knownMs ?? Number.NaN
}

interface Known {
  readonly column: number
  readonly state: RuleState
  readonly gapMs: number
  /** The device's place in order. */
  readonly lastMs: number
}

function noteRule(log: LateLog, { column, state, gapMs, lastMs }: Known): void {
  const { beganMs, beforeMs, knownMs, talkMs, raisedMs } = state
  // What belongs to an alarm that stands is told.
  if (raisedMs !== NEVER) return
  const broken = [...(state.brokenBefore ?? []), ...(state.brokenHold === null ? [] : [state.brokenHold])]
  broken.forEach(([fromMs, toMs, endedByMs], place) => {
    if (toMs < lastMs - KEPT_MS) return
    noteHold(log, column, { fromMs, toMs, gapMs })
    // A gap ended it where the next hold began with the reading that did.
    if (endedByMs !== (broken[place + 1]?.[0] ?? beganMs) && endedByMs <= knownMs) log.noteOne(endedByMs, column, SAYS.fails)
  })
  if (beganMs === NEVER) {
    if (knownMs !== NEVER) log.noteOne(knownMs, column, SAYS.fails)
    return
  }
  if (beforeMs !== NEVER && !broken.some(([, toMs]) => toMs >= beforeMs)) log.noteOne(beforeMs, column, SAYS.fails)
  // Before what the log knew already the readings themselves stand in it.
  const knewMs = log.inOrderMs[column] ?? beganMs
  const fromMs = knewMs > beganMs && knewMs < knownMs ? knewMs : beganMs
  noteHold(log, column, { fromMs, toMs: Math.max(beganMs, knownMs, talkMs), gapMs })
}

function noteHold(
  log: LateLog,
  column: number,
  { fromMs, toMs, gapMs }: { readonly fromMs: number; readonly toMs: number; readonly gapMs: number },
): void {
  const points = Math.min(POINTS_MAX, Math.max(1, Math.ceil((toMs - fromMs) / Math.max(1, gapMs))))
  const stepMs = Math.min((toMs - fromMs) / points, gapMs)
  for (let point = 0; point <= points; point++) log.noteOne(toMs - Math.floor(point * stepMs), column, SAYS.assumed)
}
