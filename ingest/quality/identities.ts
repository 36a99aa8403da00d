/**
 * Drift against physical identities. While an identity's condition holds, each tick gives a residual of each channel; the mean of a block
 * of ticks goes into a two-sided CUSUM (Page 1954) with the tolerance as allowance, so that a constant offset within it never counts. The
 * begin of the state is where the sum left zero. A channel that stays within its tolerance for some blocks is sound again.
 */
import { cell, type DeviceMemory, LAST_ACTIVE, LAST_VALUE } from './device-memory.ts'
import { IDENTITY_CELLS, type IdentityPlan, MEMBER_CELLS, type QualityPlan } from './quality-plan.ts'
import { beginState, endState, type Judging } from './state-changes.ts'
import { isTrusted, TICK_MS } from './tick.ts'

/** Ticks of a block: half an hour of a device that reports at least each five minutes. */
const BLOCK_TICKS = 6
/** Decision interval of the CUSUM, in spreads beyond the tolerance. */
export const DECISION_SPREADS = 8
/** One block adds at most this, so that no single block decides. */
const BLOCK_SPREADS_MAX = 5
/** Blocks within the tolerance after which a channel is sound. */
const SOUND_BLOCKS = 4

/** Cells of a member: sum and count of the block, CUSUM up and down with the device time each left zero, sound blocks. */
const SUM = 0
const COUNT = 1
const UP = 2
const UP_MS = 3
const DOWN = 4
const DOWN_MS = 5
const SOUND = 6

/** Follows the conditions; called with every reading, since a short break between two ticks counts. */
export function noteConditions(plan: QualityPlan, memory: DeviceMemory, numbers: Float64Array): void {
  for (const { identity, column, at } of plan.identities) {
    const value = cell(numbers, column)
    if (Number.isNaN(value)) continue
    const { op, value: bound } = identity.when
    const holds = op === '>' ? value > bound : value <= bound
    // 0 = does not hold; active times are kept one higher.
    if (!holds) memory.identities[at] = 0
    else if (memory.identities[at] === 0) memory.identities[at] = memory.activeMs + 1
  }
}

/** Takes the residuals of this tick; closes the block when it is full. */
export function judgeIdentities(judging: Judging): void {
  const { plan, memory } = judging
  for (const own of plan.identities) {
    const cells = memory.identities
    const since = cell(cells, own.at)
    if (since === 0 || memory.activeMs + 1 - since < own.identity.when.settleMs) {
      if (cell(cells, own.at + 1) > 0) forgetBlock(own, cells)
      continue
    }
    const hasResiduals = own.product.length > 0 ? addRatio(plan, memory, own) : addDepartures(plan, memory, own)
    if (!hasResiduals) continue
    cells[own.at + 1] = cell(cells, own.at + 1) + 1
    if (cell(cells, own.at + 1) < BLOCK_TICKS) continue
    for (const [index, member] of own.members.entries()) closeBlock(judging, own, member, memberAt(own, index))
    forgetBlock(own, cells)
  }
}

const memberAt = ({ at }: IdentityPlan, index: number): number => at + IDENTITY_CELLS + index * MEMBER_CELLS

function forgetBlock(own: IdentityPlan, cells: Float64Array): void {
  cells[own.at + 1] = 0
  own.members.forEach((_, index) => {
    cells[memberAt(own, index) + SUM] = 0
    cells[memberAt(own, index) + COUNT] = 0
  })
}

/** Last value of a slot that is fresh and not known to be wrong for another reason; NaN otherwise. */
function freshValue(plan: QualityPlan, memory: DeviceMemory, slot: number): number {
  const ageMs = memory.activeMs - cell(memory.cells, LAST_ACTIVE * plan.slots + slot)
  return ageMs <= Math.max(TICK_MS, memory.periodMs) && isTrusted(memory, slot) ? cell(memory.cells, LAST_VALUE * plan.slots + slot) : Number.NaN
}

function addResidual(cells: Float64Array, at: number, residual: number): void {
  cells[at + SUM] = cell(cells, at + SUM) + residual
  cells[at + COUNT] = cell(cells, at + COUNT) + 1
}

/** Equality: the departure of each from the median, which one wrong sensor does not move. Fewer than three tell nothing. */
function addDepartures(plan: QualityPlan, memory: DeviceMemory, own: IdentityPlan): boolean {
  const values = own.members.map(({ slot }) => freshValue(plan, memory, slot))
  const known = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  if (known.length < 3) return false
  const median = (cellOf(known, (known.length - 1) >> 1) + cellOf(known, known.length >> 1)) / 2
  values.forEach((value, index) => {
    if (!Number.isNaN(value)) addResidual(memory.identities, memberAt(own, index), value - median)
  })
  return true
}

const cellOf = (values: readonly number[], index: number): number => values[index] ?? Number.NaN

function addRatio(plan: QualityPlan, memory: DeviceMemory, own: IdentityPlan): boolean {
  const [result = Number.NaN, ...factors] = own.product.map((slot) => freshValue(plan, memory, slot))
  const ratio = factors.reduce((left, factor) => left / factor, result)
  if (!Number.isFinite(ratio)) return false
  for (const index of own.members.keys()) addResidual(memory.identities, memberAt(own, index), ratio - own.centre)
  return true
}

function closeBlock(judging: Judging, own: IdentityPlan, member: IdentityPlan['members'][number], at: number): void {
  const { memory, source } = judging
  const cells = memory.identities
  const count = cell(cells, at + COUNT)
  if (count < BLOCK_TICKS / 2) return
  const { spread, id } = own.identity
  const residual = cell(cells, at + SUM) / count
  const step = (signed: number): number => Math.min(BLOCK_SPREADS_MAX, (signed - member.tolerance) / spread)
  const sums = [
    [UP, UP_MS, step(residual)],
    [DOWN, DOWN_MS, step(-residual)],
  ] as const
  for (const [sum, sinceMs, by] of sums) {
    const before = cell(cells, at + sum)
    const after = Math.min(DECISION_SPREADS + BLOCK_SPREADS_MAX, Math.max(0, before + by))
    if (before === 0 && after > 0) cells[at + sinceMs] = source.observed_at_ms
    cells[at + sum] = after
    if (after < DECISION_SPREADS) continue
    const detail = { identity: id, residual, tolerance: member.tolerance, cusum: after, bound: DECISION_SPREADS }
    beginState(judging, 'drift', member.slot, { beginMs: cell(cells, at + sinceMs), detail })
  }
  const isSound = Math.abs(residual) <= member.tolerance
  cells[at + SOUND] = isSound ? cell(cells, at + SOUND) + 1 : 0
  if (cell(cells, at + SOUND) < SOUND_BLOCKS) return
  cells[at + UP] = 0
  cells[at + DOWN] = 0
  const open = memory.open.find((state) => state.kind === 'drift' && state.slot === member.slot)
  if (open?.record.detail.identity === id) endState(judging, 'drift', member.slot)
}
