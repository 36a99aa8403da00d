/**
 * Folds the log of late readings around one of them, as if all that it holds had come in order. The step is that of readings in order, so the
 * same readings give the same holds, whatever order they come in; it looks only as far as a hold around the reading can reach.
 */
import { FAILS, HOLDS } from './compile-condition.ts'
import { isHeld, type LateLog, SAYS } from './late-log.ts'
import {
  breakHoldOnGap,
  canHoldByTime,
  createRuleState,
  dip,
  goOnByTalk,
  type HoldTimes,
  isHolding,
  NEVER,
  type RuleState,
  raiseByTime,
  step,
} from './rule-state.ts'

/** A hold that a reading is part of, in device time; `raisedMs` is NEVER for one that lasted too short. */
export interface Chain {
  readonly beganMs: number
  /** Last reading at which the condition held. */
  readonly knownMs: number
  /** Last reading up to which the unit went on talking of other things, NEVER for none. */
  readonly talkMs: number
  readonly raisedMs: number
  /** Whether nothing in the log that came behind contradicts it. */
  readonly isLast: boolean
}

interface Place {
  readonly index: number
  /** That of the rule. */
  readonly column: number
  /** Whether values between the bound and that for leaving keep an alarm. */
  readonly isLeftTogether: boolean
  /** For how long the clock waits behind a hold. */
  readonly underWayMs: number
}

/** The hold around a reading of the log; undefined when none is there. */
export function chainThrough(log: LateLog, { index, column, isLeftTogether, underWayMs }: Place, times: HoldTimes): Chain | undefined {
  const state = createRuleState({ latches: [], leaving: 0, samples: [] })
  for (let at = beginOf(log, { index, column }, times.gapMs_MAX); at < log.length; at++) {
    const say = log.sayAt(at, column)
    if (say === SAYS.unseen) continue
    const atMs = log.timeAt(at)
    // What lay in a gap may still come, and part the two: an alarm is told on both sides of it.
    if (state.raisedMs !== NEVER && say !== SAYS.nothing && at > index && atMs - state.knownMs > times.gapMs_MAX) return chainOf(state, false)
    const isOver = say === SAYS.fails || (say === SAYS.between && state.raisedMs !== NEVER && !isLeftTogether)
    if (isOver && at > index) return chainOf(state, false)
    if (state.raisedMs === NEVER) take(state, { say, atMs, underWayMs }, times)
    else if (isOver) Object.assign(state, createRuleState(state.memory))
    else if (say !== SAYS.nothing) state.knownMs = atMs
    // A hold of what came behind the reading is none that it is part of.
    if (at >= index && state.raisedMs === NEVER && !(isHolding(state) && state.beganMs <= log.timeAt(index))) return undefined
  }
  return chainOf(state, true)
}

/**
 * The holds from a reading of the log up to `toMs` that lasted long enough when all that was stored has come: as by the clock, one is complete when
 * its time has passed before the next reading takes it back. In the order of time, in one pass.
 */
export function completeChains(
  log: LateLog,
  { index, column, isLeftTogether, underWayMs, toMs }: Place & { readonly toMs: number },
  times: HoldTimes,
): Chain[] {
  const chains: Chain[] = []
  const end = (isLast: boolean): void => {
    const chain = state.raisedMs === NEVER ? undefined : chainOf(state, isLast)
    if (chain !== undefined) chains.push(chain)
    Object.assign(state, createRuleState(state.memory))
  }
  const state = createRuleState({ latches: [], leaving: 0, samples: [] })
  for (let at = beginOf(log, { index, column }, times.gapMs_MAX); at < log.length; at++) {
    const say = log.sayAt(at, column)
    if (say === SAYS.unseen) continue
    const atMs = log.timeAt(at)
    if (atMs > toMs && !isHolding(state) && state.raisedMs === NEVER) break
    if (isCompleteAt(state, atMs, underWayMs, times)) raiseByTime(state, times)
    if (state.raisedMs === NEVER || say === SAYS.nothing) {
      take(state, { say, atMs, underWayMs }, times)
      continue
    }
    const isOver = say === SAYS.fails || (say === SAYS.between && !isLeftTogether)
    const isBroken = atMs - state.knownMs > times.gapMs_MAX
    if (isOver || isBroken) end(false)
    if (isBroken && !isOver) take(state, { say, atMs, underWayMs }, times)
    else if (!isOver) state.knownMs = atMs
  }
  end(true)
  return chains
}

const isCompleteAt = (state: RuleState, atMs: number, underWayMs: number, times: HoldTimes): boolean =>
  isHolding(state) && state.dipMs === NEVER && atMs - state.beganMs >= times.holdMs + underWayMs && canHoldByTime(state, times)

/** First reading before which nothing matters: it follows on one that failed, or on a silence. */
function beginOf(log: LateLog, { index, column }: Pick<Place, 'index' | 'column'>, gapMs: number): number {
  let at = index
  while (at > 0 && log.timeAt(at) - log.timeAt(at - 1) <= gapMs && log.sayAt(at - 1, column) !== SAYS.fails) at--
  return at
}

/** Takes what a rule said into the state, as in order. */
function take(
  state: RuleState,
  { say, atMs, underWayMs }: { readonly say: number; readonly atMs: number; readonly underWayMs: number },
  times: HoldTimes,
): void {
  if (say === SAYS.nothing) {
    if (!isHolding(state) || state.dipMs !== NEVER || !goOnByTalk(state, atMs, times.gapMs_MAX)) return
    if (atMs - state.beganMs >= times.holdMs + underWayMs) raiseByTime(state, times)
    return
  }
  if (isHolding(state)) breakHoldOnGap(state, atMs, times.gapMs_MAX)
  if (say === SAYS.between && dip(state, atMs, times)) return
  step(state, isHeld(say) ? HOLDS : FAILS, atMs, times)
}

const chainOf = ({ beganMs, knownMs, talkMs, raisedMs }: RuleState, isLast: boolean): Chain | undefined =>
  beganMs === NEVER ? undefined : { beganMs, knownMs, talkMs, raisedMs, isLast }
