/**
 * Decides a rule over what it answered in the past, whatever the order in which that came to be known: holds, gaps, alarms and their ends as
 * the engine decides them in order. Only a gap ends an alarm here; in order it stands until something says that it is over.
 */
import { runAt } from './known-runs.ts'
import { type HoldTimes, NEVER } from './rule-state.ts'

/** What a rule answers, the graver the greater; `keeps`: it holds only for an alarm that stands, by the bound for leaving. */
export const ANSWERS = { fails: 0, keeps: 1, holds: 2 } as const

/** A hold or alarm, in device times; `raisedMs` and `ceasedMs` are NEVER for none. */
export interface Episode {
  readonly beganMs: number
  readonly raisedMs: number
  readonly ceasedMs: number
  /** Time up to which something is known of it. */
  readonly knownMs: number
}

interface Folded {
  /** Alarms that are over, oldest first. */
  readonly over: readonly Episode[]
  /** What holds or stands at the end. */
  readonly last: Episode
}

const NONE: Episode = { beganMs: NEVER, raisedMs: NEVER, ceasedMs: NEVER, knownMs: NEVER }

/**
 * Folds `runs`, the answers of a rule; `talk` are the times at which the unit said anything, which carries a hold on. A hold that only talk
 * completes is complete `waitMs` after its time.
 */
export function foldRuns(runs: readonly number[], talk: readonly number[], times: HoldTimes & { readonly waitMs: number }): Folded {
  const over: Episode[] = []
  let now = NONE
  for (let place = 0; ; place++) {
    const run = runAt(runs, place)
    now = withTalk(now, talk, { untilMs: run?.fromMs ?? Number.POSITIVE_INFINITY, ...times })
    if (run === undefined) return { over, last: now }
    const { fromMs, toMs, answer } = run
    if (now.knownMs !== NEVER && fromMs - now.knownMs > times.gapMs_MAX) {
      if (now.raisedMs !== NEVER) over.push(now)
      now = NONE
    }
    if (answer === ANSWERS.holds || (answer === ANSWERS.keeps && now.raisedMs !== NEVER && now.ceasedMs === NEVER)) {
      const beganMs = now.beganMs === NEVER ? fromMs : now.beganMs
      const raisedMs = now.raisedMs === NEVER ? raisedWithin(run, beganMs + times.holdMs) : now.raisedMs
      now = { beganMs, raisedMs, ceasedMs: NEVER, knownMs: toMs }
    } else if (now.raisedMs === NEVER) now = { ...NONE, knownMs: toMs }
    else {
      const ceasedMs = now.ceasedMs === NEVER ? fromMs : now.ceasedMs
      now = { ...now, ceasedMs, knownMs: toMs }
      if (toMs - ceasedMs >= times.clearHoldMs) {
        over.push(now)
        now = { ...NONE, knownMs: toMs }
      }
    }
  }
}

/** The first point of a run at or behind a time, NEVER when it ends before. */
function raisedWithin({ fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number }, dueMs: number): number {
  if (toMs < dueMs) return NEVER
  return dueMs <= fromMs || stepMs === 0 ? fromMs : Math.min(toMs, Math.round(fromMs + Math.ceil((dueMs - fromMs) / stepMs - 1e-6) * stepMs))
}

/** The hold as far as the unit went on talking before `untilMs`. */
function withTalk(
  now: Episode,
  talk: readonly number[],
  { untilMs, holdMs, gapMs_MAX, waitMs }: HoldTimes & { untilMs: number; waitMs: number },
): Episode {
  if (now.beganMs === NEVER || now.raisedMs !== NEVER) return now
  let reachedMs = now.knownMs
  for (let place = 0; ; place++) {
    const said = runAt(talk, place)
    if (said === undefined || said.fromMs >= untilMs || said.fromMs - reachedMs > gapMs_MAX) break
    if (said.toMs <= reachedMs || said.stepMs > gapMs_MAX) continue
    reachedMs = said.toMs < untilMs ? said.toMs : Math.max(reachedMs, lastBefore(said, untilMs))
  }
  const dueMs = now.beganMs + holdMs
  return { ...now, knownMs: reachedMs, raisedMs: reachedMs >= dueMs + waitMs ? dueMs : NEVER }
}

const lastBefore = ({ fromMs, stepMs }: { fromMs: number; stepMs: number }, untilMs: number): number =>
  stepMs === 0 ? fromMs : Math.round(fromMs + (Math.ceil((untilMs - fromMs) / stepMs) - 1) * stepMs)
