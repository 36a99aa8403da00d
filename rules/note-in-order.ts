/**
 * Takes into the log of late readings what the rules know from readings in order: the hold that stands, the last that broke, and what ended it.
 * A hold is noted as points no further apart than the gap that would break it.
 */
import type { DeviceState, LateState } from './device-states.ts'
import { KEPT_MS, type LateLog, SAYS } from './late-log.ts'
import { NEVER, type RuleState } from './rule-state.ts'

/** Points that are noted of one hold, its last ones (chosen). */
const POINTS_MAX = 64

/** Notes what came in order since the log was used last. */
export function noteInOrder({ set, rules, lastMs }: DeviceState, { log }: LateState): void {
  if (lastMs === NEVER) return
  let column = 0
  for (let index = 0; index < set.rules.length; index++) {
    const compiled = set.rules[index]
    const state = rules[index]
    if (compiled?.isLogged !== true || state === undefined) continue
    if (state.knownMs !== log.inOrderMs[column]) noteRule(log, { column, state, gapMs: compiled.rule.gapMs_MAX, lastMs })
    log.inOrderMs[column++] = state.knownMs
  }
  if (log.timeAt(log.length - 1) !== lastMs) log.note(lastMs, new Uint8Array(log.keys.length))
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
  const { brokenHold, beganMs, beforeMs, knownMs, raisedMs } = state
  // What belongs to an alarm that stands is told.
  if (raisedMs !== NEVER) return
  const isHolding = beganMs !== NEVER
  if (brokenHold !== null && brokenHold[1] >= lastMs - KEPT_MS) {
    const [fromMs, toMs, endedByMs] = brokenHold
    noteHold(log, column, { fromMs, toMs, gapMs })
    // A gap ended it where the next hold began with the reading that did.
    if (endedByMs !== beganMs && endedByMs <= knownMs) log.noteOne(endedByMs, column, SAYS.fails)
  }
  if (isHolding && beforeMs !== NEVER && beforeMs !== brokenHold?.[1]) log.noteOne(beforeMs, column, SAYS.fails)
  if (isHolding) noteHold(log, column, { fromMs: beganMs, toMs: Math.max(beganMs, knownMs), gapMs })
  else if (knownMs !== NEVER) log.noteOne(knownMs, column, SAYS.fails)
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
