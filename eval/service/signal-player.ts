/** Tells a service what the platform finds while a city lives, unit by unit; what was ahead is told anew when a fault of the unit ends. */
import type { HubEvent } from '#kernel/hub-event.ts'
import { SEEN_MS, SEEN_WINDOWS_MAX } from '../../hubs/verify/before-repair.ts'
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import type { CityUnit } from '../../simulators/city/city-units.ts'
import type { CityPorts } from '../../simulators/city/service-city.ts'
import { renamed, type Signals, type Told } from './signals.ts'

export interface PlayOptions {
  readonly signals: Signals
  /** Tells each unit's findings of another unit of its type (ablation). */
  readonly isShuffled?: boolean
  /** Nobody listens to diagnoses, so none is made anew behind a repair. */
  readonly isAlarmsOnly?: boolean
  readonly tell: (event: HubEvent) => Promise<void> | void
}

export interface SignalPlayer {
  /** A repair of the unit is watched from now on: what is measured of each window is told, too. */
  readonly watch: (device: string) => Promise<void>
}

/** Days for which windows behind a repair are told. */
const WATCHED_DAYS = 35

/** Plays the signals of all units on the city's clock. */
export async function playSignals(
  { clock, truth }: CityPorts,
  { signals, isShuffled = false, isAlarmsOnly = false, tell }: PlayOptions,
): Promise<SignalPlayer> {
  const units = [...truth.units.values()]
  const others = isShuffled ? shuffledUnits(units) : undefined
  const generations = new Map<string, number>()
  const schedule = (unit: CityUnit, told: readonly Told[]): void => {
    const { device } = unit.facts
    const generation = (generations.get(device) ?? 0) + 1
    generations.set(device, generation)
    const other = others?.get(device)
    for (const one of told) {
      if (one.atMs < clock.now()) continue
      const { event } = other === undefined ? one : renamed(one, other)
      clock.at(one.atMs, () => (generations.get(device) === generation ? tell(event) : undefined))
    }
  }
  const watchedUntil = new Map<string, number>()
  const scheduleMeasured = async (unit: CityUnit, untilMs: number, isNew: boolean): Promise<void> => {
    const { device } = unit.facts
    const generation = generations.get(device)
    const ended = truth.of(device).filter(({ endedMs }) => endedMs !== undefined)
    const measured = await signals.measured(unit, ended)
    const before = measured.filter(({ atMs }) => atMs <= clock.now() && atMs > clock.now() - SEEN_MS)
    // What a unit showed before the visit is asked for once, as the windows behind it are.
    if (isNew) for (const { event } of before.slice(-SEEN_WINDOWS_MAX)) await tell(event)
    for (const { atMs, event } of measured) {
      if (atMs > clock.now() && atMs <= untilMs) clock.at(atMs, () => (generations.get(device) === generation ? tell(event) : undefined))
    }
  }
  for (const unit of units) schedule(unit, await signals.untouched(unit, isAlarmsOnly))
  truth.onEnd((fault, atMs) => {
    const unit = truth.units.get(fault.device)
    if (unit === undefined) return
    // The diagnosis is made anew before time goes on.
    clock.at(atMs, async () => {
      const ended = truth.of(fault.device).filter(({ endedMs }) => endedMs !== undefined)
      schedule(unit, isAlarmsOnly ? signals.alarmsAfter(unit, ended) : await signals.after(unit, ended))
      const watchedMs = watchedUntil.get(fault.device)
      if (watchedMs !== undefined && watchedMs > clock.now()) await scheduleMeasured(unit, watchedMs, false)
    })
  })
  return {
    async watch(device) {
      const unit = truth.units.get(device)
      if (unit === undefined) return
      const untilMs = clock.now() + WATCHED_DAYS * DAY_MS
      watchedUntil.set(device, untilMs)
      await scheduleMeasured(unit, untilMs, true)
    },
  }
}

/** Each unit beside another one of its type. */
function shuffledUnits(units: readonly CityUnit[]): Map<string, CityUnit> {
  const pairs = [...Map.groupBy(units, ({ type }) => type.id).values()].flatMap((own) =>
    own.map((unit, index) => [unit.facts.device, own[(index + Math.ceil(own.length / 2) + 1) % own.length] ?? unit] as const),
  )
  return new Map(pairs)
}
