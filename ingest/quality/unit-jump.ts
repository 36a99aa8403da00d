/**
 * Unit jumps after a firmware change: the values of a channel before and after it, under like conditions (running or resting), are held
 * against the changes of scale that firmwares make by mistake: C and F and K, powers of ten, W and kW and the like. A jump is said when
 * such a change explains the values after better than "nothing changed" by a stated margin. Until a channel has been compared it is on
 * probation: ordinary rules do not use it, so that a threshold cannot be moved silently.
 */
import { type Comparison, cell, type DeviceMemory, findOpen, LAST_ACTIVE, USUAL } from './device-memory.ts'
import { COMPARED_AS_TEMPERATURE, COMPARED_BY_FACTOR, type QualityPlan } from './quality-plan.ts'
import { beginState, endState, type Judging } from './state-changes.ts'

/** Values after the change that decide, in one condition; asked again with the larger number, since the first may be few. */
export const JUMP_VALUES = 3
const JUMP_VALUES_AGAIN = 12
/** Values before, one each five minutes, without which there is nothing to compare with. */
const USUAL_MIN = 24
/** Memory of the usual distribution: three days of ticks. */
const USUAL_TICKS = 864
/** A channel that nothing is known of is believed after so many values. */
const PROBATION_VALUES = 12
/** After this much active time a comparison is over. */
const COMPARED_FOR_MS = 3 * 86_400_000
/** Logarithm of the likelihood ratio of one value that a jump needs: one in 3,000 against it. */
export const LOG_RATIO_MIN = 8
/** Values in a row that fit the old scale and end the state. */
const CORRECTED_VALUES = 3

const DEVIATION_MIN_FACTOR = 0.05

interface Scale {
  readonly name: string
  readonly factor: number
  readonly offset: number
}

const factors = [1_000, 100, 60, 10, 6.894757, 3.6]
const byFactor: readonly Scale[] = factors.flatMap((factor) => [
  { name: `times ${factor}`, factor: Math.log(factor), offset: 0 },
  { name: `divided by ${factor}`, factor: -Math.log(factor), offset: 0 },
])
const ofTemperature: readonly Scale[] = [
  { name: 'C to F', factor: 1.8, offset: 32 },
  { name: 'F to C', factor: 1 / 1.8, offset: -32 / 1.8 },
  { name: 'C to K', factor: 1, offset: 273.15 },
  { name: 'K to C', factor: 1, offset: -273.15 },
  { name: 'times 10', factor: 10, offset: 0 },
  { name: 'divided by 10', factor: 0.1, offset: 0 },
]

/** The value as it is compared: its logarithm where scales are factors; NaN where it tells nothing. */
const compared = (comparison: number | undefined, value: number): number =>
  comparison === COMPARED_BY_FACTOR ? (value > 0 ? Math.log(value) : Number.NaN) : value

/** Whether the device runs, and has for long enough that its values are like others of that condition. */
export interface Condition {
  readonly isRunning: boolean
  readonly isSettled: boolean
}

/** Values that come with events belong to the condition of their event, settled or not. */
const isAlike = (plan: QualityPlan, slot: number, { isSettled }: Condition): boolean => isSettled || plan.isOnEvent[slot] === 1

/** Takes a value of a tick into the usual distribution of its condition, unless a comparison is running. */
export function learnUsual(plan: QualityPlan, memory: DeviceMemory, slot: number, value: number, condition: Condition): void {
  const { isRunning } = condition
  if (!isAlike(plan, slot, condition)) return
  if (memory.comparison !== undefined && memory.activeMs - memory.comparison.sinceActive < COMPARED_FOR_MS) return
  const x = compared(plan.comparison[slot], value)
  if (Number.isNaN(x)) return
  const at = (USUAL + (isRunning ? 3 : 0)) * plan.slots + slot
  const count = (Number.isNaN(cell(memory.cells, at + 2 * plan.slots)) ? 0 : cell(memory.cells, at + 2 * plan.slots)) + 1
  const share = 1 / Math.min(count, USUAL_TICKS)
  const mean = count === 1 ? x : cell(memory.cells, at)
  const variance = count === 1 ? 0 : cell(memory.cells, at + plan.slots)
  const delta = x - mean
  memory.cells[at] = mean + share * delta
  memory.cells[at + plan.slots] = (1 - share) * (variance + share * delta * delta)
  memory.cells[at + 2 * plan.slots] = count
}

