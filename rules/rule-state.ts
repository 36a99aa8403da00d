/**
 * State of one rule on one device and its step by one reading, in event time: hold before the alarm, clear hold after it, gaps that
 * break both, and the episodes that are over, so that a late or repeated reading raises nothing twice. Plain data without NaN, so
 * that a snapshot survives JSON.
 */
import { type Answer, type ConditionMemory, FAILS, HOLDS } from './compile-condition.ts'

/** Stands for "not since any time"; times are never negative here. */
export const NEVER = -1
/**
 * Sensors scatter, and a danger at its bound is none the less one: a hold outlives values between its bound and that for leaving. One such dip
 * may last for this share of the hold time, and all of them together for as long, or for this share of the time since the hold began (chosen).
 */
const DIP_SHARE = 0.1
const DIPS_SHARE = 0.4

/** Episodes that are remembered per device and rule; the oldest is forgotten. */
const EPISODES_MAX = 16

/** In device time: the begin of a hold, the last that the unit said in it, and the reading that ended it. */
export type BrokenHold = readonly [fromMs: number, toMs: number, endedByMs: number]

/** Broken holds that are remembered before the last (chosen: what a unit stored comes within a few of them). */
const BROKEN_BEFORE_MAX = 3

export interface RuleState {
  /** Device time at which the condition began to hold, NEVER while it does not. */
  beganMs: number
  /** Device time at which the condition ceased during an alarm, NEVER while it holds. */
  ceasedMs: number
  /** Device time of the last reading that could answer. */
  knownMs: number
  /** Device time of the last reading that could answer before the hold or alarm began, NEVER for none. */
  beforeMs: number
  /** Device time up to which the unit went on talking of other things behind `knownMs` while a hold of a safety rule stood, NEVER for none. */
  talkMs: number
  /** Device time since which, in a hold, values lie between its bound and that for leaving, NEVER while they do not; time of such dips before. */
  dipMs: number
  dippedMs: number
  /** Device time at which the alarm was raised, NEVER while there is none. */
  raisedMs: number
  memory: ConditionMemory
  /** The last hold that ended before its time. */
  brokenHold: BrokenHold | null
  /** Those before it, oldest first; null where nobody asks for them. */
  brokenBefore: BrokenHold[] | null
  /** [from, to] in device time of alarms that are over. */
  episodes: Array<[fromMs: number, toMs: number]>
}

/** `keepsHolds`: what the unit stored may come later and go on with a hold that broke. */
export const createRuleState = (memory: ConditionMemory, keepsHolds = false): RuleState => ({
  beganMs: NEVER,
  ceasedMs: NEVER,
  knownMs: NEVER,
  beforeMs: NEVER,
  talkMs: NEVER,
  dipMs: NEVER,
  dippedMs: 0,
  raisedMs: NEVER,
  memory,
  brokenHold: null,
  brokenBefore: keepsHolds ? [] : null,
  episodes: [],
})

export interface HoldTimes {
  readonly holdMs: number
  readonly clearHoldMs: number
  readonly gapMs_MAX: number
}

/** Breaks holds after a gap: nobody knows what was in between. An alarm that stands stays, with its latches. */
export function breakOnGap(state: RuleState, atMs: number, gapMs: number): void {
  if (breakHoldOnGap(state, atMs, gapMs)) state.memory.latches.fill(false)
}

/** The same without the latches, for what was evaluated already; tells whether it broke a hold. */
export function breakHoldOnGap(state: RuleState, atMs: number, gapMs: number): boolean {
  if (state.knownMs === NEVER || Math.abs(atMs - heardMs(state)) <= gapMs) return false
  state.ceasedMs = NEVER
  if (state.raisedMs !== NEVER) return false
  breakHold(state, atMs)
  return true
}

/** Device time of the last reading that could answer, or of the last thing that the unit said while a hold stood. */
const heardMs = ({ knownMs, talkMs }: RuleState): number => (talkMs > knownMs ? talkMs : knownMs)

