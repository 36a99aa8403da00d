/**
 * Tumbling windows of event time per device: each reading is added to the sums of its window, and a window closes when the device's
 * own time passes its end by the allowed lateness. Windows are aligned to UTC. Readings for a window that is closed are counted and
 * not used. The same readings in the same order give the same windows wherever the run is split by a snapshot.
 */
import { type ApplianceType, derivationChannels } from '#catalogue/appliance-type.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import { accumulate, compileFeatures, deriveFeatures, type FeaturePlan, hasRecords, IDLE_VALID_MS, isSteady, type OpenGates } from './features.ts'

/** What a window of one device came to. */
export interface ClosedWindow {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly firmware: string | undefined
  readonly recipe_version: number
  readonly from_ms: number
  readonly to_ms: number
  /** Time of receipt of the reading that closed the window. */
  readonly received_at_ms: number
  /** Readings in the window. */
  readonly readings: number
  /** Readings while running, transients included. */
  readonly running: number
  /** Readings that the running features rest on. */
  readonly settled: number
  /** Enough settled readings, in a steady state: the window can be diagnosed. */
  readonly isDiagnosable: boolean
  /** In the order of the recipe, NaN = not known. */
  readonly features: Float64Array
  /** Channels that were in a bad state at some time of the window; features made of them are not known. Absent when there were none. */
  readonly distrusted?: readonly string[]
}

export interface WindowsStatistics {
  readonly readings: number
  readonly closed: number
  readonly diagnosable: number
  /** Readings whose window was closed before they came. */
  readonly tooLate: number
}

export interface Windows {
  /**
   * Adds the reading; returns the windows of its device that it closes, oldest first.
   * @param changes states of channels that begin or end with the reading; they spoil the windows that they touch
   */
  observe(reading: Reading, changes?: readonly ChannelState[]): readonly ClosedWindow[]
  /** Closes every open window, as at the end of a recording. */
  closeAll(): readonly ClosedWindow[]
  statistics(): WindowsStatistics
  /** State of one device as plain data, undefined when it has none; after `loadDevice` of it the device goes on exactly there. */
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  /** Plain JSON data; state of a type whose recipe changed is forgotten on `restore`. */
  snapshot(): unknown
  restore(snapshot: unknown): void
}

interface OpenWindow {
  readonly fromMs: number
  readings: number
  running: number
  settled: number
  readonly cells: Float64Array
  /** Channels that were in a bad state. */
  distrusted: string[]
}

interface DeviceState {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly recipeVersion: number
  firmware: string | undefined
  /** Largest device time so far (the watermark), and the time of receipt of its reading. */
  lastMs: number
  receivedMs: number
  /** Windows that end here or before are closed. */
  closedMs: number
  /** Since when the unit runs or stands still without a gap, and the last reading that said so. */
  isRunning: boolean
  sinceMs: number
  saidMs: number
  readonly open: OpenWindow[]
  /** Last results of the idle features: [value, end of window] by position among them; null while there is none. */
  readonly idle: Array<readonly [value: number, atMs: number] | null>
  /** States that stand, `channel/state`. */
  standing: string[]
}

/** Without news for longer than this nobody knows whether the unit went on as it was (or the settle time, if longer). */
const GAP_MS = 15 * 60_000

const NOTHING: readonly ClosedWindow[] = []

