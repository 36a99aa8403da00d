/**
 * Diagnoses each window by the model that was in force for its tenant and type when it was closed, and lets shadows look on. What a device was
 * told goes along when its model changes, so that a new model tells what differs and nothing twice. The state of the model
 * before stays, so that going back is going on. Models of users are loaded when they are first needed; one that cannot be loaded costs its
 * own diagnoses only. Calls must not overlap, nor a snapshot fall into one.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Artefact } from '../artefact.ts'
import { createDiagnoser, type Diagnoser, type DiagnoserOptions } from '../diagnose.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import type { ClosedWindow } from '../windows.ts'
import { type DriftFinding, DriftMonitor } from './drift.ts'
import { type ModelSeats, versionAt } from './model-book.ts'
import { type LaneState, type Said, type SeenWindow, type ShadowComparison, ShadowLane } from './shadow-lane.ts'

export interface LoadedModel {
  readonly artefact: Artefact
  /** Not started. */
  readonly runtime: ModelRuntime
}

export interface BenchParts {
  readonly types: (type: string) => ApplianceType | undefined
  /** Models that come with the program, by type, with their runtimes started. */
  readonly builtIn: ReadonlyMap<string, Artefact>
  readonly runtime: (type: string) => ModelRuntime | undefined
  readonly history?: DiagnoserOptions['history']
  readonly decidedAt?: DiagnoserOptions['decidedAt']
  /** Reads and checks a model of a tenant. @throws MendlineError MDL_MODEL_INVALID */
  readonly load: (seat: { readonly tenant: string; readonly type: string; readonly version: string }) => Promise<LoadedModel>
  readonly keepShadow: (diagnoses: readonly Diagnosis[]) => Promise<void>
  readonly onDrift: (finding: DriftFinding) => void
  readonly log: Log
  readonly limits: Limits
}

/** A model at work. */
interface Seat {
  readonly diagnoser: Diagnoser
  readonly runtime: ModelRuntime | undefined
}

interface BenchState {
  readonly version: 2
  readonly builtIn: unknown
  readonly seats: ReadonlyArray<readonly [key: string, state: unknown]>
  readonly lanes: ReadonlyArray<readonly [key: string, state: LaneState]>
  readonly lastSeat: ReadonlyArray<readonly [device: string, key: string]>
  readonly drift: unknown
}

const BUILT_IN = ''

export class ModelBench {
  readonly #parts: BenchParts
  readonly #builtIn: Seat
  readonly #drift: DriftMonitor
  #book = new Map<string, ModelSeats>()
  readonly #seats = new Map<string, Promise<Seat | undefined>>()
  readonly #open = new Map<string, Seat>()
  /** State of seats that were not needed yet. */
  #saved = new Map<string, unknown>()
  readonly #lanes = new Map<string, ShadowLane>()
  /** Lanes of models that are no shadows any more, with what they still have to do. */
  readonly #ending = new Map<string, ShadowLane>()
  /** Seat that a device was diagnosed by last, where that is not the one of the program. */
  #lastSeat = new Map<string, string>()
  #missing = 0
  #setAside = 0
  /** Windows of the call in hand on which a model in force failed. */
  #failed = new Set<ClosedWindow>()