/** Whether the condition holds and no alarm stands yet. */
export const isHolding = ({ beganMs, raisedMs }: RuleState): boolean => beganMs !== NEVER && raisedMs === NEVER

/**
 * Takes a reading without the channel into a hold: what was said once and not taken back stands, as long as the unit goes on talking. Behind
 * a gap it changes nothing, which is told; the next answer breaks the hold.
 */
export function goOnByTalk(state: RuleState, atMs: number, gapMs: number): boolean {
  const sinceMs = atMs - heardMs(state)
  if (sinceMs < 0 || sinceMs > gapMs) return false
  state.talkMs = atMs
  return true
}

/**
 * Takes values between the bound and that for leaving into a hold: they neither go on with it nor break it while the dip is short, and one
 * reading never does. Tells whether the hold stands.
 */
export function dip(state: RuleState, atMs: number, { holdMs }: HoldTimes): boolean {
  if (!isHolding(state) || atMs < state.knownMs) return false
  if (state.dipMs === NEVER) state.dipMs = atMs
  return atMs - state.dipMs <= DIP_SHARE * holdMs
}

/** Takes back a dip with a reading behind it at which the condition holds; a hold that lay in dips for too much of its time is broken, to begin anew. */
function endDip(state: RuleState, atMs: number, { holdMs }: HoldTimes): void {
  if (state.dipMs === NEVER || atMs < state.dipMs) return
  state.dippedMs += atMs - state.dipMs
  state.dipMs = NEVER
  const mostMs = Math.max(DIP_SHARE * holdMs, DIPS_SHARE * (atMs - state.beganMs))
  if (isHolding(state) && state.dippedMs > mostMs) breakHold(state, atMs)
}

/** Takes the answer for a reading at `atMs` into the state; says whether an alarm begins or ends with it. */
export function step(state: RuleState, answer: Answer, atMs: number, times: HoldTimes): 'raised' | 'cleared' | undefined {
  if (answer === HOLDS) {
    endDip(state, atMs, times)
    if (state.beganMs === NEVER) {
      state.beganMs = atMs
      state.beforeMs = state.knownMs
    }
    state.knownMs = atMs
    state.ceasedMs = NEVER
    if (state.raisedMs !== NEVER || atMs - state.beganMs < times.holdMs) return undefined
    state.raisedMs = atMs
    state.dippedMs = 0
    return 'raised'
  }
  if (answer !== FAILS) return undefined
  if (state.raisedMs === NEVER) breakHold(state, atMs)
  state.knownMs = atMs
  if (state.raisedMs === NEVER) return undefined
  if (state.ceasedMs === NEVER) state.ceasedMs = atMs
  return atMs - state.ceasedMs < times.clearHoldMs ? undefined : 'cleared'
}

/**
 * Whether a hold without an alarm yet would be complete by time alone: its hold time ends before so long a silence that nobody knows.
 */
export const canHoldByTime = (state: RuleState, times: HoldTimes): boolean =>
  isHolding(state) && state.beganMs + times.holdMs - heardMs(state) <= times.gapMs_MAX

/** Takes the alarm into the state that time alone completes; gives the device time at which it is raised. */
export function raiseByTime(state: RuleState, { holdMs }: HoldTimes): number {
  state.raisedMs = state.beganMs + holdMs
  state.dippedMs = 0
  return state.raisedMs
}

/** Takes back that the last reading was ahead: nothing that the state knows lies behind `atMs`. The begin of an alarm is its name and stays. */
export function rewindTo(state: RuleState, atMs: number): void {
  state.knownMs = Math.min(state.knownMs, atMs)
  state.talkMs = Math.min(state.talkMs, atMs)
  state.dipMs = Math.min(state.dipMs, atMs)
  state.ceasedMs = Math.min(state.ceasedMs, atMs)
  if (state.raisedMs === NEVER) state.beganMs = Math.min(state.beganMs, atMs)
  for (const samples of state.memory.samples) while ((samples[samples.length - 2] ?? NEVER) > atMs) samples.length -= 2
}

/** Silence before a clock was set back that a hold outlives, at most (chosen: as long as a gap that does not break one, as a rule). */
const PASSED_MS_MAX = 15 * 60_000

