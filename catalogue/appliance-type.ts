/**
 * The contract of an appliance type: everything that Mendline knows of it, as data. One folder a type; `registry.ts` lists them.
 * Stages read these records; none of them reaches the simulators' physics. Texts are given in en and zh-CN.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { ChannelStateKind } from '#kernel/channel-state.ts'
import { numberColumns, type ReadingLayout } from '#kernel/reading.ts'
import type { Unit } from '#kernel/units.ts'
import type { Care } from './care.ts'
import type { ChannelQuality } from './channel-quality.ts'
import type { Intake } from './intake.ts'
import type { LearnNormal } from './learn-normal.ts'
import type { LifeModel } from './life.ts'
import type { SafeState } from './safe-state.ts'

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

export type Part = { readonly part: string; readonly name: Text }

export type Skill = 'REF' | 'ELE' | 'GAS' | 'HYD' | 'LAU' | 'BAS' | 'REM'

export interface RepairStep {
  readonly id: string
  readonly text: Text
  readonly tools: readonly string[]
  readonly minutes: number
  /** What shows that the step was done. */
  readonly proof: Text
}

/** A guided action of the household whose success is measured, not believed. */
export interface RemoteStep {
  readonly id: string
  readonly action: Text
  /** Minutes that the household needs. */
  readonly minutes: number
  readonly wantsPhoto: boolean
  /** What is measured again: the residual of the feature moves to `recovers` (1 up, -1 down) when the action helped, the unit is heard again, or the household says so. */
  readonly remeasure: ({ readonly feature: string; readonly recovers: 1 | -1 } | { readonly isHeardAgain: true } | { readonly isSaid: true }) & {
    readonly afterMinutes: number
  }
  /** What follows when it did not. */
  readonly otherwise: Text
}

/** What the reading of an active test says. The first answer whose comparison holds is the answer. */
export interface TestAnswer {
  readonly op: '>' | '>=' | '<' | '<='
  readonly value: number
  readonly text: Text
  readonly speaksFor: readonly string[]
  readonly speaksAgainst: readonly string[]
}

/** A safe test that the appliance runs on command. */
export interface ActiveTest {
  readonly id: string
  readonly name: Text
  readonly command: { readonly name: string; readonly arguments: Readonly<Record<string, number | string | boolean>> }
  /** All must hold on the last readings before the command is sent, and while the test runs; else it is not run, or ended. */
  readonly guards: readonly Condition[]
  /** `household`: somebody there must say yes within the last hour; `none`: nobody notices the test. */
  readonly consent: 'none' | 'household'
  readonly minutes: number
  /** State in which the appliance is left, also when the test breaks off. */
  readonly safeState: Text
  /** `change` compares the last with the first value, `spread` the largest with the least, `last` and `mean` are those of the test. */
  readonly reads: { readonly channel: string; readonly as: 'change' | 'spread' | 'last' | 'mean'; readonly unit: Unit }
  readonly answers: readonly TestAnswer[]
}

/** A higher (or, by a fact, lower) safety class of a fault under a circumstance. */
export interface Escalation {
  readonly to: SafetyClass
  readonly when: Text
  /** Told by a fact of the unit (registration, model), by a rule of the type, or by people only. */
  readonly by: { readonly fact: string; readonly value: string | boolean } | { readonly rule: string } | 'people'
}

/** One sign of a fault on a feature of the recipe: the direction of the residual against the no-fault reference. */
export interface FaultSign {
  readonly feature: string
  /** Up, down, unmoved, or moved to either side (a drift, a thing stuck open or closed). */
  readonly direction: 1 | -1 | 0 | 'either'
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
  /** Life of what fails, or undefined where the fault is an event. */
  readonly life: LifeModel | undefined
  /** Safety class under circumstances. */
  readonly escalations?: readonly Escalation[]
  /** Ids of the type's `remoteSteps`, in the order in which they are offered; a fault that begins with `REM` has some. */
  readonly remoteSteps?: readonly string[]
  /** Ids of the type's `activeTests`, most telling first; a fault of class E0 has none. */
  readonly activeTests?: readonly string[]
  /** Found by the classifier, by a rule, or not by telemetry at all. */
  readonly foundBy: ReadonlyArray<'model' | 'rule'>
  /** It is a fault of a sensor and not of the machine that the sensor watches. */
  readonly isOfSensor?: boolean
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
  /** Graver classes that the alarm takes on, mildest first; it steps down again when what raised it has ceased. */
  readonly levels?: readonly RuleLevel[]
  /** Judges a sensor, and so goes on while the channel is in a bad state; other ordinary rules then know nothing of the channel. */
  readonly judgesSensor?: boolean
  readonly source: string
}

