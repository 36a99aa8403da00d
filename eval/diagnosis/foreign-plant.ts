/**
 * Machines of other makers, made of a plant that is there: sensors sit elsewhere and lag, scales and controls differ, weather and mains
 * reach the machine in ways that no sensor shows, and faults grow and show by other laws. All of it is drawn from the maker's name, so
 * that fleets of several makers can be trained on and of yet others be held out. None of it is taken from the second plants.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { Plant, PlantEvent, PlantModel, Severities, Surroundings } from '#catalogue/plant.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import type { City } from '../../simulators/weather.ts'

/** Places where a maker's machines stand: climates from cool to tropical, some of them in the other half of the year. */
export function foreignCities(maker: string): City[] {
  const random = createRandom(`climate/${maker}`)
  return Array.from({ length: 4 }, (_, index) => ({
    name: `${maker}-${index}`,
    meanC: random.between(12, 28),
    seasonC: random.between(3, 16),
    dayK: random.between(2.5, 8.5),
    humidity: random.between(0.55, 0.97),
    utcOffsetH: random.integer(0, 9),
    ...(random.chance(0.25) && { seasonShiftDays: 182 }),
  }))
}

/** The plants of `type` as `maker` builds them. */
export function foreignPlants(plants: ReadonlyMap<string, PlantModel>, type: ApplianceType, maker: string): ReadonlyMap<string, PlantModel> {
  const model = plants.get(type.id)
  if (model === undefined) return plants
  const make = drawMaker(createRandom(`maker/${maker}/${type.id}`), type, model)
  const create = (random: Random): Plant => new ForeignPlant(make, random, (leant) => model.create(leant))
  return new Map([...plants, [type.id, { ...model, noise: make.noise, create }]])
}

/**
 * The plants of `type`, each unit of a maker of its own, with physics of its own where the type's plant can be built as others would; noise
 * is that of `makers`. A few hundred units then stand for as many makers.
 */
export function mixedPlants(plants: ReadonlyMap<string, PlantModel>, type: ApplianceType, makers: string): ReadonlyMap<string, PlantModel> {
  const model = plants.get(type.id)
  if (model === undefined) return plants
  const { noise } = drawMaker(createRandom(`maker/${makers}/${type.id}`), type, model)
  const create = (random: Random): Plant => {
    const maker = random.fork('maker')
    const build = (leant: Random): Plant => model.createOfMaker?.(leant, maker.fork('physics')) ?? model.create(leant)
    return new ForeignPlant(drawMaker(maker, type, model), random, build)
  }
  return new Map([...plants, [type.id, { ...model, noise, create }]])
}

/** How one channel of a maker follows from the truth. */
interface Warp {
  readonly channel: Channel
  readonly scale: number
  readonly exponent: number
  /** Value at which the exponent changes nothing. */
  readonly pivot: number
  readonly offset: number
  /** Other temperatures that the sensor feels, by channel name with their share. */
  readonly feels: ReadonlyArray<readonly [name: string, share: number]>
  /** K or share of the value per unit of load and its square, of outdoor air over 20 °C in tens of K, of its moisture in 5 g/kg, and of mains over 230 V in shares. */
  readonly byLoad: number
  readonly byLoadSquare: number
  readonly byWeather: number
  readonly byMoisture: number
  readonly byMains: number
  readonly lagS: number
}

interface Maker {
  readonly noise: Readonly<Record<string, number>>
  readonly warps: ReadonlyMap<string, Warp>
  readonly order: readonly Channel[]
  /** Channel whose value says how hard the machine works, and its usual value. */
  readonly load: { readonly index: number; readonly usual: number }
  /** Parameters of the plant stand so many deviations from the usual, in the order in which they are drawn. */
  readonly lean: readonly number[]
  readonly around: { readonly sunK: number; readonly windK: number; readonly indoorK: number; readonly mains: number; readonly setPointK: number }
  readonly growth: ReadonlyMap<string, { readonly gain: number; readonly exponent: number }>
}

const USUAL_LOAD: Readonly<Record<string, number>> = { compressor_frequency_hz: 55 }
/** Units whose scale is the maker's. */
const SCALED: ReadonlySet<string> = new Set([
  'a',
  'ma',
  'w',
  'wh',
  'rpm',
  'ms',
  's',
  'steps',
  'pa',
  'ua',
  'ppm',
  'm_s2',
  'hz',
  'l',
  'lpm',
  'k_per_min',
  'kpa',
])
/** What is counted, chosen by people or supplied from outside has no maker. */
const OUTSIDE =
  /set_point|program|door|mains|humidity|attempts|water_pressure|gas_pressure|room_co|lel|load_kg|unbalance|lock|_count|level_drift|residual/

