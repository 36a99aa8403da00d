/**
 * What late data does to diagnoses: the windows that it made anew replace what was made of the device from there on. The device is folded
 * again from its stored windows, so what stands in the end depends on the readings and not on the order in which they came. Nobody is told
 * of what was amended but when something else stands in the end, or the same fault beyond a limit that somebody acts on.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { type Answer, passes } from './opinion.ts'
import type { UnitStates } from './unit-states.ts'
import type { ClosedWindow } from './windows.ts'

export interface WindowHistoryQuery extends Pick<ClosedWindow, 'tenant' | 'device' | 'type'> {
  /** Only windows that ended at or before it. */
  readonly until_ms: number
}

/** What folding some windows came to: the last record that would have been told, and the one that takes a fault back. */
interface Folded {
  readonly told?: Diagnosis | undefined
  readonly takeBack?: () => Diagnosis
}

interface AmenderParts {
  readonly states: UnitStates
  readonly history?: (query: WindowHistoryQuery) => AsyncIterable<ClosedWindow>
  /** Windows that are folded at once. */
  readonly batch: number
  /** Version of the model of a type; undefined when it has none. */
  readonly versionOf: (type: string) => string | undefined
  /** Limits of a fault of a type at which somebody acts on it. */
  readonly limitsOf: (answer: Answer, type: string) => readonly number[]
  /** Takes windows of a device into its state. */
  readonly fold: (windows: readonly ClosedWindow[]) => Promise<Folded>
}

/** Makes the function that takes amended windows, in order of time by device, and gives what is to be told. */
export function createAmender({
  states,
  history,
  batch,
  versionOf,
  limitsOf,
  fold,
}: AmenderParts): (windows: readonly ClosedWindow[]) => Promise<Diagnosis[]> {
  const foldAll = async (windows: AsyncIterable<ClosedWindow> | readonly ClosedWindow[], before: Folded): Promise<Folded> => {
    let found = before
    let waiting: ClosedWindow[] = []
    const flush = async (): Promise<void> => {
      if (waiting.length === 0) return
      const { told = found.told, takeBack = found.takeBack } = await fold(waiting)
      found = { told, ...(takeBack !== undefined && { takeBack }) }
      waiting = []
    }
    for await (const window of windows) {
      waiting.push(window)
      if (waiting.length >= batch) await flush()
    }
    await flush()
    return found
  }

  const amendDevice = async (windows: readonly ClosedWindow[], first: ClosedWindow, version: string): Promise<Diagnosis[]> => {
    const { opinion, lastMs } = states.of(first, version)
    const stood = opinion.told
    const isBehind = first.from_ms < lastMs
    if (isBehind) states.forget(first)
    const { tenant, device, type, from_ms: until_ms } = first
    const past = isBehind && history !== undefined ? await foldAll(history({ tenant, device, type, until_ms }), {}) : {}
    const { told, takeBack } = await foldAll(windows, past)
    const stands = states.of(first, version).opinion.told
    const isPassed = stood !== null && stands !== null && passes(stood, stands, limitsOf(stands, type))
    if (isSameAnswer(stood, stands) && !isPassed) return []
    const diagnosis = stands === null ? takeBack?.() : told
    return diagnosis === undefined ? [] : [diagnosis]
  }

  return async (windows) => {
    const diagnoses: Diagnosis[] = []
    for (const stretch of byDevice(windows)) {
      const [first] = stretch
      const version = first === undefined ? undefined : versionOf(first.type)
      if (first !== undefined && version !== undefined) diagnoses.push(...(await amendDevice(stretch, first, version)))
    }
    return diagnoses
  }
}

const NOTHING_TOLD = { answer: 'no_fault', fault: null } as const

/** A unit of which nothing was told counts as without fault. */
const isSameAnswer = (one: Answer | null, other: Answer | null): boolean => {
  const [a, b] = [one ?? NOTHING_TOLD, other ?? NOTHING_TOLD]
  return a.answer === b.answer && a.fault === b.fault
}

/**
 * Windows by device, devices in the order in which they come first. A device may have been worked out again twice meanwhile: what the later
 * time made anew takes the place of what the earlier one had made from there on.
 */
function byDevice(windows: readonly ClosedWindow[]): ClosedWindow[][] {
  const groups = new Map<string, ClosedWindow[]>()
  for (const window of windows) {
    const key = JSON.stringify([window.tenant, window.device, window.type])
    const group = groups.get(key) ?? []
    while ((group.at(-1)?.to_ms ?? 0) > window.from_ms) group.pop()
    group.push(window)
    groups.set(key, group)
  }
  return [...groups.values()]
}
