/**
 * Conversion between units that others write and the units of the catalogue. Only what is declared here is converted, each by an exact
 * factor to a base of its dimension; units of different dimensions never meet. Sources: RFC 8428 section 12.1 and RFC 8798 (SenML units,
 * the secondary ones with their scale), UCUM 2.1 for the others.
 */
import { UNITS, type Unit } from './units.ts'

export interface Conversion {
  readonly apply: (value: number) => number
}

/** Dimension, factor to its base and, for temperatures, what is added before the factor. */
type Measure = readonly [dimension: string, factor: number, plus?: number]

const OWN: Readonly<Record<Unit, Measure>> = {
  c: ['temperature', 1],
  k: ['temperature difference', 1],
  k_per_min: ['heating rate', 1],
  pa: ['pressure', 1],
  kpa: ['pressure', 1000],
  a: ['current', 1],
  ma: ['current', 1e-3],
  ua: ['current', 1e-6],
  v: ['voltage', 1],
  w: ['power', 1],
  wh: ['energy', 3600],
  kwh: ['energy', 3_600_000],
  hz: ['frequency', 1],
  rpm: ['rotation', 1],
  l: ['volume', 1],
  kg: ['mass', 1],
  lpm: ['flow', 1],
  ppm: ['ratio', 1e-6],
  ppm_min: ['exposure', 1],
  lel_pct: ['lower explosive limit', 1],
  pct: ['ratio', 1e-2],
  mm_s: ['speed', 1e-3],
  m_s2: ['acceleration', 1],
  steps: ['steps', 1],
  ms: ['time', 1e-3],
  s: ['time', 1],
  h: ['time', 3600],
  count: ['count', 1],
  bytes: ['bytes', 1],
  ratio: ['ratio', 1],
  none: ['none', 1],
}

/** Units of SenML's registries that have a dimension of ours. */
const SENML: Readonly<Record<string, Measure>> = {
  Cel: ['temperature', 1],
  K: ['temperature', 1, -273.15],
  Pa: ['pressure', 1],
  hPa: ['pressure', 100],
  A: ['current', 1],
  mA: ['current', 1e-3],
  V: ['voltage', 1],
  mV: ['voltage', 1e-3],
  W: ['power', 1],
  kW: ['power', 1000],
  J: ['energy', 1],
  Wh: ['energy', 3600],
  kWh: ['energy', 3_600_000],
  Hz: ['frequency', 1],
  MHz: ['frequency', 1e6],
  '1/min': ['rotation', 1],
  l: ['volume', 1],
  m3: ['volume', 1000],
  kg: ['mass', 1],
  g: ['mass', 1e-3],
  'l/s': ['flow', 60],
  '/': ['ratio', 1],
  '%': ['ratio', 1e-2],
  '%RH': ['ratio', 1e-2],
  '/100': ['ratio', 1e-2],
  '/1000': ['ratio', 1e-3],
  ppm: ['ratio', 1e-6],
  'm/s': ['speed', 1],
  'km/h': ['speed', 1 / 3.6],
  'm/s2': ['acceleration', 1],
  ms: ['time', 1e-3],
  s: ['time', 1],
  min: ['time', 60],
  h: ['time', 3600],
  count: ['count', 1],
  B: ['bytes', 1],
  KiB: ['bytes', 1024],
}

/** Further names that a mapping may use. */
const FURTHER: Readonly<Record<string, Measure>> = {
  '[degF]': ['temperature', 5 / 9, -32],
  bar: ['pressure', 100_000],
  mbar: ['pressure', 100],
  '[psi]': ['pressure', 6894.757293168],
  MPa: ['pressure', 1_000_000],
  kV: ['voltage', 1000],
  mW: ['power', 1e-3],
  'L/h': ['flow', 1 / 60],
  'm3/h': ['flow', 1000 / 60],
  d: ['time', 86_400],
}

const BY_UCUM: Readonly<Record<string, Measure>> = Object.fromEntries((Object.keys(UNITS) as Unit[]).map((unit) => [UNITS[unit].ucum, OWN[unit]]))

/** Conversion from a SenML unit to one of the catalogue; `unknown` when SenML's registries do not have it, undefined between dimensions. */
export function convertSenml(from: string, to: Unit): Conversion | 'unknown' | undefined {
  return Object.hasOwn(SENML, from) ? between(SENML[from], OWN[to]) : 'unknown'
}

/** Conversion of a sum, which is in the unit of its values times a second (RFC 8428 section 4.3): power becomes energy. */
export function convertSenmlSum(from: string, to: Unit): Conversion | 'unknown' | undefined {
  const measure = Object.hasOwn(SENML, from) ? SENML[from] : undefined
  return measure?.[0] === 'power' ? between(['energy', measure[1]], OWN[to]) : 'unknown'
}

/** Conversion from a unit that a mapping names: the catalogue's name, the UCUM code, or a SenML unit. */
export function convertUnit(from: string, to: Unit): Conversion | 'unknown' | undefined {
  const table = [OWN, FURTHER, BY_UCUM, SENML].find((names) => Object.hasOwn(names, from))
  return table === undefined ? 'unknown' : between((table as Readonly<Record<string, Measure>>)[from], OWN[to])
}

const IDENTITY: Conversion = { apply: (value) => value }

function between(from: Measure | undefined, to: Measure): Conversion | undefined {
  if (from === undefined || from[0] !== to[0]) return undefined
  const plus = from[2] ?? 0
  if (plus === 0 && from[1] === to[1]) return IDENTITY
  // Division by a whole number is exact where multiplication by its inverse is not.
  const up = from[1] / to[1]
  const down = Math.round(to[1] / from[1])
  const isDivision = up < 1 && Math.abs(down * up - 1) < 1e-12
  return { apply: isDivision ? (value) => (value + plus) / down : (value) => rounded((value + plus) * (up > 1 ? whole(up) : up), plus) }
}

/** A factor that is whole but for the rounding of its two parts. */
const whole = (factor: number): number => (Math.abs(factor - Math.round(factor)) < 1e-9 ? Math.round(factor) : factor)

/** Adding an offset leaves noise in the last digits (300 K - 273.15), which no sensor resolves. */
const rounded = (value: number, plus: number): number => (plus === 0 || !Number.isFinite(value) ? value : Number(value.toPrecision(12)))