function drawMaker(random: Random, type: ApplianceType, model: PlantModel): Maker {
  const numbers = type.channels.filter(({ kind, name }) => kind === 'number' && !OUTSIDE.test(name))
  const warps = numbers.map((channel): [string, Warp] => [channel.name, drawWarp(random.fork(channel.name), channel, numbers)])
  const loadName = type.recipe?.running.channel ?? ''
  const growth = random.fork('growth')
  const around = random.fork('around')
  const noise = random.fork('noise')
  const lean = random.fork('lean')
  return {
    noise: Object.fromEntries(Object.entries(model.noise).map(([name, deviation]) => [name, deviation * noise.between(0.7, 2.2)])),
    warps: new Map(warps),
    order: type.channels,
    load: { index: type.channels.findIndex(({ name }) => name === loadName), usual: USUAL_LOAD[loadName] ?? 1 },
    lean: Array.from({ length: 24 }, () => Math.max(-1.8, Math.min(1.8, lean.normal(0, 1.2)))),
    around: {
      sunK: around.between(0, 0.004),
      windK: around.between(0, 0.25),
      indoorK: around.normal(0, 1.5),
      mains: around.between(0.5, 1.8),
      setPointK: around.normal(0, 0.6),
    },
    growth: new Map(model.faults.map((fault) => [fault, { gain: growth.between(0.65, 1.1), exponent: Math.exp(growth.normal(0, 0.3)) }])),
  }
}

function drawWarp(random: Random, channel: Channel, all: readonly Channel[]): Warp {
  const isTemperature = channel.unit === 'c'
  const isRecord = channel.name.startsWith('draw_')
  const isScaled = SCALED.has(channel.unit)
  const kin = all.filter(({ unit, name }) => unit === 'c' && name !== channel.name && name.startsWith('draw_') === isRecord)
  const felt = isTemperature && kin.length > 0 ? [random.pick(kin), random.pick(kin)] : []
  return {
    channel,
    scale: isScaled ? Math.exp(random.normal(0, 0.3)) : 1,
    exponent: isScaled && channel.unit !== 'hz' && channel.unit !== 'lpm' ? Math.exp(random.normal(0, 0.12)) : 1,
    pivot: Math.max(1e-3, channel.max * 0.2),
    offset: isTemperature ? random.normal(0, isRecord ? 0.3 : 0.6) : 0,
    feels: felt.map(({ name }) => [name, Math.min(0.2, Math.abs(random.normal(0, isRecord ? 0.015 : 0.06)))]),
    byLoad: random.normal(0, isTemperature ? 0.8 : 0.06),
    byLoadSquare: random.normal(0, isTemperature ? 0.5 : 0.04),
    byWeather: random.normal(0, isTemperature ? 0.35 : 0.03),
    byMoisture: random.normal(0, isTemperature ? 0.15 : 0.012),
    byMains: random.normal(0, isTemperature ? 2 : 0.3),
    lagS: isTemperature ? random.between(0, 600) : 0,
  }
}

/** Faults that are there or not have no law of growth. */
const SUDDEN = new Set(['XX-01', 'XX-02', 'GW-08'])

class ForeignPlant implements Plant {
  readonly values: Float64Array
  readonly isStuck: Uint8Array
  readonly texts: ReadonlyMap<string, string>
  events: readonly PlantEvent[] = []
  readonly #inner: Plant
  readonly #maker: Maker
  readonly #warps: ReadonlyArray<Warp | undefined>
  readonly #indexOf: ReadonlyMap<string, number>
  readonly #lagged: Float64Array
  readonly #severities = new Map<string, number>()
  readonly #own: number

