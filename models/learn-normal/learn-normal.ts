/**
 * The fold that gives every device a normal of its own. Readings of a type that nobody described are averaged over steps of ten minutes of device
 * time, a type with a recipe is judged by the features of its closed windows, so that a reading costs a few additions. What lasts
 * beyond the alert budget raises an alarm of the lowest class (described types have rules, or a model, for that and get none).
 * Deterministic: the same readings in order give the same rows and alarms, wherever the run is split.
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import type { Anomaly } from '#kernel/anomaly.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { unitOfName } from '#kernel/units.ts'
import type { ClosedWindow } from '../windows.ts'
import { alarmOf, type Standing } from './alarm-of-normal.ts'
import { OwnNormal, type OwnNormalSettings, type OwnNormalState, ROWS_KEPT_MAX, type RowScore, SIGNALS_MAX } from './own-normal.ts'
import { CLEARS } from './usual-level.ts'

export type FoundAnomaly = Omit<Anomaly, 'device'>

export interface LearnedNormalOutput {
  readonly rows: readonly FoundAnomaly[]
  readonly alarms: ReadonlyArray<Extract<HubEvent, { kind: 'alarm_raised' | 'alarm_cleared' }>>
}

export interface LearnedNormal {
  /** @param windows those that the reading closed */
  observe(reading: Reading, windows: readonly ClosedWindow[]): LearnedNormalOutput
  /** Bytes that rows to learn from may take, and devices that are not learned since there was no room. */
  statistics(): { readonly bytes: number; readonly refusedDevices: number }
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  snapshot(): unknown
  restore(state: unknown): void
}

type NormalLimits = Pick<
  Limits,
  'normalStepMs' | 'normalSteps' | 'normalWindows' | 'normalAlertsPer1000UnitWeeks' | 'normalChannels_MAX' | 'normalBytes_MAX'
>

const NOTHING: LearnedNormalOutput = { rows: [], alarms: [] }
/** Of this many steps that are not flagged one row is kept, the highest. */
const QUIET_STEPS = 6
/** Channels that a row names. */
const NAMED_MAX = 5

/** How a type is judged; undefined when it is not. */
interface Plan {
  readonly type: string
  /** Columns of readings, or positions of features, with their names. */
  readonly columns: readonly number[]
  readonly names: readonly string[]
  readonly settings: OwnNormalSettings
  /** Rows are the windows of its recipe, not steps of readings. */
  readonly isWindowed: boolean
  /** It has faults of its own, which rules or a model find. */
  readonly isDescribed: boolean
  readonly stepMs: number
}

interface DeviceState {
  readonly bytes: number
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly names: string
  stepMs: number
  readings: number
  readonly sums: Float64Array
  readonly counts: Uint32Array
  readonly normal: OwnNormal
  /** Highest of the quiet steps since the last row, and how many they were. */
  worst: FoundAnomaly | null
  quiet: number
  flagged: number
  firstFlaggedMs: number
  calm: number
  standing: Standing | null
}

export function createLearnedNormal(parts: {
  readonly types: (type: string) => ApplianceType | undefined
  readonly limits: NormalLimits
}): LearnedNormal {
  const { types, limits } = parts
  /** By the type's description, since a user's own type grows. */
  const plans = new WeakMap<ApplianceType, { readonly plan: Plan | undefined }>()
  const planOf = (id: string): Plan | undefined => {
    const type = types(id)
    if (type === undefined) return undefined
    let known = plans.get(type)
    if (known === undefined) {
      known = { plan: planFor(type, limits) }
      plans.set(type, known)
    }
    return known.plan
  }
  const states = new DeviceMap<DeviceState>()
  let usedBytes = 0
  const refused = new Set<string>()
  const forget = (tenant: string, device: string): void => {
    const state = states.get(tenant, device)
    if (state === undefined) return
    usedBytes -= state.bytes
    states.delete(tenant, device)
  }
  const put = (state: DeviceState): DeviceState => {
    forget(state.tenant, state.device)
    states.set(state.tenant, state.device, state)
    usedBytes += state.bytes
    return state
  }
  /** Room for a device that is not known yet; those that are learned stay. */
  const hasRoom = ({ tenant, device }: Reading, plan: Plan): boolean => {
    const before = states.get(tenant, device)?.bytes ?? 0
    const fits = usedBytes - before + bytesOf(plan) <= limits.normalBytes_MAX
    if (fits) refused.delete(`${tenant}/${device}`)
    else if (refused.size < REFUSED_MAX) refused.add(`${tenant}/${device}`)
    return fits
  }
  const load = (plain: PlainState): void => {
    const plan = planOf(plain.type)
    // A type that was described anew since is learned anew.
    if (plan !== undefined && plan.names.join() === plain.names) put(fromPlain(plain, plan))
  }

  return {
    observe(reading, windows) {
      const plan = planOf(reading.type)
      if (plan === undefined || (plan.isWindowed && windows.length === 0)) return NOTHING
      const found = states.get(reading.tenant, reading.device)
      const isKnown = found !== undefined && found.type === reading.type && found.sums.length === plan.names.length
      if (!isKnown && !hasRoom(reading, plan)) return NOTHING
      const state = isKnown ? found : put(newState(reading, plan))
      return plan.isWindowed ? takeWindows(plan, state, windows) : takeReading(plan, state, reading)
    },
    saveDevice(tenant, device) {
      const state = states.get(tenant, device)
      return state === undefined ? undefined : toPlain(state)
    },
    loadDevice(tenant, device, state) {
      forget(tenant, device)
      if (state !== undefined) load(state as PlainState)
    },
    statistics: () => ({ bytes: usedBytes, refusedDevices: refused.size }),
    snapshot: () => states.values().map(toPlain),
    restore(state) {
      states.clear()
      refused.clear()
      usedBytes = 0
      // Absent in what an earlier version saved.
      for (const plain of (state ?? []) as readonly PlainState[]) load(plain)
    },
  }
}

