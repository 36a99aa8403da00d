/**
 * The contract of an appliance type: everything that Mendline knows of it, as data. One folder a type; `registry.ts` lists them.
 * Stages read these records; none of them reaches the simulators' physics. Texts are given in en and zh-CN.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { ChannelStateKind } from '#kernel/channel-state.ts'
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
  /** How the quality of its values is judged; without it defaults that need no knowledge of the sensor (docs/quality.md). */
  readonly quality?: ChannelQuality
}

/** Parameters of the states of a channel; what is absent is not judged, except as `docs/quality.md` says of defaults. */
export interface ChannelQuality {
  /** Stuck: within `tolerance` of one value for `afterMs` of the device's active time although each driver moved so far meanwhile. */
  readonly stuck?: {
    readonly afterMs: number
    /** In the channel's unit; the sensor's step when absent. */
    readonly tolerance?: number
    readonly drivers: ReadonlyArray<{ readonly channel: string; readonly moves: number }>
    /** Staying at this value is rest and no fault, e.g. 0 of a fan that stands. */
    readonly restValue?: number
  }
  /** Implausible: a change faster than this, in the channel's unit a minute. */
  readonly ratePerMin_MAX?: number
  /** Implausible: a change between two readings larger than this, however long the time between them (15 minutes at most). */
  readonly change_MAX?: number
  /** Implausible: a value that departs from the ones before and after it by more than this to the same side, three times in six hours. */
  readonly spike_MAX?: number
  /** Comes with events, not at a period of its own, and so is never missing. */
  readonly isOnEvent?: boolean
  /** Class of the alarm that a state of this channel raises when a safety rule needs the channel; E2 when absent. */
  readonly alarmClass?: 'E1' | 'E2'
  /** False for commands and settings, whose distribution a firmware may change with good reason. */
  readonly isComparedAfterUpdate?: boolean
}

/** A relation that physics demands of several channels; a sensor that departs from it drifts. */
export interface PhysicalIdentity {
  readonly id: string
  readonly description: Text
  readonly relation:
    | {
        /** All are equal; the one that departs from the median of the others' company by more than its tolerance drifts. */
        readonly equal: ReadonlyArray<{ readonly channel: string; readonly tolerance: number }>
      }
    | {
        /** result / (product of factors) lies within centre +- tolerance; the suspects are those who may be wrong. */
        readonly result: string
        readonly factors: readonly string[]
        readonly centre: number
        readonly tolerance: number
        readonly suspects: readonly string[]
      }
  /** Values count while the channel is so, and has been for `settleMs`. */
  readonly when: { readonly channel: string; readonly op: '<=' | '>'; readonly value: number; readonly settleMs: number }
  /** Fault that a departure shows; its alarm opens a work order. */
  readonly fault?: string
  /** Standard deviation of the mean residual of half an hour, of a sound unit around its own offset. */
  readonly spread: number
  readonly source: string
}

/** Something of the appliance that can be set from afar. */
export type Setting = {
  /** snake_case with the unit last, as on the wire. */
  readonly name: string
  readonly unit: Unit
  readonly description: Text
} & (
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
)

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
  /** The part holds, and has held for this long in device time; a gap of the rule breaks it. */
  | { readonly held: Condition; readonly forMs: number }
  | {
      readonly channel: string
      /** Compared is channel - minus. */
      readonly minus?: string
      /** Compared is the rate of change over this span of device time. */
      readonly rateOverMs?: number
      /** Compared is the mean over this span of device time, weighted by time; nothing is known before a whole span was seen. */
      readonly meanOverMs?: number
      /** Compared is the exposure within this span: value times minutes (`ppm_min` of a `ppm` channel). What was not seen counts as nothing. */
      readonly exposureOverMs?: number
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
  /** Judges a sensor, and so goes on while the channel is in a bad state; other ordinary rules then know nothing of the channel. */
  readonly judgesSensor?: boolean
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
  /** Driving features on which each unit's own normal is learned besides its constant: those along which units differ most. At most 4. */
  readonly unitDrivers?: readonly string[]
}

export interface ApplianceType {
  /** snake_case; the name of the type on every door. */
  readonly id: string
  /** Version of this catalogue entry; stands on every diagnosis. */
  readonly version: string
  readonly name: Text
  readonly channels: readonly Channel[]
  /** What may be set from afar; without a list, desired settings of such devices are not checked. */
  readonly settings?: readonly Setting[]
  readonly faults: readonly Fault[]
  readonly parts: readonly Part[]
  readonly steps: readonly RepairStep[]
  readonly rules: readonly Rule[]
  /** Absent for a type nobody described. */
  readonly recipe: Recipe | undefined
  readonly identities?: readonly PhysicalIdentity[]
  /** Fault that a state of any channel shows; its alarm opens a work order. */
  readonly sensorFaults?: Readonly<Partial<Record<ChannelStateKind, string>>>
}

/** Columns of a type's number and boolean channels, in the order of the channels. */
export function readingLayout(type: Pick<ApplianceType, 'id' | 'channels'>): ReadingLayout {
  const columns = type.channels.flatMap((channel) => {
    if (channel.kind === 'text') return []
    return channel.isAggregated ? [channel.name, `${channel.name}_min`, `${channel.name}_max`] : [channel.name]
  })
  return { type: type.id, columns, indexOf: new Map(columns.map((column, index) => [column, index])) }
}

/** Channels (or their columns) that a feature is made of. */
export function derivationChannels(derive: Derivation): readonly string[] {
  if ('mean' in derive) return [derive.mean]
  if ('difference' in derive) return derive.difference
  if ('ratio' in derive) return derive.ratio
  if ('standardDeviation' in derive) return [derive.standardDeviation]
  if ('maximum' in derive) return [derive.maximum]
  if ('shareAbove' in derive) return [derive.shareAbove[0]]
  return derive.idleDifference
}
