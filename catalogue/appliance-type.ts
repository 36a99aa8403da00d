/**
 * The contract of an appliance type: everything that Mendline knows of it, as data. One folder a type; `registry.ts` lists them.
 * Stages read these records; none of them reaches the simulators' physics. Texts are given in en and zh-CN.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { ReadingLayout } from '#kernel/reading.ts'
import type { Unit } from '#kernel/units.ts'

export interface Text {
  readonly en: string
  readonly 'zh-CN': string
}

export interface Channel {
  /** snake_case with the unit last; the name on the wire, in the column and on the panel. */
  readonly name: string
  readonly kind: 'number' | 'boolean' | 'text'
  readonly unit: Unit
  /** Physical range; a value outside is quarantined (on a safety channel it counts as the bound for the safety rules). */
  readonly min: number
  readonly max: number
  /** Smallest step of the sensor, for the simulator and for storage. */
  readonly step: number
  /** The device may send {min, mean, max} of its own sample period. */
  readonly isAggregated: boolean
  /** Sent at once on change and read by the safety rules before quarantine. */
  readonly isSafety: boolean
  readonly description: Text
}

export interface Part {
  readonly part: string
  readonly name: Text
}

export type Skill = 'REF' | 'ELE' | 'GAS' | 'HYD' | 'LAU' | 'BAS' | 'REM'

export interface RepairStep {
  readonly id: string
  readonly text: Text
  readonly tools: readonly string[]
  readonly minutes: number
  /** What shows that the step was done. */
  readonly proof: Text
}

/** One sign of a fault on a feature of the recipe: the direction of the residual against the no-fault reference. */
export interface FaultSign {
  readonly feature: string
  readonly direction: 1 | -1 | 0
  readonly text: Text
}

export interface Fault {
  /** Code of the catalogue, e.g. `AC-01`. */
  readonly code: string
  readonly name: Text
  readonly safetyClass: SafetyClass
  readonly customerSees: Text
  readonly signs: readonly FaultSign[]
  /** Sources of the signs (codes of docs/sources.md) or `EJ`, engineering judgement. */
  readonly sources: readonly string[]
  /** Parts that the repair may need, with the chance of each. */
  readonly parts: ReadonlyArray<{ readonly part: string; readonly quantity: number; readonly probability: number }>
  readonly skills: readonly Skill[]
  /** Questions and checks that tell this fault from its rivals, most telling first. */
  readonly questions: ReadonlyArray<{ readonly rivals: readonly string[]; readonly text: Text }>
  /** Steps of the repair, ids of the type's `steps`. */
  readonly steps: readonly string[]
  /** Weibull shape and scale in years, or undefined where the fault is an event. */
  readonly life: { readonly shape: number; readonly scaleYears: number } | undefined
  /** Found by the classifier, by a rule, or not by telemetry at all. */
  readonly foundBy: ReadonlyArray<'model' | 'rule'>
}

/**
 * Condition of a rule, as data. Units are checked against the channels when the rule is loaded: a difference of two `c` channels
 * is in `k`, a rate of a `c` channel in `k_per_min`. A condition on a channel that the reading lacks does not hold.
 */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | {
      readonly channel: string
      /** Compared is channel - minus. */
      readonly minus?: string
      /** Compared is the rate of change over this span of device time. */
      readonly rateOverMs?: number
      readonly op: '>' | '>=' | '<' | '<=' | '==' | '!='
      readonly value: number
      readonly unit: Unit
      /** Hysteresis: once held, the condition is left only when `op` fails against this value. */
      readonly clearValue?: number
    }

export interface Rule {
  readonly id: string
  readonly version: number
  readonly safetyClass: SafetyClass
  /** Fault that the rule points at, or null. */
  readonly fault: string | null
  readonly title: Text
  /** What the household is told at once (E0, E1). */
  readonly advice: Text
  readonly when: Condition
  /** The condition must hold for this long in device time. */
  readonly holdMs: number
  /** The condition must have ceased for this long in device time before the alarm is cleared. */
  readonly clearHoldMs: number
  /** A gap between two readings longer than this breaks a hold: nobody knows what was in between. */
  readonly gapMs_MAX: number
  /** Opens a work order by itself (safety, plain sensor and protection faults); others are evidence only. */
  readonly opensWorkOrder: boolean
  readonly source: string
}

/** How a feature is computed over the running readings of a window. */
export type Derivation =
  | { readonly mean: string }
  /** mean(a) - mean(b), over readings that have both. */
  | { readonly difference: readonly [a: string, b: string] }
  | { readonly ratio: readonly [a: string, b: string] }
  | { readonly standardDeviation: string }
  | { readonly maximum: string }
  /** Share of the window's readings in which the channel is above the value. */
  | { readonly shareAbove: readonly [channel: string, value: number] }
  /** Mean over the readings that are not running for at least `idleSettleMs` (off-cycle equality tests). */
  | { readonly idleDifference: readonly [a: string, b: string] }

export interface FeatureDefinition {
  /** snake_case with the unit last. */
  readonly name: string
  readonly unit: Unit
  readonly derive: Derivation
  /** `driving` features are inputs of the no-fault reference; `response` features have residuals; `raw` go in as they are. */
  readonly role: 'driving' | 'response' | 'raw'
  readonly description: Text
}

export interface Recipe {
  readonly version: number
  readonly windowMs: number
  /** A window is closed when device time passes its end by this much. */
  readonly allowedLatenessMs: number
  /** A reading is running when the channel is above the value. */
  readonly running: { readonly channel: string; readonly above: number }
  readonly idleSettleMs: number
  /** Fewest running readings of a window that can be diagnosed. */
  readonly runningReadings_MIN: number
  /** Readings dropped after each start of running, so that transients do not count. */
  readonly settleMs: number
  /** Steady-state gate: the window counts when the standard deviation of each channel stays below its bound (after NIST SP 1087). */
  readonly steady: ReadonlyArray<{ readonly channel: string; readonly standardDeviation_MAX: number }>
  readonly features: readonly FeatureDefinition[]
}

export interface ApplianceType {
  /** snake_case; the name of the type on every door. */
  readonly id: string
  /** Version of this catalogue entry; stands on every diagnosis. */
  readonly version: string
  readonly name: Text
  readonly channels: readonly Channel[]
  readonly faults: readonly Fault[]
  readonly parts: readonly Part[]
  readonly steps: readonly RepairStep[]
  readonly rules: readonly Rule[]
  /** Absent for a type nobody described. */
  readonly recipe: Recipe | undefined
}

/** Columns of a type's number and boolean channels, in the order of the channels. */
export function readingLayout(type: Pick<ApplianceType, 'id' | 'channels'>): ReadingLayout {
  const columns = type.channels.flatMap((channel) => {
    if (channel.kind === 'text') return []
    return channel.isAggregated ? [channel.name, `${channel.name}_min`, `${channel.name}_max`] : [channel.name]
  })
  return { type: type.id, columns, indexOf: new Map(columns.map((column, index) => [column, index])) }
}
