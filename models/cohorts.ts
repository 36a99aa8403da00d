/**
 * Early warning of cohorts: whether the units of a batch or a firmware get a fault more often than their time in service explains. Each day
 * the expectation of a cohort comes from the ages of its units: the rate by the life model of the fault, scaled to what units of like age in
 * the rest of the fleet showed before that day. The evidence is a Shiryaev-Roberts e-detector over Poisson counts (mixture over rate ratios; Shin, Ramdas and Rinaldo,
 * "E-detectors", 2023). While a cohort is as the rest, the evidence less the days is a martingale, so the chance to reach the threshold c
 * within T days is at most T / c: with c = watched streams x days of a quarter / flags a quarter, false flags are bounded for all together.
 * A pure fold over units, first faults of units, and days.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { dailyRates } from './cohort-rates.ts'

/** A unit while it is watched, in device time. */
export interface CohortUnit {
  readonly device: string
  readonly type: string
  readonly batch: string | null
  /** Firmware with the time from which it ran, oldest first; empty = not known. */
  readonly firmware: ReadonlyArray<{ readonly from_ms: number; readonly version: string }>
  /** When it was installed; its age counts from here. */
  readonly born_ms: number
  /** Since when its faults would be seen. */
  readonly from_ms: number
  readonly to_ms: number | undefined
}

/** The first time a unit was said to have a fault. */
export interface FirstFault {
  readonly device: string
  readonly fault: string
  readonly at_ms: number
}

export const COHORT_SCOPES = ['batch', 'firmware'] as const

/** One cohort and fault, as the evidence stands. */
export interface CohortStanding {
  readonly type: string
  readonly scope: (typeof COHORT_SCOPES)[number]
  readonly cohort: string
  readonly fault: string
  readonly units: number
  readonly exposure_unit_days: number
  readonly events: number
  /** Units that would have got the fault at the rate of the rest of the fleet and their own ages. */
  readonly expected: number
  /** Evidence over threshold, by its greatest: 1 = flagged. */
  readonly evidence_ratio: number
  readonly first_event_ms: number | null
  /** End of the day on which the threshold was reached. */
  readonly flagged_at_ms: number | null
}

export interface CohortOptions {
  readonly types: (type: string) => Pick<ApplianceType, 'id' | 'faults'> | undefined
  readonly from_ms: number
  readonly to_ms: number
  /** False flags that all streams together may raise in a quarter. */
  readonly flagsPerQuarter: number
}

const DAY_MS = 86_400_000
const YEAR_DAYS = 365.25
const QUARTER_DAYS = YEAR_DAYS / 4
/** Rate ratios that the evidence is a mixture of, with equal weights (chosen: what a bad part or firmware does). */
const RATIOS = [1.5, 2, 3, 5, 8, 12]
/** A unit that was older than this when it was registered may bring a fault along; its first days are not counted. */
const BURN_IN_DAYS = 14
/** Smaller cohorts are not watched, and fewer units with the fault are no flag, whatever the evidence (chosen). */
const UNITS_MIN = 5
const EVENTS_MIN = 3
/** Weight of the life model against the rest of the fleet, in events. */
const LIFE_EVENTS = 2
/** A cohort is compared while the rest of the fleet has at least this share of its expectation. */
const REST_MIN = 0.5
/** Ages in years, the last for all above; how much a unit so many years older or younger says of another. */
const AGE_YEARS = 25
const LIKENESS = [1, 0.7, 0.3, 0.1]
const WEEKS = Math.ceil((AGE_YEARS * YEAR_DAYS) / 7)

/** Yields after each day, so that a caller can let others go first; its result is in the order of types, scopes, cohorts and faults. */
export function* foldCohorts(
  units: readonly CohortUnit[],
  faults: readonly FirstFault[],
  options: CohortOptions,
): Generator<undefined, readonly CohortStanding[]> {
  const startDay = Math.floor(options.from_ms / DAY_MS)
  const fleets = [...new Set(units.map(({ type }) => type))].sort().flatMap((id) => {
    const type = options.types(id)
    return type === undefined || type.faults.length === 0
      ? []
      : [new TypeFleet(type, { units: units.filter((unit) => unit.type === id), faults, startDay })]
  })
  const streams = fleets.reduce((sum, fleet) => sum + fleet.streams, 0)
  const threshold = Math.max(1, (streams * QUARTER_DAYS) / options.flagsPerQuarter)
  for (let day = startDay; (day + 1) * DAY_MS <= options.to_ms; day++) {
    for (const fleet of fleets) fleet.pass(day, threshold)
    yield
  }
  return fleets.flatMap((fleet) => fleet.standings())
}

