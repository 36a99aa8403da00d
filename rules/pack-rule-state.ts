/**
 * The state of a rule as one list of numbers, for snapshots: ten thousand devices have a hundred thousand of them, and as objects they cost
 * seconds of cloning and writing in which nothing else is done. What nothing has happened to is not written at all. Objects, as
 * earlier versions wrote them, are still read.
 */
import { NEVER, type RuleState } from './rule-state.ts'

/**
 * beganMs, ceasedMs, knownMs, raisedMs; the broken hold (three times NEVER for none); the count of comparisons, their latches as 0 and 1;
 * the count of episodes, their begins and ends; for each comparison the count of its samples' numbers, and these; talkMs,
 * dipMs, dippedMs and beforeMs, the count of broken holds before the last, and these, absent where there is none of them and in what versions before
 * them saved.
 */
export type PackedRuleState = readonly number[]

/** Packs a state; undefined for one that is as at its creation. */
export function packRuleState(state: RuleState): PackedRuleState | undefined {
  if (isUntouched(state)) return undefined
  const { memory, brokenHold, episodes } = state
  const [fromMs, toMs, endedByMs] = brokenHold ?? [NEVER, NEVER, NEVER]
  const packed = [state.beganMs, state.ceasedMs, state.knownMs, state.raisedMs, fromMs, toMs, endedByMs, memory.latches.length]
  for (const latch of memory.latches) packed.push(latch ? 1 : 0)
  packed.push(episodes.length)
  for (const [from, to] of episodes) packed.push(from, to)
  for (const samples of memory.samples) {
    packed.push(samples.length)
    for (const number of samples) packed.push(number)
  }
  const { talkMs, dipMs, dippedMs, beforeMs } = state
  const before = state.brokenBefore ?? []
  if (talkMs !== NEVER || dipMs !== NEVER || dippedMs > 0 || beforeMs !== NEVER || before.length > 0) packed.push(talkMs, dipMs, dippedMs, beforeMs)
  if (before.length > 0) packed.push(before.length, ...before.flat())
  return packed
}

/** Gives the state back; it shares nothing with what it was packed into. `fresh` is as at its creation, and is used. */
export function unpackRuleState(packed: PackedRuleState | RuleState | undefined, fresh: RuleState): RuleState {
  const state = fresh
  if (packed === undefined) return state
  if (!isPacked(packed)) return { ...state, ...structuredClone(packed) }
  let at = 0
  const next = (): number => packed[at++] ?? NEVER
  state.beganMs = next()
  state.ceasedMs = next()
  state.knownMs = next()
  state.raisedMs = next()
  const brokenHold = [next(), next(), next()] as const
  state.brokenHold = brokenHold[0] === NEVER ? null : brokenHold
  const comparisons = next()
  const latches = Array.from({ length: comparisons }, () => next() === 1)
  state.episodes = Array.from({ length: next() }, () => [next(), next()])
  const samples = latches.map(() => Array.from({ length: next() }, next))
  state.memory = { latches, leaving: 0, samples }
  state.talkMs = next()
  state.dipMs = next()
  state.dippedMs = Math.max(0, next())
  state.beforeMs = next()
  const before = Array.from({ length: Math.max(0, next()) }, () => [next(), next(), next()] as const)
  if (state.brokenBefore !== null) state.brokenBefore = before
  return state
}

const isPacked = (state: PackedRuleState | RuleState): state is PackedRuleState => Array.isArray(state)

const isUntouched = ({ beganMs, ceasedMs, knownMs, beforeMs, talkMs, dipMs, raisedMs, brokenHold, episodes, memory }: RuleState): boolean =>
  beganMs === NEVER &&
  ceasedMs === NEVER &&
  knownMs === NEVER &&
  beforeMs === NEVER &&
  talkMs === NEVER &&
  dipMs === NEVER &&
  raisedMs === NEVER &&
  brokenHold === null &&
  episodes.length === 0 &&
  !memory.latches.includes(true) &&
  memory.samples.every(({ length }) => length === 0)