function planFor(type: ApplianceType, limits: NormalLimits): Plan | undefined {
  const per1000UnitWeeks = limits.normalAlertsPer1000UnitWeeks
  if (type.recipe !== undefined) {
    const names = type.recipe.features.map(({ name }) => name)
    const settings = { learnRows: limits.normalWindows, per1000UnitWeeks }
    const columns = names.map((_, index) => index)
    return limits.normalWindows === 0
      ? undefined
      : { type: type.id, columns, names, settings, isWindowed: true, isDescribed: true, stepMs: type.recipe.windowMs }
  }
  const { isEnabled = true, learnReadings, stepMs = limits.normalStepMs, alertsPer1000UnitWeeks = per1000UnitWeeks } = type.learnNormal ?? {}
  if (!isEnabled || limits.normalSteps === 0) return undefined
  const names: string[] = []
  const columns: number[] = []
  const { indexOf } = readingLayout(type)
  for (const { name, kind } of type.channels) {
    if (kind === 'text') continue
    names.push(name)
    columns.push(indexOf.get(name) ?? -1)
  }
  if (names.length === 0 || names.length > limits.normalChannels_MAX) return undefined
  const settings = {
    learnRows: limits.normalSteps,
    quantities: names.map((name) => (unitOfName(name) === 'none' ? name : unitOfName(name))),
    per1000UnitWeeks: alertsPer1000UnitWeeks,
    ...(learnReadings === undefined ? {} : { learnReadings }),
  }
  return { type: type.id, columns, names, settings, isWindowed: false, isDescribed: type.faults.length > 0, stepMs }
}

const BYTES_A_VALUE = 8
const SIGNAL_BYTES = 46_080
/** Devices that are named as not learned, at most. */
const REFUSED_MAX = 100_000

/** What a device comes to while it is learned, and one that is judged channel by channel after it as well. */
function bytesOf({ names, settings }: Plan): number {
  if (names.length <= SIGNALS_MAX) return names.length * SIGNAL_BYTES
  const rows = settings.learnReadings === undefined ? Math.min(settings.learnRows, ROWS_KEPT_MAX) : ROWS_KEPT_MAX
  return names.length * rows * BYTES_A_VALUE
}

const newState = ({ tenant, device, type }: Pick<Reading, 'tenant' | 'device' | 'type'>, plan: Plan): DeviceState => ({
  bytes: bytesOf(plan),
  tenant,
  device,
  type,
  names: plan.names.join(),
  stepMs: -1,
  readings: 0,
  sums: new Float64Array(plan.names.length),
  counts: new Uint32Array(plan.names.length),
  normal: new OwnNormal(plan.settings, plan.names.length),
  worst: null,
  quiet: 0,
  flagged: 0,
  firstFlaggedMs: 0,
  calm: 0,
  standing: null,
})