/** Creates the windows; recipes are compiled when the first reading of a type comes, types without one have no windows. */
export function createWindows({ types }: { readonly types: (type: string) => ApplianceType | undefined }): Windows {
  const plans = new Map<string, FeaturePlan | undefined>()
  const planOf = (type: string): FeaturePlan | undefined => {
    if (!plans.has(type)) {
      const found = types(type)
      plans.set(type, found === undefined ? undefined : compileFeatures(found))
    }
    return plans.get(type)
  }
  const states = new DeviceMap<DeviceState>()
  const counts = { readings: 0, closed: 0, diagnosable: 0, tooLate: 0 }

  const put = (state: DeviceState): DeviceState => {
    states.set(state.tenant, state.device, state)
    return state
  }
  const stateOf = (reading: Reading, plan: FeaturePlan): DeviceState => {
    const found = states.get(reading.tenant, reading.device)
    return found !== undefined && found.type === reading.type ? found : put(newState(reading, plan))
  }
  const close = (plan: FeaturePlan, state: DeviceState, untilMs: number): readonly ClosedWindow[] => {
    const due = state.open.filter(({ fromMs }) => fromMs + plan.recipe.windowMs <= untilMs).sort((a, b) => a.fromMs - b.fromMs)
    for (const window of due) state.open.splice(state.open.indexOf(window), 1)
    const closed = due.map((window) => closeWindow(plan, state, window))
    counts.closed += closed.length
    counts.diagnosable += closed.filter(({ isDiagnosable }) => isDiagnosable).length
    return closed
  }

  return {
    observe(reading, changes = []) {
      const plan = planOf(reading.type)
      if (plan === undefined) return NOTHING
      counts.readings++
      const state = stateOf(reading, plan)
      for (const change of changes) noteState(plan, state, change)
      const { windowMs, allowedLatenessMs } = plan.recipe
      const atMs = reading.observed_at_ms
      const fromMs = Math.floor(atMs / windowMs) * windowMs
      if (fromMs + windowMs <= state.closedMs) {
        counts.tooLate++
        return NOTHING
      }
      // The running state moves on before the windows close, so that nothing depends on where they end.
      const gates = observeRunning(plan, state, reading)
      addReading(plan, openWindow(plan, state, fromMs), reading, gates)
      if (atMs < state.lastMs) return NOTHING
      state.lastMs = atMs
      state.receivedMs = reading.received_at_ms
      if (reading.fw !== undefined) state.firmware = reading.fw
      const untilMs = Math.floor((atMs - allowedLatenessMs) / windowMs) * windowMs
      if (untilMs <= state.closedMs) return NOTHING
      state.closedMs = untilMs
      return close(plan, state, untilMs)
    },
    closeAll: () =>
      states.values().flatMap((state) => {
        const plan = planOf(state.type)
        if (plan === undefined) return []
        state.closedMs = Math.max(state.closedMs, ...state.open.map(({ fromMs }) => fromMs + plan.recipe.windowMs))
        return close(plan, state, Number.POSITIVE_INFINITY)
      }),
    statistics: () => ({ ...counts }),
    saveDevice(tenant, device) {
      const state = states.get(tenant, device)
      return state === undefined ? undefined : toPlain(state)
    },
    loadDevice(tenant, device, state) {
      states.delete(tenant, device)
      if (state === undefined) return
      const plain = state as PlainState
      if (planOf(plain.type)?.recipe.version === plain.recipeVersion) put(fromPlain(plain))
    },
    snapshot: () => ({ version: 1, devices: states.values().map(toPlain) }),
    restore(snapshot) {
      assert(isSnapshot(snapshot), 'a snapshot of the windows was made by them')
      states.clear()
      for (const plain of snapshot.devices) {
        if (planOf(plain.type)?.recipe.version === plain.recipeVersion) put(fromPlain(plain))
      }
    },
  }
}

const newState = ({ tenant, device, type, fw }: Reading, plan: FeaturePlan): DeviceState => ({
  tenant,
  device,
  type,
  recipeVersion: plan.recipe.version,
  firmware: fw,
  lastMs: 0,
  receivedMs: 0,
  closedMs: 0,
  isRunning: false,
  sinceMs: 0,
  saidMs: 0,
  open: [],
  idle: plan.idleFeatures.map(() => null),
  standing: [],
})

/** A state spoils its channel in the open windows from its begin on, in those to come while it stands, and in kept idle features. */
function noteState(plan: FeaturePlan, state: DeviceState, { channel, state: kind, begin_ms, end_ms }: ChannelState): void {
  const key = `${channel}/${kind}`
  state.standing = state.standing.filter((standing) => standing !== key)
  if (end_ms !== null) return
  state.standing.push(key)
  for (const window of state.open) {
    if (window.fromMs + plan.recipe.windowMs > begin_ms && !window.distrusted.includes(channel)) window.distrusted.push(channel)
  }
  plan.idleFeatures.forEach((position, index) => {
    const feature = plan.definitions[position]
    if (feature !== undefined && derivationChannels(feature.derive).includes(channel)) state.idle[index] = null
  })
}