/** Begins a comparison with the values of the firmware before; channels whose jump still stands keep what they are compared with. */
export function beginComparison(plan: QualityPlan, memory: DeviceMemory, from: string, atMs: number): void {
  const cells = 6 * plan.slots
  const before = memory.cells.slice(USUAL * plan.slots, USUAL * plan.slots + cells)
  const old = memory.comparison
  const waits = new Uint8Array(plan.slots)
  let waiting = 0
  for (let slot = 0; slot < plan.slots; slot++) {
    if (plan.comparison[slot] === 0) continue
    const hasJumped = findOpen(memory, 'unit_jump', slot) !== undefined
    for (let field = 0; field < 6 && hasJumped && old !== undefined; field++)
      before[field * plan.slots + slot] = cell(old.before, field * plan.slots + slot)
    // A channel whose jump stands is gated by its state; one that never spoke has nothing to be judged by.
    if (hasJumped || Number.isNaN(cell(memory.cells, LAST_ACTIVE * plan.slots + slot))) continue
    waits[slot] = 1
    waiting++
  }
  memory.comparison = { sinceMs: atMs, sinceActive: memory.activeMs, from, before, after: new Float64Array(cells), waits, waiting }
}

/** Compares the values of one reading; called for every reading while a comparison runs. */
export function compare(judging: Judging, comparison: Comparison, numbers: Float64Array, condition: Condition): void {
  const { isRunning } = condition
  const { plan, memory } = judging
  const isOver = memory.activeMs - comparison.sinceActive >= COMPARED_FOR_MS
  for (let slot = 0; slot < plan.slots; slot++) {
    const kind = plan.comparison[slot]
    if (kind === 0 || !isAlike(plan, slot, condition)) continue
    const x = compared(kind, cell(numbers, plan.columns[slot] ?? -1))
    if (Number.isNaN(x)) continue
    const hasJumped = findOpen(memory, 'unit_jump', slot) !== undefined
    if (hasJumped) judgeCorrection(judging, comparison, { slot, x, isRunning })
    else if (!isOver) judgeJump(judging, comparison, { slot, x, isRunning })
  }
  if (!isOver) return
  if (memory.open.some(({ kind }) => kind === 'unit_jump')) releaseAll(comparison)
  else memory.comparison = undefined
}

interface Value {
  readonly slot: number
  readonly x: number
  readonly isRunning: boolean
}

function judgeJump(judging: Judging, comparison: Comparison, { slot, x, isRunning }: Value): void {
  const { plan } = judging
  const { after } = comparison
  const at = (isRunning ? 2 : 0) * plan.slots + slot
  const count = cell(after, at + plan.slots) + 1
  if (count > JUMP_VALUES_AGAIN) return
  after[at] = cell(after, at) + (x - cell(after, at)) / count
  after[at + plan.slots] = count
  const usual = usualOf(plan, comparison, slot, isRunning)
  if (usual === undefined) {
    const seen = cell(after, plan.slots + slot) + cell(after, 3 * plan.slots + slot)
    if (seen >= PROBATION_VALUES) release(comparison, slot)
    return
  }
  if (count !== JUMP_VALUES && count !== JUMP_VALUES_AGAIN) return
  const mean = cell(after, at)
  const best = bestScale(plan, slot, usual, mean)
  if (best !== undefined) {
    const isFactor = plan.comparison[slot] === COMPARED_BY_FACTOR
    const shown = (value: number): number => (isFactor ? Math.exp(value) : value)
    const detail = {
      scale: best.scale.name,
      before: shown(usual.mean),
      after: shown(mean),
      log_ratio: best.logRatio,
      bound: LOG_RATIO_MIN,
      condition: isRunning ? 'running' : 'resting',
      firmware_before: comparison.from,
    }
    beginState(judging, 'unit_jump', slot, { beginMs: comparison.sinceMs, detail })
    // Counts values that fit the old scale again.
    after[4 * plan.slots + slot] = 0
  }
  release(comparison, slot)
}