/** A graver class of a rule's alarm: reached when the alarm has stood for a time, when a worse bound is passed, or both. */
export interface RuleLevel {
  readonly safetyClass: SafetyClass
  /** Device time for which the alarm has stood while its condition held. */
  readonly afterMs?: number
  /** The worse bound. */
  readonly when?: Condition
  /** What raises the level must hold for this long, and must have ceased for so long before it is left. */
  readonly holdMs: number
  readonly clearHoldMs: number
  /** At this level the alarm opens a work order, even where the rule does not. */
  readonly opensWorkOrder: boolean
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
  | { readonly idleMean: string }
  /** Over all readings of the window, running or not. */
  | { readonly overallMean: string }
  | { readonly overallDifference: readonly [a: string, b: string] }
  /** Over the readings that carry the channel, running or not: for what a device tells at the end of a phase; last by device time. */
  | { readonly recordMean: string }
  | { readonly recordMaximum: string }
  | { readonly recordLast: string }
  /** Total and number of the records; 0 when there is none. */
  | { readonly recordSum: string }
  | { readonly recordCount: string }
  /** Share of the records above the value. */
  | { readonly recordShareAbove: readonly [channel: string, value: number] }
  /** mean(a) - mean(b) over the readings that carry both. */
  | { readonly recordDifference: readonly [a: string, b: string] }
  /** Mean heat into water in W (flow in lpm x rise, record by record); total of a over total of b, over the readings that carry both. */
  | { readonly recordHeat: readonly [flow: string, hot: string, cold: string] }
  | { readonly recordRatio: readonly [a: string, b: string] }

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
  /** Fewest records of a channel that a window must have to be diagnosed: what runs in cycles needs one that ended. */
  readonly records_MIN?: { readonly channel: string; readonly count: number }
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
  /** Words of tools that `catalogue/tools.ts` does not have, by the name in the steps. */
  readonly tools?: Readonly<Record<string, Text>>
  readonly remoteSteps?: readonly RemoteStep[]
  readonly activeTests?: readonly ActiveTest[]
  /** Codes, symptoms and questions by which a person tells what is wrong. */
  readonly intake?: Intake
  readonly care?: Care
  /** By danger; a danger that none names is met by `STOP`. */
  readonly safeStates?: readonly SafeState[]
  readonly rules: readonly Rule[]
  /** Absent for a type nobody described. */
  readonly recipe: Recipe | undefined
  readonly identities?: readonly PhysicalIdentity[]
  /** How the own normal of units of a type without a recipe is learned; absent: by the limits `normal...`. */
  readonly learnNormal?: LearnNormal
  /** Fault that a state of any channel shows; its alarm opens a work order. */
  readonly sensorFaults?: Readonly<Partial<Record<ChannelStateKind, string>>>
}

/** Columns of a type's number and boolean channels. */
export function readingLayout(type: Pick<ApplianceType, 'id' | 'channels'>): ReadingLayout {
  const { columns, baseWidth } = numberColumns(type.channels)
  return { type: type.id, columns, baseWidth, indexOf: new Map(columns.map((column, index) => [column, index])) }
}

/** Channels (or their columns) that a feature is made of. */
export function derivationChannels(derive: Derivation): readonly string[] {
  if ('shareAbove' in derive) return [derive.shareAbove[0]]
  if ('recordShareAbove' in derive) return [derive.recordShareAbove[0]]
  const of: unknown = Object.values(derive)[0]
  return Array.isArray(of) ? of.map(String) : [String(of)]
}
