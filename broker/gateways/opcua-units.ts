/**
 * Units of OPC UA (part 8, 5.6.4.3): a common code of UNECE recommendation 20 as a number. Those that have a name in our tables are
 * translated, any other stands under its display name, so that decoding names it when it refuses it.
 */
const NAMES: Readonly<Record<string, string>> = {
  CEL: 'Cel',
  FAH: '[degF]',
  KEL: 'K',
  PAL: 'Pa',
  A97: 'hPa',
  KPA: 'kPa',
  MPA: 'MPa',
  BAR: 'bar',
  MBR: 'mbar',
  AMP: 'A',
  '4K': 'mA',
  B84: 'uA',
  VLT: 'V',
  '2Z': 'mV',
  WTT: 'W',
  KWT: 'kW',
  JOU: 'J',
  WHR: 'W.h',
  KWH: 'kW.h',
  HTZ: 'Hz',
  RPM: '{rpm}',
  L2: 'L/min',
  E32: 'L/h',
  MQH: 'm3/h',
  P1: '%',
  '59': '[ppm]',
  MTS: 'm/s',
  C16: 'mm/s',
  MSK: 'm/s2',
  C26: 'ms',
  SEC: 's',
  MIN: 'min',
  HUR: 'h',
  DAY: 'd',
}

/** Code without a dimension. */
const ONE = 'C62'

/** Name of a unit in our tables; undefined for none. */
export function unitName({ unitId, displayName }: { readonly unitId: number; readonly displayName: string }): string | undefined {
  const code = codeOf(unitId)
  if (code === ONE || (unitId <= 0 && displayName === '')) return undefined
  return NAMES[code] ?? (displayName === '' ? code : displayName)
}

/** The number holds the letters of the code, one a byte. */
function codeOf(unitId: number): string {
  let code = ''
  for (let rest = unitId; rest > 0; rest = Math.floor(rest / 256)) code = String.fromCharCode(rest % 256) + code
  return code
}