  constructor(maker: Maker, random: Random, build: (random: Random) => Plant) {
    this.#inner = build(leaning(random, maker.lean))
    this.#maker = maker
    this.#own = random.fork('foreign').between(0.5, 1.5)
    this.values = new Float64Array(this.#inner.values.length).fill(Number.NaN)
    this.#lagged = new Float64Array(this.values.length).fill(Number.NaN)
    this.isStuck = this.#inner.isStuck
    this.texts = this.#inner.texts
    this.#warps = maker.order.map(({ name }) => maker.warps.get(name))
    this.#indexOf = new Map(maker.order.map(({ name }, index) => [name, index]))
  }

  get life() {
    return this.#inner.life ?? { cycles: 0, hours: 0 }
  }

  advance(stepMs: number, around: Surroundings, severities: Severities): void {
    const inner = this.#inner
    inner.advance(stepMs, this.#surround(around), this.#grow(severities))
    const raw = inner.values
    const load = (raw[this.#maker.load.index] ?? 0) / this.#maker.load.usual
    for (let index = 0; index < raw.length; index++) {
      const warp = this.#warps[index]
      const value = raw[index] ?? Number.NaN
      if (warp === undefined || Number.isNaN(value) || this.isStuck[index] === 1) {
        this.values[index] = value
        continue
      }
      const warped = warpOf(warp, value, { load, around, own: this.#own, other: (name) => raw[this.#indexOf.get(name) ?? -1] ?? Number.NaN })
      const before = this.#lagged[index] ?? Number.NaN
      const share = warp.lagS === 0 || Number.isNaN(before) ? 1 : 1 - Math.exp(-stepMs / 1000 / warp.lagS)
      this.#lagged[index] = Number.isNaN(before) ? warped : before + share * (warped - before)
      this.values[index] = this.#lagged[index] ?? warped
    }
    this.events = (inner.events ?? []).map((event) => ({ ...event, values: this.#warpEvent(event.values, around) }))
  }

  #warpEvent(values: PlantEvent['values'], around: Surroundings): PlantEvent['values'] {
    const load = 1
    const warped: Record<string, number> = {}
    for (const [name, value] of Object.entries(values)) {
      const warp = this.#maker.warps.get(name)
      warped[name] = warp === undefined ? value : warpOf(warp, value, { load, around, own: this.#own, other: (other) => values[other] ?? Number.NaN })
    }
    return warped
  }

  /** What of the weather and the house reaches the machine past its sensors. */
  #surround(around: Surroundings): Surroundings {
    const { sunK, windK, indoorK, mains, setPointK } = this.#maker.around
    return {
      ...around,
      outdoorC: around.outdoorC + sunK * around.solarWM2 - windK * (around.windMS - 2),
      indoorC: around.indoorC + indoorK,
      mainsV: around.mainsV < 180 ? around.mainsV : 230 + mains * (around.mainsV - 230),
      setPointC: around.setPointC + setPointK,
    }
  }

  #grow(severities: Severities): Severities {
    const grown = this.#severities
    grown.clear()
    for (const [fault, severity] of severities) {
      const law = SUDDEN.has(fault) ? undefined : this.#maker.growth.get(fault)
      grown.set(fault, law === undefined ? severity : Math.min(1, law.gain * severity ** law.exponent))
    }
    return grown
  }
}

interface Seen {
  readonly load: number
  readonly around: Surroundings
  /** How strongly the unit has what its make has. */
  readonly own: number
  readonly other: (name: string) => number
}

function warpOf(warp: Warp, value: number, { load, around, own, other }: Seen): number {
  const weather = (around.outdoorC - 20) / 10
  const mains = around.mainsV / 230 - 1
  const moisture = (around.outdoorHumidityGKg - 8) / 5
  const byLoad = warp.byLoad * (load - 1) + warp.byLoadSquare * (load - 1) ** 2
  const drift = load > 0 ? own * (byLoad + warp.byWeather * weather + warp.byMoisture * moisture) + warp.byMains * mains : 0
  if (warp.channel.unit !== 'c') {
    if (value <= 0) return value
    const shaped = warp.pivot * (value / warp.pivot) ** warp.exponent * warp.scale
    return warp.channel.unit === 'hz' ? value * warp.scale : bounded(warp.channel, shaped * Math.max(0.3, 1 + drift))
  }
  let felt = value
  for (const [name, share] of warp.feels) {
    const neighbour = other(name)
    if (!Number.isNaN(neighbour)) felt += share * (neighbour - value)
  }
  return bounded(warp.channel, felt + warp.offset + drift)
}

const bounded = ({ min, max }: Channel, value: number): number => Math.max(min, Math.min(max, value))

/** Parameters lean to one side as the maker builds them; their spread over units stays. */
const leaning = (random: Random, lean: readonly number[]): Random => ({
  ...random,
  fork: (name) => {
    const fork = random.fork(name)
    if (name !== 'spread') return fork
    let drawn = 0
    return { ...fork, normal: (mean, deviation) => fork.normal(mean, deviation) + (lean[drawn++ % lean.length] ?? 0) * deviation }
  },
})