/** Runs the fold to its end. */
export function cohortStandings(...given: Parameters<typeof foldCohorts>): readonly CohortStanding[] {
  const fold = foldCohorts(...given)
  for (;;) {
    const step = fold.next()
    if (step.done === true) return step.value
  }
}

interface Cohort {
  readonly scope: CohortStanding['scope']
  readonly name: string
  readonly units: Set<number>
  unitDays: number
}

/** Units of one type with all that is summed of them. */
class TypeFleet {
  readonly #type: string
  readonly #codes: readonly string[]
  /** Rate of a day by fault and age in weeks. */
  readonly #hazards: readonly Float64Array[]
  readonly #cohorts: readonly Cohort[]
  /** By unit: day of birth, first and last day watched, cohort of its batch and of its firmware now (-1 = none). */
  readonly #born: Int32Array
  readonly #from: Int32Array
  readonly #until: Int32Array
  readonly #batch: Int32Array
  readonly #firmware: Int32Array
  readonly #changes = new Map<number, Array<readonly [unit: number, cohort: number]>>()
  readonly #events = new Map<number, Array<readonly [unit: number, fault: number]>>()
  /** 1 = the unit had the fault. */
  readonly #had: Uint8Array
  /** By cohort, fault and year of age, the last row of all units: expectation by life alone and events, so far and today. */
  readonly #life: Float64Array
  readonly #lifeToday: Float64Array
  readonly #count: Float64Array
  readonly #countToday: Float64Array
  /** By cohort and fault: scaled expectation so far. */
  readonly #scaled: Float64Array
  /** By cohort, fault and ratio. */
  readonly #evidence: Float64Array
  readonly #peak: Float64Array
  /** Events so far. */
  readonly #seen: Int32Array
  readonly #firstDay: Int32Array
  readonly #flagDay: Int32Array