/** Adds the reading to its step; the one that begins the next step closes the one before. */
function takeReading(plan: Plan, state: DeviceState, reading: Reading): LearnedNormalOutput {
  const step = reading.observed_at_ms - (reading.observed_at_ms % plan.stepMs)
  const output = step > state.stepMs && state.readings > 0 ? closeStep(plan, state, reading) : NOTHING
  if (step > state.stepMs) state.stepMs = step
  state.readings++
  const { columns } = plan
  for (let index = 0; index < columns.length; index++) {
    const value = reading.numbers[columns[index] ?? 0] ?? Number.NaN
    if (Number.isNaN(value)) continue
    state.sums[index] = (state.sums[index] ?? 0) + value
    state.counts[index] = (state.counts[index] ?? 0) + 1
  }
  return output
}

function closeStep(plan: Plan, state: DeviceState, reading: Reading): LearnedNormalOutput {
  const values = state.sums.map((sum, index) => ((state.counts[index] ?? 0) > 0 ? sum / (state.counts[index] ?? 1) : Number.NaN))
  const score = state.normal.take({ atMs: state.stepMs, values }, state.readings)
  state.sums.fill(0)
  state.counts.fill(0)
  state.readings = 0
  if (score === undefined) return NOTHING
  const found = toAnomaly(plan, score, { t: state.stepMs, to_ms: state.stepMs + plan.stepMs })
  return {
    rows: keepRow(state, found),
    alarms: plan.isDescribed ? endOf(state, reading) : judge(state, found, { reading, isAlarming: score.isAlarming }),
  }
}

function takeWindows(plan: Plan, state: DeviceState, windows: readonly ClosedWindow[]): LearnedNormalOutput {
  const rows: FoundAnomaly[] = []
  for (const { features, from_ms, to_ms, readings, isDiagnosable } of windows) {
    if (!isDiagnosable) continue
    const score = state.normal.take({ atMs: from_ms, values: features.slice() }, readings)
    if (score !== undefined) rows.push(toAnomaly(plan, score, { t: from_ms, to_ms }))
  }
  return rows.length === 0 ? NOTHING : { rows, alarms: [] }
}

function toAnomaly(
  { names }: Plan,
  { score, shares }: { readonly score: number; readonly shares: Float64Array },
  at: { t: number; to_ms: number },
): FoundAnomaly {
  const contributions = names
    .map((channel, index) => ({ channel, share: rounded(shares[index] ?? 0) }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, NAMED_MAX)
  return { ...at, score: rounded(score), flagged: score >= 1, contributions }
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000

/** Every flagged step is a row; of the quiet ones the highest of each few. */
function keepRow(state: DeviceState, found: FoundAnomaly): readonly FoundAnomaly[] {
  if (found.flagged) return [found]
  if (state.worst === null || found.score > state.worst.score) state.worst = found
  state.quiet++
  if (state.quiet < QUIET_STEPS) return []
  const { worst } = state
  state.worst = null
  state.quiet = 0
  return [worst]
}

function judge(
  state: DeviceState,
  found: FoundAnomaly,
  { reading, isAlarming }: { readonly reading: Reading } & Pick<RowScore, 'isAlarming'>,
): LearnedNormalOutput['alarms'] {
  if (!found.flagged) {
    state.flagged = 0
    state.calm++
    return state.calm < CLEARS ? NOTHING.alarms : endOf(state, reading)
  }
  state.calm = 0
  if (state.flagged === 0) state.firstFlaggedMs = found.t
  state.flagged++
  if (state.standing !== null || !isAlarming) return NOTHING.alarms
  state.standing = alarmOf(state, found.contributions, reading)
  return [{ kind: 'alarm_raised', key: `alarm_raised:${state.standing.alarm_id}`, alarm: state.standing }]
}

/** The end of the alarm that stands, nothing for none. */
function endOf(state: DeviceState, reading: Reading): LearnedNormalOutput['alarms'] {
  if (state.standing === null) return NOTHING.alarms
  const alarm = { ...state.standing, cleared_at_ms: reading.observed_at_ms, received_at_ms: reading.received_at_ms }
  state.standing = null
  return [{ kind: 'alarm_cleared', key: `alarm_cleared:${alarm.alarm_id}`, alarm }]
}

type PlainState = Omit<DeviceState, 'normal'> & { readonly normal: OwnNormalState }

const toPlain = (state: DeviceState): PlainState => ({
  ...state,
  sums: state.sums.slice(),
  counts: state.counts.slice(),
  normal: state.normal.state(),
})

const fromPlain = (plain: PlainState, plan: Plan): DeviceState => ({
  ...plain,
  bytes: bytesOf(plan),
  sums: plain.sums.slice(),
  counts: plain.counts.slice(),
  normal: OwnNormal.of(plan.settings, plan.names.length, plain.normal),
})
