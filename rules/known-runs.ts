/**
 * What a rule answered at which device times, as a short sorted list that readings may come to in any order, and twice. Points that follow each
 * other in even steps with the same answer are one run of four numbers: its first and last time, their count, the answer. So a backlog
 * of a day is a few numbers, and another answer in the midst of a run finds its neighbours again. Plain arrays of numbers, for snapshots.
 */

/** Numbers of a run. */
const WIDTH = 4
/** Runs of one rule of one device; beyond it the two that lie nearest and answer the same are taken for one, else the oldest is forgotten. */
const RUNS_MAX = 384
/** Steps up to this are joined wherever they come; longer ones only at the end, where nothing may come between them any more in order. */
const STEP_MS_MAX = 150_000

export interface Run {
  readonly fromMs: number
  readonly toMs: number
  /** Time from one point to the next, 0 for a single point. */
  readonly stepMs: number
  readonly answer: number
}

export interface Point {
  readonly atMs: number
  /** The greater of two answers for the same time stays. */
  readonly answer: number
}

/** The run at `place`, counted from the oldest; undefined behind the last. */
export function runAt(runs: readonly number[], place: number): Run | undefined {
  const at = place * WIDTH
  if (at < 0 || at >= runs.length) return undefined
  return { fromMs: runs[at] ?? 0, toMs: runs[at + 1] ?? 0, stepMs: stepOf(runs, at), answer: runs[at + 3] ?? 0 }
}

/** Whether any run has the answer. */
export function hasAnswer(runs: readonly number[], answer: number): boolean {
  for (let at = 3; at < runs.length; at += WIDTH) if (runs[at] === answer) return true
  return false
}

/** Takes a run of points a minute apart in, of which only the ends are known, at the end of the list. */
export function appendRun(runs: number[], { fromMs, toMs, answer }: Pick<Run, 'fromMs' | 'toMs' | 'answer'>): void {
  runs.push(fromMs, toMs, toMs > fromMs ? Math.max(2, Math.round((toMs - fromMs) / 60_000) + 1) : 1, answer)
}

/** Forgets the runs that ended before a time. */
export function forgetBefore(runs: number[], ms: number): void {
  while (runs.length > 0 && (runs[1] ?? ms) < ms) runs.splice(0, WIDTH)
}

/** Takes a point in. Steps longer than `gapMs` are never joined. */
export function notePoint(runs: number[], point: Point, gapMs: number): void {
  const { atMs, answer } = point
  let at = runs.length - WIDTH
  while (at >= 0 && (runs[at] ?? 0) > atMs) at -= WIDTH
  const isLast = at === runs.length - WIDTH
  if (at >= 0 && atMs <= (runs[at + 1] ?? 0)) {
    if (!splitAt(runs, at, point)) return
  } else if (
    isLast &&
    at >= 0 &&
    runs[at + 3] === answer &&
    isEven(stepOf(runs, at), atMs - (runs[at + 1] ?? 0)) &&
    atMs - (runs[at + 1] ?? 0) <= gapMs
  ) {
    runs[at + 1] = atMs
    runs[at + 2] = (runs[at + 2] ?? 1) + 1
    return
  } else runs.splice(at + WIDTH, 0, atMs, atMs, 1, answer)
  joinAround(runs, Math.max(0, at - WIDTH), Math.min(gapMs, STEP_MS_MAX))
  while (runs.length > RUNS_MAX * WIDTH) shorten(runs, gapMs)
}

const stepOf = (runs: readonly number[], at: number): number => {
  const count = runs[at + 2] ?? 1
  return count > 1 ? ((runs[at + 1] ?? 0) - (runs[at] ?? 0)) / (count - 1) : 0
}

/** Whether a distance goes on with the step of a run; devices are not exact to more than a tenth of it. */
const isEven = (stepMs: number, distanceMs: number): boolean => stepMs === 0 || Math.abs(distanceMs - stepMs) <= Math.max(stepMs / 10, 1_000)

/** Puts a point into the midst of a run; false when it says nothing new. */
function splitAt(runs: number[], at: number, { atMs, answer }: Point): boolean {
  const [fromMs = 0, toMs = 0, count = 1, before = 0] = runs.slice(at, at + WIDTH)
  const stepMs = stepOf(runs, at)
  const nearest = stepMs === 0 ? 0 : Math.round((atMs - fromMs) / stepMs)
  const offMs = Math.abs(fromMs + nearest * stepMs - atMs)
  const isSame = answer === before
  if (offMs <= (isSame && count > 2 ? Math.min(stepMs / 10, 5_000) : 1)) {
    if (answer <= before) return false
    runs.splice(
      at,
      WIDTH,
      ...piece(fromMs, stepMs, nearest, before),
      atMs,
      atMs,
      1,
      answer,
      ...piece(fromMs + (nearest + 1) * stepMs, stepMs, count - nearest - 1, before, toMs),
    )
    return true
  }
  const left = Math.floor((atMs - fromMs) / stepMs) + 1
  runs.splice(
    at,
    WIDTH,
    ...piece(fromMs, stepMs, left, before),
    atMs,
    atMs,
    1,
    answer,
    ...piece(fromMs + left * stepMs, stepMs, count - left, before, toMs),
  )
  return true
}

/** A run of some points, nothing for none; its last time is kept exactly where it is known. */
const piece = (fromMs: number, stepMs: number, count: number, answer: number, toMs = fromMs + (count - 1) * stepMs): number[] =>
  count <= 0 ? [] : [Math.round(count === 1 && toMs !== fromMs ? toMs : fromMs), Math.round(count === 1 ? toMs : toMs), count, answer]

/** Joins what follows on each other in even steps, from a place on. */
function joinAround(runs: number[], from: number, stepMs_MAX: number): void {
  let at = from
  while (at < from + 4 * WIDTH && at + WIDTH < runs.length) {
    const next = at + WIDTH
    const distanceMs = (runs[next] ?? 0) - (runs[at + 1] ?? 0)
    const isOne =
      runs[at + 3] === runs[next + 3] && distanceMs <= stepMs_MAX && isEven(stepOf(runs, at), distanceMs) && isEven(stepOf(runs, next), distanceMs)
    if (isOne) join(runs, at)
    else at = next
  }
}

function join(runs: number[], at: number): void {
  runs[at + 1] = runs[at + WIDTH + 1] ?? 0
  runs[at + 2] = (runs[at + 2] ?? 1) + (runs[at + WIDTH + 2] ?? 1)
  runs.splice(at + WIDTH, WIDTH)
}

function shorten(runs: number[], gapMs: number): void {
  let nearest = -1
  let nearestMs = gapMs
  for (let at = 0; at + WIDTH < runs.length; at += WIDTH) {
    const distanceMs = (runs[at + WIDTH] ?? 0) - (runs[at + 1] ?? 0)
    if (runs[at + 3] !== runs[at + WIDTH + 3] || distanceMs > nearestMs) continue
    nearest = at
    nearestMs = distanceMs
  }
  if (nearest < 0) runs.splice(0, WIDTH)
  else join(runs, nearest)
}
