/**
 * The lane of one shadow model: windows that the live model has judged wait here (bounded, the oldest are dropped and counted), are judged by the
 * shadow in its own time, and what the two say of a device after each window is compared. A hung shadow holds up its own lane only.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Log } from '#kernel/log.ts'
import type { Answer } from '../opinion.ts'
import type { ClosedWindow } from '../windows.ts'

/** A window with what the live model told with it, and had told before it. */
export interface SeenWindow {
  readonly window: ClosedWindow
  readonly live: Said | undefined
  readonly before: Said | undefined
  /** The live model failed on it, or could not be loaded, so it said nothing that could be compared. */
  readonly hasLiveFailed?: boolean
}

/** Windows of one device that late data made anew, with what the live model told by it. */
export interface SeenAmendment {
  readonly amended: readonly ClosedWindow[]
  readonly live: Said | undefined
}

/** An answer as the report counts it. */
export type Said = Pick<Answer, 'answer' | 'fault'>

interface Standing {
  live: Said
  shadow: Said
  readonly from_ms: number
  to_ms: number
}

export interface ShadowCounts {
  windows: number
  agreed: number
  dropped: number
  failed: number
  /** Windows that the live model failed on; absent in what versions before it saved. */
  live_failed?: number
  /** `live -> shadow`, windows in which they said so. */
  pairs: Record<string, number>
}

export interface ShadowComparison extends ShadowCounts {
  readonly pending: number
  readonly units: number
  readonly unit_weeks: number
}

export interface LaneState {
  readonly counts: ShadowCounts
  readonly standings: ReadonlyArray<readonly [device: string, standing: Standing]>
  readonly waiting: ReadonlyArray<SeenWindow | SeenAmendment>
}

interface LaneParts {
  readonly version: string
  /** Diagnoses of the shadow for these windows, and how many it failed on. */
  readonly diagnose: (windows: readonly ClosedWindow[]) => Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly failed: number }>
  readonly amend: (windows: readonly ClosedWindow[]) => Promise<readonly Diagnosis[]>
  /** Keeps what it would have told. */
  readonly keep: (diagnoses: readonly Diagnosis[]) => Promise<void>
  readonly log: Log
  readonly limits: { readonly shadowPending_MAX: number; readonly inferenceBatch_MAX: number }
}

const WEEK_MS = 7 * 86_400_000
const NO_FAULT: Said = { answer: 'no_fault', fault: null }
/** Pairs of answers that are told apart. */
const PAIRS_MAX = 200

export class ShadowLane {
  readonly #parts: LaneParts
  #counts: ShadowCounts = { windows: 0, agreed: 0, dropped: 0, failed: 0, pairs: {} }
  #standings = new Map<string, Standing>()
  #waiting: Array<SeenWindow | SeenAmendment> = []
  #running: Promise<void> | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  add(seen: ReadonlyArray<SeenWindow | SeenAmendment>): void {
    this.#waiting.push(...seen)
    const surplus = this.#waiting.length - this.#parts.limits.shadowPending_MAX
    if (surplus > 0) {
      this.#waiting.splice(0, surplus)
      this.#counts.dropped += surplus
      this.#parts.log.warn('windows of a shadow dropped, the model does not keep up', { version: this.#parts.version, count: surplus })
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  comparison(): ShadowComparison {
    const standings = [...this.#standings.values()]
    const unit_weeks = standings.reduce((sum, { from_ms, to_ms }) => sum + (to_ms - from_ms) / WEEK_MS, 0)
    return { ...this.#counts, pairs: { ...this.#counts.pairs }, pending: this.#waiting.length, units: standings.length, unit_weeks }
  }

  snapshot(): LaneState {
    return structuredClone({ counts: this.#counts, standings: [...this.#standings], waiting: this.#waiting })
  }

  restore({ counts, standings, waiting }: LaneState): void {
    this.#counts = structuredClone(counts)
    this.#standings = new Map(structuredClone(standings))
    this.#waiting = []
    if (waiting.length > 0) this.add(waiting)
  }

  async #run(): Promise<void> {
    const { log, limits, version } = this.#parts
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting
      const next = this.#waiting.findIndex((entry) => 'amended' in entry)
      const count = first !== undefined && 'amended' in first ? 1 : Math.min(next < 0 ? Number.POSITIVE_INFINITY : next, limits.inferenceBatch_MAX)
      const batch = this.#waiting.splice(0, count)
      try {
        await this.#take(batch)
      } catch (error) {
        this.#counts.failed += batch.length
        log.warn('a shadow failed on windows', { version, windows: batch.length, cause: String(error) })
      }
    }
  }

  /** One amendment, or windows of a batch. */
  async #take(batch: ReadonlyArray<SeenWindow | SeenAmendment>): Promise<void> {
    const { diagnose, amend, keep } = this.#parts
    const [first] = batch
    if (first !== undefined && 'amended' in first) {
      const told = await amend(first.amended)
      const standing = this.#standings.get(first.amended[0]?.device ?? '')
      if (standing !== undefined) {
        const last = told.at(-1)
        standing.live = first.live ?? standing.live
        if (last !== undefined) standing.shadow = { answer: last.answer, fault: last.fault }
      }
      if (told.length > 0) await keep(told)
      return
    }
    const seen = batch.filter((entry) => 'window' in entry)
    const { diagnoses, failed } = await diagnose(seen.map(({ window }) => window))
    this.#counts.failed += failed
    // A window without an answer says nothing of the model's answers.
    for (const one of seen) {
      if (one.hasLiveFailed === true) this.#counts.live_failed = (this.#counts.live_failed ?? 0) + 1
      else if (failed === 0) this.#compare(one, diagnoses)
    }
    if (diagnoses.length > 0) await keep(diagnoses)
  }

  #compare({ window, live, before }: SeenWindow, diagnoses: readonly Diagnosis[]): void {
    const { device, from_ms, to_ms } = window
    const standing = this.#standings.get(device) ?? { live: before ?? NO_FAULT, shadow: NO_FAULT, from_ms, to_ms }
    this.#standings.set(device, standing)
    const told = diagnoses.findLast((diagnosis) => diagnosis.device === device && diagnosis.made_at_ms === to_ms)
    if (live !== undefined) standing.live = live
    if (told !== undefined) standing.shadow = { answer: told.answer, fault: told.fault }
    standing.to_ms = Math.max(standing.to_ms, to_ms)
    this.#counts.windows++
    const [a, b] = [nameOf(standing.live), nameOf(standing.shadow)]
    if (a === b) this.#counts.agreed++
    const pair = `${a} -> ${b}`
    const isKnown = pair in this.#counts.pairs || Object.keys(this.#counts.pairs).length < PAIRS_MAX
    const key = isKnown ? pair : 'others'
    this.#counts.pairs[key] = (this.#counts.pairs[key] ?? 0) + 1
  }
}

const nameOf = ({ answer, fault }: Said): string => fault ?? answer
