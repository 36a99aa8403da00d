/**
 * Care of an appliance by its use, as data of its type: what is to be done after so many hours, cycles, litres or days, or earlier when the
 * sensors ask for it, and tips that a habit calls for. Intervals are engineering judgement (EJ) unless a source stands beside them.
 */

/** A text in both languages; has the shape of `Text`, which this file cannot import without a circle. */
interface Text {
  readonly en: string
  readonly 'zh-CN': string
}

export const CARE_COUNTS = ['running_h', 'cycles', 'litres'] as const
export type CareCount = (typeof CARE_COUNTS)[number]

/** How the use within one closed window is counted: running hours of the window (or 1) times its features times a factor. */
export interface CareCounter {
  readonly isOverRunningHours: boolean
  /** Features of the recipe; a window in which one is not known counts nothing. */
  readonly features: readonly string[]
  readonly factor: number
}

/** What the last windows must show, on average. */
export interface CareSign {
  readonly feature: string
  /** `z_score`: distance from the unit's normal in spreads; `observed`: the feature itself, in its unit. */
  readonly as: 'z_score' | 'observed'
  readonly op: '>=' | '<='
  readonly value: number
  /** Windows that must speak. */
  readonly windows: number
}

export interface CareTask {
  /** E.g. `AC-C01`. */
  readonly id: string
  /** A tip has no interval: its sign alone calls for it, and it is never due. */
  readonly kind: 'maintenance' | 'tip'
  readonly who: 'household' | 'engineer'
  readonly name: Text
  /** What is to be done. */
  readonly text: Text
  readonly minutes: number
  /** Since it was done last; what is reached first makes it due. */
  readonly every?: Readonly<Partial<Record<CareCount | 'days', number>>>
  /** Makes it due before that; of a tip, what calls for it. */
  readonly sign?: CareSign
  /** Used up by an engineer's task, for its price. */
  readonly parts?: ReadonlyArray<{ readonly part: string; readonly quantity: number }>
  /** Faults whose repair includes the task; of a tip there are none. */
  readonly doneWith?: readonly string[]
  readonly source: string
}

export interface Care {
  readonly counts: Readonly<Partial<Record<CareCount, CareCounter>>>
  readonly tasks: readonly CareTask[]
}