/**
 * Begins the line of a device anew at `fromMs`, where its clock was set back, `passedMs` behind `lineMs`, the end of the old line. A hold that stood has
 * lasted as long as it had.
 */
export function restartAt(
  state: RuleState,
  { lineMs, fromMs, passedMs }: { readonly lineMs: number; readonly fromMs: number; readonly passedMs: number },
): void {
  const isSilent = passedMs > PASSED_MS_MAX && state.beganMs <= lineMs
  const stood = isHolding(state) && heardMs(state) >= lineMs && !isSilent
  const lastedMs = stood ? Math.max(0, lineMs + passedMs - state.beganMs) : NEVER
  breakOnGap(state, fromMs, -1)
  state.talkMs = NEVER
  if (lastedMs !== NEVER) state.beganMs = Math.max(0, fromMs - lastedMs)
  if (state.knownMs !== NEVER) state.knownMs = fromMs
}

function breakHold(state: RuleState, atMs: number): void {
  if (state.beganMs !== NEVER) {
    if (state.brokenHold !== null && state.brokenBefore !== null) {
      state.brokenBefore.push(state.brokenHold)
      if (state.brokenBefore.length > BROKEN_BEFORE_MAX) state.brokenBefore.shift()
    }
    state.brokenHold = [state.beganMs, heardMs(state), atMs]
  }
  endHold(state)
}

function endHold(state: RuleState): void {
  state.beganMs = NEVER
  state.beforeMs = NEVER
  state.dipMs = NEVER
  state.dippedMs = 0
}

/**
 * Takes the answer for a late reading into `own`, the state of late readings; says whether the condition has held for its hold time. What
 * follows on a hold that `live` saw before the device fell silent goes on with that hold.
 */
export function hasHeldLate(own: RuleState, live: RuleState, reading: { readonly answer: Answer; readonly atMs: number }, times: HoldTimes): boolean {
  const { answer, atMs } = reading
  if (answer !== HOLDS && answer !== FAILS) return false
  const previousMs = own.knownMs > atMs ? NEVER : own.knownMs
  if (answer === HOLDS) endDip(own, atMs, times)
  else endHold(own)
  own.knownMs = atMs
  if (answer === FAILS) return false
  if (own.beganMs === NEVER) own.beganMs = beginOfHold(live, previousMs, atMs, times.gapMs_MAX)
  return atMs - own.beganMs >= times.holdMs
}

function beginOfHold({ brokenHold }: RuleState, previousMs: number, atMs: number, gapMs: number): number {
  if (brokenHold === null) return atMs
  const [fromMs, toMs, endedByMs] = brokenHold
  return previousMs <= toMs && atMs > toMs && atMs < endedByMs && atMs - toMs <= gapMs ? fromMs : atMs
}

/** Ends the alarm of the state and remembers when it was. */
export function endEpisode(state: RuleState, atMs: number): void {
  rememberEpisode(state, state.beganMs, Math.max(atMs, state.beganMs))
  state.beganMs = NEVER
  state.beforeMs = NEVER
  state.raisedMs = NEVER
  state.ceasedMs = NEVER
}

/** Whether a span belongs to an alarm that stands or stood, give or take `gapMs`; a remembered one is widened by it. */
export function belongsToEpisode(state: RuleState, span: { readonly fromMs: number; readonly toMs: number }, gapMs: number): boolean {
  if (state.raisedMs !== NEVER && span.toMs >= state.beganMs - gapMs) return true
  const episode = state.episodes.find(([fromMs, toMs]) => span.toMs >= fromMs - gapMs && span.fromMs <= toMs + gapMs)
  if (episode === undefined) return false
  episode[0] = Math.min(episode[0], span.fromMs)
  episode[1] = Math.max(episode[1], span.toMs)
  return true
}

export function rememberEpisode(state: RuleState, fromMs: number, toMs: number): void {
  state.episodes.push([fromMs, toMs])
  if (state.episodes.length > EPISODES_MAX) state.episodes.shift()
}
