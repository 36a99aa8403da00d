/**
 * What a stored reading costs the safety rules of a gas water heater, in whatever order it comes: `node eval/system/late-readings.ts`. Prints the
 * time of a late reading over that of one in order, both in one run, the longest single one, how long the unit's log is looked at a while
 * later, the alarms, and what is kept of the unit.
 */
import { readingLayout } from '#catalogue/appliance-type.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { isSafetyRule } from '../../rules/compile-rules.ts'
import { createRulesEngine } from '../../rules/engine.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const BEGIN_MS = 1_700_000_000_000
const LIVE_MS = DAY_MS - 10 * MINUTE_MS
const layout = readingLayout(gasWaterHeater)
const random = createRandom('late readings')

type Values = Readonly<Record<string, number>>

function aReading(afterMs: number, values: Values, isLive = false): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  return {
    tenant: 'home',
    device: 'gw1',
    type: 'gas_water_heater',
    boot: 1,
    seq: afterMs,
    observed_at_ms: epochMs(BEGIN_MS + afterMs),
    received_at_ms: epochMs(BEGIN_MS + (isLive ? afterMs : LIVE_MS)),
    hist: !isLive,
    fw: undefined,
    numbers,
    texts: [],
  }
}

const whole = (ppm: number): Values => ({
  room_co_ppm: ppm,
  room_gas_lel_pct: 0,
  flame_current_ua: 0,
  gas_valve_is_open: 0,
  outlet_temperature_c: 40,
  exchanger_temperature_c: 45,
  set_point_temperature_c: 42,
  water_flow_lpm: 3,
})
const single = (index: number): Values => ({
  [['room_co_ppm', 'outlet_temperature_c', 'water_flow_lpm', 'flame_current_ua'][index % 4] ?? 'room_co_ppm']: 32,
})
const series = (count: number, values: (index: number) => Values): Reading[] =>
  Array.from({ length: count }, (_, index) => aReading(Math.floor((index * (LIVE_MS - MINUTE_MS)) / count), values(index)))

function shuffled(readings: readonly Reading[]): Reading[] {
  return readings
    .map((reading) => ({ reading, at: random.uniform() }))
    .sort((a, b) => a.at - b.at)
    .map(({ reading }) => reading)
}

const sound = series(1_400, () => whole(2))
const danger = series(1_400, () => whole(60))
const wavering = series(1_400, (index) => whole(index % 2 === 0 ? 32 : 20))
const onChange = series(3_000, single)
const dense = series(17_000, (index) => whole(index % 2 === 0 ? 32 : 20))
const cases: ReadonlyArray<readonly [string, readonly Reading[]]> = [
  ['sound, in order', sound],
  ['sound, shuffled', shuffled(sound)],
  ['60 ppm, in order', danger],
  ['60 ppm, newest first', danger.toReversed()],
  ['60 ppm, shuffled and doubled', shuffled([...danger, ...danger])],
  ['32 and 20 ppm in turn, shuffled', shuffled(wavering)],
  ['single channels on change, in order', onChange],
  ['single channels on change, shuffled', shuffled(onChange)],
  ['each 5 s, 32 and 20 ppm in turn, shuffled', shuffled(dense)],
]

/** Microseconds a reading, the longest, and behind the last; alarms, and bytes of the unit's state. */
function run(readings: readonly Reading[], isLate: boolean) {
  const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
  if (isLate) engine.decide(aReading(LIVE_MS, whole(0), true))
  let alarms = 0
  let longestNs = 0n
  const begunNs = process.hrtime.bigint()
  for (const reading of readings) {
    const atNs = process.hrtime.bigint()
    alarms += engine.decide(reading).filter(({ kind }) => kind === 'alarm_raised').length
    const tookNs = process.hrtime.bigint() - atNs
    if (tookNs > longestNs) longestNs = tookNs
  }
  const us = Number(process.hrtime.bigint() - begunNs) / 1_000 / readings.length
  const bytes = JSON.stringify(engine.snapshot()).length
  const endedNs = process.hrtime.bigint()
  alarms += engine.completeHolds(BEGIN_MS + LIVE_MS + 10 * MINUTE_MS).filter(({ kind }) => kind === 'alarm_raised').length
  return { us, longestUs: Number(longestNs) / 1_000, settledUs: Number(process.hrtime.bigint() - endedNs) / 1_000, alarms, bytes }
}

const live = series(20_000, () => whole(2)).map((reading) => ({ ...reading, hist: false, received_at_ms: reading.observed_at_ms }))
for (let round = 0; round < 2; round++) for (const [, readings] of cases) run(readings, true)
run(live, false)
const base = run(live, false)
console.log(`a reading in order: ${base.us.toFixed(2)} us`)
console.log(
  '| a day of stored readings behind a fresh one | late over in order | longest, us | looked at again, us | alarms | bytes kept of the unit |\n|---|---|---|---|---|---|',
)
for (const [name, readings] of cases) {
  const { us, longestUs, settledUs, alarms, bytes } = run(readings, true)
  console.log(`| ${name} | ${(us / base.us).toFixed(1)} | ${longestUs.toFixed(0)} | ${settledUs.toFixed(0)} | ${alarms} | ${bytes} |`)
}