/** Takes the running state from the reading and says which gates it opens; a late reading counts only within the present run. */
function observeRunning(plan: FeaturePlan, state: DeviceState, reading: Reading): OpenGates & { readonly isRunning: boolean } {
  const { running, settleMs, idleSettleMs } = plan.recipe
  const value = reading.numbers[plan.runningColumn] ?? Number.NaN
  const isRunning = value > running.above
  if (Number.isNaN(value)) return { running: false, idle: false, isRunning: false }
  const atMs = reading.observed_at_ms
  if (atMs >= state.saidMs) {
    const isBroken = isRunning !== state.isRunning || atMs - state.saidMs > Math.max(GAP_MS, settleMs)
    if (isBroken) state.sinceMs = atMs
    state.isRunning = isRunning
    state.saidMs = atMs
  }
  const inMs = isRunning === state.isRunning ? atMs - state.sinceMs : -1
  return { running: isRunning && inMs >= settleMs, idle: !isRunning && inMs >= idleSettleMs, isRunning }
}

function openWindow(plan: FeaturePlan, state: DeviceState, fromMs: number): OpenWindow {
  const found = state.open.find((window) => window.fromMs === fromMs)
  if (found !== undefined) return found
  const window = { fromMs, readings: 0, running: 0, settled: 0, cells: new Float64Array(plan.size), distrusted: distrustedNow(state) }
  state.open.push(window)
  return window
}

const distrustedNow = ({ standing }: DeviceState): string[] => [...new Set(standing.map((key) => key.slice(0, key.indexOf('/'))))]

function addReading(plan: FeaturePlan, window: OpenWindow, reading: Reading, gates: OpenGates & { readonly isRunning: boolean }): void {
  window.readings++
  if (gates.isRunning) window.running++
  if (gates.running) window.settled++
  accumulate(plan, window.cells, reading, gates)
}

function closeWindow(plan: FeaturePlan, state: DeviceState, window: OpenWindow): ClosedWindow {
  const features = deriveFeatures(plan, window.cells)
  if (window.distrusted.length > 0) forgetDistrusted(plan, features, window.distrusted)
  const toMs = window.fromMs + plan.recipe.windowMs
  plan.idleFeatures.forEach((position, index) => {
    const value = features[position] ?? Number.NaN
    if (!Number.isNaN(value)) state.idle[index] = [value, toMs]
    const kept = state.idle[index]
    if (kept !== null && kept !== undefined && toMs - kept[1] <= IDLE_VALID_MS) features[position] = kept[0]
  })
  return {
    tenant: state.tenant,
    device: state.device,
    type: state.type,
    firmware: state.firmware,
    recipe_version: plan.recipe.version,
    from_ms: window.fromMs,
    to_ms: toMs,
    received_at_ms: state.receivedMs,
    readings: window.readings,
    running: window.running,
    settled: window.settled,
    isDiagnosable: window.settled >= plan.recipe.runningReadings_MIN && hasRecords(plan, window.cells) && isSteady(plan, window.cells),
    features,
    ...(window.distrusted.length === 0 ? {} : { distrusted: window.distrusted.toSorted() }),
  }
}

function forgetDistrusted(plan: FeaturePlan, features: Float64Array, distrusted: readonly string[]): void {
  plan.definitions.forEach(({ derive }, index) => {
    if (derivationChannels(derive).some((channel) => distrusted.includes(channel))) features[index] = Number.NaN
  })
}

type PlainState = Omit<DeviceState, 'open'> & { readonly open: ReadonlyArray<Omit<OpenWindow, 'cells'> & { readonly cells: readonly number[] }> }

const toPlain = (state: DeviceState): PlainState => ({
  ...state,
  idle: [...state.idle],
  standing: [...state.standing],
  open: state.open.map((window) => ({ ...window, cells: [...window.cells], distrusted: [...window.distrusted] })),
})

const fromPlain = (plain: PlainState): DeviceState => ({
  ...plain,
  firmware: plain.firmware,
  idle: [...plain.idle],
  standing: [...(plain.standing ?? [])],
  open: plain.open.map((window) => ({ ...window, cells: Float64Array.from(window.cells), distrusted: [...(window.distrusted ?? [])] })),
})

const isSnapshot = (value: unknown): value is { readonly devices: readonly PlainState[] } =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'devices' in value && Array.isArray(value.devices)