  constructor(
    type: Pick<ApplianceType, 'id' | 'faults'>,
    { units, faults, startDay }: { readonly units: readonly CohortUnit[]; readonly faults: readonly FirstFault[]; readonly startDay: number },
  ) {
    this.#type = type.id
    this.#codes = type.faults.map(({ code }) => code)
    this.#hazards = type.faults.map(({ life }) => dailyRates(life, WEEKS))
    const cohorts = new Map<string, Cohort & { readonly index: number }>()
    const cohortOf = (scope: Cohort['scope'], name: string | null | undefined, unit: number): number => {
      if (name === null || name === undefined) return -1
      const cohort = cohorts.get(`${scope}/${name}`) ?? { scope, name, units: new Set<number>(), unitDays: 0, index: cohorts.size }
      cohorts.set(`${scope}/${name}`, cohort)
      cohort.units.add(unit)
      return cohort.index
    }
    const dayOf = (ms: number): number => Math.floor(ms / DAY_MS)
    this.#born = Int32Array.from(units, ({ born_ms }) => dayOf(born_ms))
    this.#from = Int32Array.from(units, ({ from_ms, born_ms }) => dayOf(from_ms) + (from_ms - born_ms > BURN_IN_DAYS * DAY_MS ? BURN_IN_DAYS : 0))
    this.#until = Int32Array.from(units, ({ to_ms }) => (to_ms === undefined ? 2 ** 31 - 1 : dayOf(to_ms)))
    this.#batch = Int32Array.from(units, ({ batch }, unit) => cohortOf('batch', batch, unit))
    this.#firmware = new Int32Array(units.length).fill(-1)
    units.forEach(({ firmware }, unit) => {
      for (const { from_ms, version } of firmware) put(this.#changes, Math.max(startDay, dayOf(from_ms)), [unit, cohortOf('firmware', version, unit)])
    })
    this.#cohorts = [...cohorts.values()]
    const size = this.#cohorts.length * this.#codes.length
    this.#had = new Uint8Array(units.length * this.#codes.length)
    const indexOf = new Map(units.map(({ device }, unit) => [device, unit]))
    for (const { device, fault, at_ms } of faults) {
      const [unit, code] = [indexOf.get(device), this.#codes.indexOf(fault)]
      if (unit === undefined || code < 0) continue
      if (dayOf(at_ms) < startDay) this.#had[unit * this.#codes.length + code] = 1
      else put(this.#events, dayOf(at_ms), [unit, code])
    }
    const cells = (size + this.#codes.length) * AGE_YEARS
    this.#life = new Float64Array(cells)
    this.#lifeToday = new Float64Array(cells)
    this.#count = new Float64Array(cells)
    this.#countToday = new Float64Array(cells)
    this.#scaled = new Float64Array(size)
    this.#evidence = new Float64Array(size * RATIOS.length)
    this.#peak = new Float64Array(size)
    this.#seen = new Int32Array(size)
    this.#firstDay = new Int32Array(size).fill(-1)
    this.#flagDay = new Int32Array(size).fill(-1)
  }

  /** Cohorts that are large enough, times faults. */
  get streams(): number {
    return this.#cohorts.filter(({ units }) => units.size >= UNITS_MIN).length * this.#codes.length
  }

  pass(day: number, threshold: number): void {
    for (const [unit, cohort] of this.#changes.get(day) ?? []) this.#firmware[unit] = cohort
    this.#lifeToday.fill(0)
    this.#countToday.fill(0)
    this.#expose(day)
    this.#takeEvents(day)
    this.#cohorts.forEach(({ units }, cohort) => {
      if (units.size < UNITS_MIN) return
      for (let fault = 0; fault < this.#codes.length; fault++) this.#weigh(cohort * this.#codes.length + fault, { day, fault, threshold })
    })
    add(this.#life, this.#lifeToday)
    add(this.#count, this.#countToday)
  }

  /** Adds what the units may get today by life alone. */
  #expose(day: number): void {
    const codes = this.#codes.length
    const all = this.#cohorts.length
    const today = this.#lifeToday
    for (let unit = 0; unit < this.#born.length; unit++) {
      if (day < (this.#from[unit] ?? 0) || day >= (this.#until[unit] ?? 0)) continue
      const week = this.#weekOf(unit, day)
      const year = yearOf(week)
      const [batch, firmware] = [this.#batch[unit] ?? -1, this.#firmware[unit] ?? -1]
      const [ofBatch, ofFirmware] = [this.#cohorts[batch], this.#cohorts[firmware]]
      if (ofBatch !== undefined) ofBatch.unitDays++
      if (ofFirmware !== undefined) ofFirmware.unitDays++
      const at = codes * AGE_YEARS
      for (let fault = 0, cell = year; fault < codes; fault++, cell += AGE_YEARS) {
        if (this.#had[unit * codes + fault] === 1) continue
        const rate = this.#hazards[fault]?.[week] ?? 0
        today[all * at + cell] = (today[all * at + cell] ?? 0) + rate
        if (batch >= 0) today[batch * at + cell] = (today[batch * at + cell] ?? 0) + rate
        if (firmware >= 0) today[firmware * at + cell] = (today[firmware * at + cell] ?? 0) + rate
      }
    }
  }

  #takeEvents(day: number): void {
    const codes = this.#codes.length
    for (const [unit, fault] of this.#events.get(day) ?? []) {
      if (this.#had[unit * codes + fault] === 1) continue
      this.#had[unit * codes + fault] = 1
      if (day < (this.#from[unit] ?? 0) || day >= (this.#until[unit] ?? 0)) continue
      for (const cohort of [this.#batch[unit] ?? -1, this.#firmware[unit] ?? -1, this.#cohorts.length]) {
        if (cohort < 0) continue
        const cell = (cohort * codes + fault) * AGE_YEARS + yearOf(this.#weekOf(unit, day))
        this.#countToday[cell] = (this.#countToday[cell] ?? 0) + 1
      }
    }
  }

  #weigh(stream: number, { day, fault, threshold }: { readonly day: number; readonly fault: number; readonly threshold: number }): void {
    const place = stream * AGE_YEARS
    const rest = (this.#cohorts.length * this.#codes.length + fault) * AGE_YEARS
    let [scaled, count, life, restLife, restCount] = [0, 0, 0, 0, 0]
    for (let year = 0; year < AGE_YEARS; year++) {
      count += this.#countToday[place + year] ?? 0
      life += this.#life[place + year] ?? 0
      restLife += (this.#life[rest + year] ?? 0) - (this.#life[place + year] ?? 0)
      restCount += (this.#count[rest + year] ?? 0) - (this.#count[place + year] ?? 0)
    }
    // The field against the life model, from the rest of the fleet before today: first of all ages, then by how near they are.
    const field = (LIFE_EVENTS + restCount) / (LIFE_EVENTS + restLife)
    for (let year = 0; year < AGE_YEARS; year++) {
      const today = this.#lifeToday[place + year] ?? 0
      if (today === 0) continue
      const [likeLife, likeCount] = [this.#ofLikeAge(this.#life, { place, rest, year }), this.#ofLikeAge(this.#count, { place, rest, year })]
      scaled += (today * (LIFE_EVENTS * field + likeCount)) / (LIFE_EVENTS + likeLife)
    }
    // A rate that is not known well is no flag: two deviations of it are taken as normal.
    const expected = scaled * (1 + 2 / Math.sqrt(LIFE_EVENTS + restCount))
    this.#scaled[stream] = (this.#scaled[stream] ?? 0) + scaled
    this.#seen[stream] = (this.#seen[stream] ?? 0) + count
    if (count > 0 && (this.#firstDay[stream] ?? -1) < 0) this.#firstDay[stream] = day
    if (restLife < REST_MIN * life || (expected === 0 && count === 0)) return
    let sum = 0
    RATIOS.forEach((ratio, index) => {
      const at = stream * RATIOS.length + index
      this.#evidence[at] = (1 + (this.#evidence[at] ?? 0)) * ratio ** count * Math.exp(-(ratio - 1) * expected)
      sum += this.#evidence[at] ?? 0
    })
    const evidence = sum / RATIOS.length / threshold
    this.#peak[stream] = Math.max(this.#peak[stream] ?? 0, evidence)
    if (evidence >= 1 && (this.#seen[stream] ?? 0) >= EVENTS_MIN && (this.#flagDay[stream] ?? -1) < 0) this.#flagDay[stream] = day
  }

  /** Sum over the rest of the fleet, by how near its age is. */
  #ofLikeAge(cells: Float64Array, { place, rest, year }: { readonly place: number; readonly rest: number; readonly year: number }): number {
    let sum = 0
    for (let other = Math.max(0, year - LIKENESS.length + 1); other < Math.min(AGE_YEARS, year + LIKENESS.length); other++) {
      sum += (LIKENESS[Math.abs(other - year)] ?? 0) * ((cells[rest + other] ?? 0) - (cells[place + other] ?? 0))
    }
    return sum
  }

  #weekOf(unit: number, day: number): number {
    return Math.max(0, Math.min(WEEKS - 1, Math.floor((day - (this.#born[unit] ?? 0)) / 7)))
  }

  standings(): CohortStanding[] {
    const codes = this.#codes.length
    const rows = this.#cohorts.flatMap(({ scope, name, units, unitDays }, cohort) =>
      units.size < UNITS_MIN
        ? []
        : this.#codes.map((fault, index): CohortStanding => {
            const stream = cohort * codes + index
            const [firstDay, flagDay] = [this.#firstDay[stream] ?? -1, this.#flagDay[stream] ?? -1]
            return {
              type: this.#type,
              scope,
              cohort: name,
              fault,
              units: units.size,
              exposure_unit_days: unitDays,
              events: this.#seen[stream] ?? 0,
              expected: this.#scaled[stream] ?? 0,
              evidence_ratio: this.#peak[stream] ?? 0,
              first_event_ms: firstDay < 0 ? null : firstDay * DAY_MS,
              flagged_at_ms: flagDay < 0 ? null : (flagDay + 1) * DAY_MS,
            }
          }),
    )
    const key = (row: CohortStanding): string => `${row.scope}/${row.cohort}/${row.fault}`
    return rows.sort((a, b) => (key(a) < key(b) ? -1 : 1))
  }
}

const yearOf = (week: number): number => Math.min(AGE_YEARS - 1, Math.floor((week * 7) / YEAR_DAYS))

function add(sums: Float64Array, today: Float64Array): void {
  for (let cell = 0; cell < sums.length; cell++) sums[cell] = (sums[cell] ?? 0) + (today[cell] ?? 0)
}

function put<Item>(lists: Map<number, Item[]>, key: number, item: Item): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}