function release(comparison: Comparison, slot: number): void {
  if (comparison.waits[slot] === 0) return
  comparison.waits[slot] = 0
  comparison.waiting--
}

function releaseAll(comparison: Comparison): void {
  comparison.waits.fill(0)
  comparison.waiting = 0
}

/** A value that fits the old scale, and the new one no better, counts towards the end. */
function judgeCorrection(judging: Judging, comparison: Comparison, { slot, x, isRunning }: Value): void {
  const { plan, memory } = judging
  const usual = usualOf(plan, comparison, slot, isRunning)
  if (usual === undefined) return
  const name = findOpen(memory, 'unit_jump', slot)?.record.detail.scale
  const scale = scalesOf(plan, slot).find((candidate) => candidate.name === name)
  const fitsOld = scale !== undefined && logLikelihood(usual, x) - logLikelihood(scaled(plan, slot, usual, scale), x) > 0
  const at = 4 * plan.slots + slot
  comparison.after[at] = fitsOld ? cell(comparison.after, at) + 1 : 0
  if (cell(comparison.after, at) >= CORRECTED_VALUES) endState(judging, 'unit_jump', slot)
}

interface Usual {
  readonly mean: number
  readonly deviation: number
}

function usualOf(plan: QualityPlan, { before }: Comparison, slot: number, isRunning: boolean): Usual | undefined {
  const at = (isRunning ? 3 : 0) * plan.slots + slot
  if (!(cell(before, at + 2 * plan.slots) >= USUAL_MIN)) return undefined
  const mean = cell(before, at)
  const floor = plan.comparison[slot] === COMPARED_AS_TEMPERATURE ? Math.max(0.5, plan.channels[slot]?.step ?? 0) : DEVIATION_MIN_FACTOR
  return { mean, deviation: Math.max(Math.sqrt(cell(before, at + plan.slots)), floor) }
}

const scalesOf = (plan: QualityPlan, slot: number): readonly Scale[] => (plan.comparison[slot] === COMPARED_BY_FACTOR ? byFactor : ofTemperature)

/** The distribution that a change of scale makes of the usual one; a factor is a shift of the logarithm. */
const scaled = (plan: QualityPlan, slot: number, usual: Usual, { factor, offset }: Scale): Usual =>
  plan.comparison[slot] === COMPARED_BY_FACTOR
    ? { mean: usual.mean + factor, deviation: usual.deviation }
    : { mean: usual.mean * factor + offset, deviation: usual.deviation * factor }

const logLikelihood = ({ mean, deviation }: Usual, x: number): number => -((x - mean) ** 2) / (2 * deviation ** 2) - Math.log(deviation)

/** The change of scale that explains the mean best, when it does by the margin and is itself near. */
function bestScale(plan: QualityPlan, slot: number, usual: Usual, mean: number): { readonly scale: Scale; readonly logRatio: number } | undefined {
  const same = logLikelihood(usual, mean)
  let best: { readonly scale: Scale; readonly logRatio: number } | undefined
  for (const scale of scalesOf(plan, slot)) {
    const other = scaled(plan, slot, usual, scale)
    const logRatio = logLikelihood(other, mean) - same
    const isNear = Math.abs(mean - other.mean) <= 3 * other.deviation
    if (isNear && logRatio >= LOG_RATIO_MIN && logRatio > (best?.logRatio ?? 0)) best = { scale, logRatio }
  }
  return best
}