  constructor(parts: BenchParts) {
    this.#parts = parts
    this.#drift = new DriftMonitor(parts.onDrift)
    const { types, builtIn, runtime, history, decidedAt, log, limits } = parts
    const onJudged: Parameters<typeof createDiagnoser>[0]['onJudged'] = (judged) => this.#drift.observe(judged)
    this.#builtIn = {
      diagnoser: createDiagnoser({
        types,
        artefacts: builtIn,
        runtime,
        log,
        limits,
        onJudged,
        onSetAside: this.#noteFailed,
        ...(history !== undefined && { history }),
        ...(decidedAt !== undefined && { decidedAt }),
      }),
      runtime: undefined,
    }
  }

  readonly #noteFailed = (windows: readonly ClosedWindow[]): void => {
    this.#setAside += windows.length
    for (const window of windows) this.#failed.add(window)
  }

  /** Takes what the registry says; what is no longer needed is ended. */
  replace(seats: readonly ModelSeats[]): void {
    this.#book = new Map(seats.map((own) => [`${own.tenant}/${own.type}`, own]))
    const shadows = new Set(seats.flatMap((own) => own.shadows.map(({ version }) => keyOf(own, version))))
    for (const [key, lane] of this.#lanes) {
      if (shadows.has(key)) continue
      this.#lanes.delete(key)
      this.#ending.set(key, lane)
    }
    // The two newest reigns: the live model and the one to go back to.
    const needed = new Set([...shadows, ...seats.flatMap((own) => own.reigns.slice(-2).map(({ version }) => keyOf(own, version ?? '')))])
    for (const [key, seat] of this.#open) {
      if (needed.has(key)) continue
      this.#open.delete(key)
      this.#seats.delete(key)
      void seat.runtime?.stop()
    }
    for (const key of this.#saved.keys()) if (!needed.has(key)) this.#saved.delete(key)
  }

  async diagnose(windows: readonly ClosedWindow[]): Promise<Diagnosis[]> {
    if (this.#book.size === 0) return this.#builtIn.diagnoser.diagnose(windows)
    const before = this.#toldBefore(windows)
    this.#failed = new Set()
    const diagnoses: Diagnosis[] = []
    let groups = new Map<string, ClosedWindow[]>()
    const flush = async (): Promise<void> => {
      for (const [key, group] of groups) {
        const seat = await this.#seat(key)
        if (seat === undefined) {
          this.#missing += group.length
          for (const window of group) this.#failed.add(window)
        } else diagnoses.push(...(await seat.diagnoser.diagnose(group)))
      }
      groups = new Map()
    }
    for (const window of windows) {
      const key = this.#keyFor(window)
      const last = this.#lastSeat.get(deviceOf(window)) ?? BUILT_IN
      if (key !== last) {
        await flush()
        await this.#change(window, last, key)
      }
      groups.set(key, [...(groups.get(key) ?? []), window])
    }
    await flush()
    await this.#show(windows, diagnoses, before)
    return diagnoses
  }

  /** Takes windows that late data made anew; each device is amended by the model that diagnosed it last, and by the shadows beside that. */
  async amend(windows: readonly ClosedWindow[]): Promise<Diagnosis[]> {
    if (this.#book.size === 0) return this.#builtIn.diagnoser.amend(windows)
    const diagnoses: Diagnosis[] = []
    for (const [device, group] of groupBy(windows, deviceOf)) {
      const [first] = group
      const seat = await this.#seat(this.#lastSeat.get(device) ?? BUILT_IN)
      if (first === undefined || seat === undefined) continue
      const live = await seat.diagnoser.amend(group)
      diagnoses.push(...live)
      const own = this.#book.get(`${first.tenant}/${first.type}`)
      for (const { version } of own?.shadows ?? []) {
        if (own !== undefined) this.#lane(keyOf(own, version)).add([{ amended: group, live: said(live.at(-1)) }])
      }
    }
    return diagnoses
  }

  /** Resolves when no shadow has anything to do; for tests and a stop. */
  async settled(): Promise<void> {
    for (const lane of this.#lanes.values()) await lane.settled()
  }

  comparison(tenant: string, type: string, version: string): ShadowComparison | undefined {
    return this.#lanes.get(keyOf({ tenant, type }, version))?.comparison()
  }

  drift(tenant?: string): DriftFinding[] {
    return this.#drift.findings(tenant)
  }

  /** Models of users at work, windows without a model, windows on which a model in force failed. */
  statistics(): Readonly<Record<string, number>> {
    return { running: this.#open.size, shadows: this.#lanes.size, windowsWithoutModel: this.#missing, windowsSetAside: this.#setAside }
  }

  async stop(): Promise<void> {
    for (const seat of this.#open.values()) await seat.runtime?.stop()
  }

  snapshot(): BenchState {
    const open = [...this.#open].map(([key, { diagnoser }]) => [key, diagnoser.snapshot()] as const)
    return {
      version: 2,
      builtIn: this.#builtIn.diagnoser.snapshot(),
      seats: [...this.#saved, ...open],
      lanes: [...this.#lanes].map(([key, lane]) => [key, lane.snapshot()] as const),
      lastSeat: [...this.#lastSeat],
      drift: this.#drift.snapshot(),
    }
  }

  restore(state: unknown): void {
    if (!isBenchState(state)) {
      this.#builtIn.diagnoser.restore(state)
      return
    }
    this.#builtIn.diagnoser.restore(state.builtIn)
    this.#saved = new Map(state.seats)
    this.#lastSeat = new Map(state.lastSeat)
    this.#drift.restore(state.drift)
    for (const [key, lane] of state.lanes) if (this.#isShadow(key)) this.#lane(key).restore(lane)
  }

  #keyFor(window: ClosedWindow): string {
    const own = this.#book.get(`${window.tenant}/${window.type}`)
    return own === undefined ? BUILT_IN : keyOf(own, versionAt(own, window.received_at_ms) ?? '')
  }

  async #change(window: ClosedWindow, from: string, to: string): Promise<void> {
    // What it saw as a shadow comes first, in its order.
    await this.#ending.get(to)?.settled()
    this.#ending.delete(to)
    const told = this.#openSeat(from)?.diagnoser.told(window)
    ;(await this.#seat(to))?.diagnoser.adopt(window, told)
    if (to === BUILT_IN) this.#lastSeat.delete(deviceOf(window))
    else this.#lastSeat.set(deviceOf(window), to)
  }

  #openSeat(key: string): Seat | undefined {
    return key === BUILT_IN ? this.#builtIn : this.#open.get(key)
  }

  #seat(key: string): Promise<Seat | undefined> {
    if (key === BUILT_IN) return Promise.resolve(this.#builtIn)
    const found = this.#seats.get(key)
    if (found !== undefined) return found
    const opening = this.#openModel(key).catch((error: unknown) => {
      this.#parts.log.error('a model of a tenant cannot be loaded, its windows have no diagnosis', { model: key, cause: String(error) })
      return undefined
    })
    this.#seats.set(key, opening)
    return opening
  }

  async #openModel(key: string): Promise<Seat> {
    const { types, load, history, decidedAt, log, limits } = this.#parts
    const [tenant = '', type = '', version = ''] = key.split('/')
    const { artefact, runtime } = await load({ tenant, type, version })
    const diagnoser = createDiagnoser({
      ...{ types, artefacts: new Map([[type, artefact]]), runtime: () => runtime, log, limits },
      ...(history !== undefined && { history }),
      ...(decidedAt !== undefined && { decidedAt }),
      onJudged: (judged) => {
        // Shadows are no population of their own.
        if (!this.#lanes.has(key) && !this.#ending.has(key)) this.#drift.observe(judged)
      },
      onSetAside: (windows) => {
        if (!this.#lanes.has(key) && !this.#ending.has(key)) this.#noteFailed(windows)
      },
    })
    await runtime.start().catch((error: unknown) => log.warn('a model of a tenant does not start yet', { model: key, cause: String(error) }))
    const saved = this.#saved.get(key)
    if (saved !== undefined) diagnoser.restore(saved)
    this.#saved.delete(key)
    const seat = { diagnoser, runtime }
    this.#open.set(key, seat)
    return seat
  }

  /** What was told of the devices that a shadow is about to see for the first time. */
  #toldBefore(windows: readonly ClosedWindow[]): Map<string, Said | undefined> {
    const told = new Map<string, Said | undefined>()
    for (const window of windows) {
      const own = this.#book.get(`${window.tenant}/${window.type}`)
      if (own === undefined || own.shadows.length === 0 || told.has(deviceOf(window))) continue
      told.set(deviceOf(window), this.#openSeat(this.#lastSeat.get(deviceOf(window)) ?? BUILT_IN)?.diagnoser.told(window))
    }
    return told
  }

  /** Hands the windows to the shadows of their tenant and type. */
  async #show(windows: readonly ClosedWindow[], diagnoses: readonly Diagnosis[], before: ReadonlyMap<string, Said | undefined>): Promise<void> {
    const seen = new Map<string, SeenWindow[]>()
    for (const window of windows) {
      const own = this.#book.get(`${window.tenant}/${window.type}`)
      for (const { version, from_ms } of own?.shadows ?? []) {
        if (own === undefined || window.received_at_ms < from_ms) continue
        const live = diagnoses.find(
          ({ device, tenant, made_at_ms }) => device === window.device && tenant === window.tenant && made_at_ms === window.to_ms,
        )
        const key = keyOf(own, version)
        const hasLiveFailed = this.#failed.has(window)
        seen.set(key, [...(seen.get(key) ?? []), { window, live, before: before.get(deviceOf(window)), ...(hasLiveFailed && { hasLiveFailed }) }])
      }
    }
    for (const [key, own] of seen)
      this.#lane(key).add(own.map(({ live, before: first, ...one }) => ({ ...one, live: said(live), before: said(first) })))
  }

  #isShadow(key: string): boolean {
    return [...this.#book.values()].some((own) => own.shadows.some(({ version }) => keyOf(own, version) === key))
  }

  #lane(key: string): ShadowLane {
    const found = this.#lanes.get(key)
    if (found !== undefined) return found
    const { keepShadow: keep, log, limits } = this.#parts
    const lane = new ShadowLane({
      version: key,
      async diagnose(windows) {
        const seat = await seatOf()
        if (seat === undefined) return { diagnoses: [], failed: windows.length }
        const before = seat.diagnoser.statistics().setAside
        const diagnoses = await seat.diagnoser.diagnose(windows)
        return { diagnoses, failed: seat.diagnoser.statistics().setAside - before }
      },
      amend: async (windows) => (await seatOf())?.diagnoser.amend(windows) ?? [],
      keep,
      log,
      limits,
    })
    const seatOf = (): Promise<Seat | undefined> => this.#seat(key)
    this.#lanes.set(key, lane)
    return lane
  }
}

const keyOf = ({ tenant, type }: { readonly tenant: string; readonly type: string }, version: string): string =>
  version === '' ? BUILT_IN : `${tenant}/${type}/${version}`

function groupBy<Item>(items: readonly Item[], keyFor: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) groups.set(keyFor(item), [...(groups.get(keyFor(item)) ?? []), item])
  return groups
}

const deviceOf = ({ tenant, device }: { readonly tenant: string; readonly device: string }): string => `${tenant}/${device}`

const said = (answer: Said | undefined): Said | undefined => (answer === undefined ? undefined : { answer: answer.answer, fault: answer.fault })

const isBenchState = (state: unknown): state is BenchState => typeof state === 'object' && state !== null && 'version' in state && state.version === 2
