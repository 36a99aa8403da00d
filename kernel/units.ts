/**
 * The one list of units. A field's name ends in the suffix of its unit; the UCUM code goes on the wire's description
 * (AsyncAPI, OpenAPI, Grafana). Sources: UCUM 2.1 for the codes; the list itself is decision 0003.
 */
export const UNITS = {
  c: { ucum: 'Cel', label: '°C' },
  k: { ucum: 'K', label: 'K' },
  k_per_min: { ucum: 'K/min', label: 'K/min' },
  pa: { ucum: 'Pa', label: 'Pa' },
  kpa: { ucum: 'kPa', label: 'kPa' },
  a: { ucum: 'A', label: 'A' },
  ma: { ucum: 'mA', label: 'mA' },
  ua: { ucum: 'uA', label: 'µA' },
  v: { ucum: 'V', label: 'V' },
  w: { ucum: 'W', label: 'W' },
  wh: { ucum: 'W.h', label: 'Wh' },
  kwh: { ucum: 'kW.h', label: 'kWh' },
  hz: { ucum: 'Hz', label: 'Hz' },
  rpm: { ucum: '{rpm}', label: 'rpm' },
  l: { ucum: 'L', label: 'L' },
  kg: { ucum: 'kg', label: 'kg' },
  lpm: { ucum: 'L/min', label: 'L/min' },
  ppm: { ucum: '[ppm]', label: 'ppm' },
  ppm_min: { ucum: '[ppm].min', label: 'ppm min' },
  lel_pct: { ucum: '%{LEL}', label: '% LEL' },
  pct: { ucum: '%', label: '%' },
  mm_s: { ucum: 'mm/s', label: 'mm/s' },
  m_s2: { ucum: 'm/s2', label: 'm/s²' },
  steps: { ucum: '{steps}', label: 'steps' },
  ms: { ucum: 'ms', label: 'ms' },
  s: { ucum: 's', label: 's' },
  h: { ucum: 'h', label: 'h' },
  count: { ucum: '{count}', label: '' },
  bytes: { ucum: 'By', label: 'B' },
  ratio: { ucum: '1', label: '' },
  /** Claims (true/false) and codes, which have no unit. */
  none: { ucum: '1', label: '' },
} as const

export type Unit = keyof typeof UNITS

/** Names of all units, longest suffix first, so that `_lel_pct` is found before `_pct`. */
const SUFFIXES = (Object.keys(UNITS) as Unit[]).filter((unit) => unit !== 'none').sort((a, b) => b.length - a.length)

/** Unit that the name of a field ends in, or `none` when it ends in no unit of the list. */
export function unitOfName(name: string): Unit {
  return SUFFIXES.find((unit) => name.endsWith(`_${unit}`)) ?? 'none'
}
