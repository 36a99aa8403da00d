/**
 * Measures the states of channels: false alarms over sound simulated units with weather, habits and firmware changes, then delay and recall
 * over injected sensor faults, by kind. Seeded. With public data it adds a table of its own (`lbnl.ts`). `node eval/quality/quality.ts
 * [--quick] [--units N] [--days N] [--seed S] [--data DIR]`; the last line is JSON.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { CHANNEL_STATE_KINDS, type ChannelState, type ChannelStateKind } from '#kernel/channel-state.ts'
import { createRandom } from '#kernel/random.ts'
import { measureLbnl } from './lbnl.ts'
import { runFleet } from './run-fleet.ts'
import { drawSensorFault, type InjectedFault } from './sensor-faults.ts'

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    units: { type: 'string' },
    days: { type: 'string' },
    seed: { type: 'string', default: '1' },
    period: { type: 'string', default: '300' },
    data: { type: 'string', default: '../shared/data' },
    verbose: { type: 'boolean', default: false },
  },
})
const units = Number(given.units ?? (given.quick ? 20 : 50))
const days = Number(given.days ?? (given.quick ? 7 : 12))
const periodMs = Number(given.period) * 1_000
const type = airConditioner
const startMs = Date.UTC(2026, 6, 1)
const DAY_MS = 86_400_000
const common = { type, units, days, periodMs, startMs }

const sound = measureSound()
const faulty = measureFaulty()
const lbnlFile = join(given.data, 'lbnl-ahu', 'MZVAV-2-1.csv')
const lbnl = existsSync(lbnlFile) ? measureLbnl(lbnlFile) : undefined
if (lbnl === undefined) console.log(`\nPublic data: ${lbnlFile} is not there, skipped.`)
console.log(JSON.stringify({ units, days, seed: given.seed, sound, faulty, lbnl }))

function measureSound() {
  // Half of the units get another firmware, which changes nothing of the sensors.
  const run = runFleet({
    ...common,
    seed: `quality-sound/${given.seed}`,
    firmwareOf: (device, atMs) => (Number(device.slice(-1)) % 2 === 0 && atMs > startMs + (days / 2) * DAY_MS ? '3.0.0' : undefined),
    faults: new Map(),
  })
  const channelDays = units * days * type.channels.filter(({ kind }) => kind !== 'text').length
  const byKind = Object.fromEntries(
    CHANNEL_STATE_KINDS.map((kind) => [kind, (1_000 * run.states.filter(({ state }) => state === kind).length) / channelDays]),
  )
  console.log(
    `Simulated, sound: ${units} units x ${days} days = ${units * days} unit-days, ${Math.round(channelDays)} channel-days, seed ${given.seed}`,
  )
  console.log('| state | false, per 1,000 channel-days |\n|---|---|')
  for (const kind of CHANNEL_STATE_KINDS) console.log(`| ${kind} | ${(byKind[kind] ?? 0).toFixed(2)} |`)
  if (given.verbose) for (const state of run.states) console.log(JSON.stringify(state))
  const usAReading = (1_000 * run.foldMs) / run.readings
  console.log(`fold: ${usAReading.toFixed(2)} us a reading, the clock's own cost included, ${run.readings} readings`)
  return { channelDays, ...byKind }
}

function measureFaulty() {
  const faults = new Map<string, InjectedFault>()
  const random = createRandom(`quality-faults/${given.seed}`)
  const devices = Array.from({ length: units }, (_, index) => `ac-${String(index + 1).padStart(4, '0')}`)
  devices.forEach((device, index) => {
    const kind = CHANNEL_STATE_KINDS[index % CHANNEL_STATE_KINDS.length] ?? 'stuck'
    faults.set(device, drawSensorFault(random.fork(device), type, { device, kind, onsetMs: startMs + random.between(3, 0.5 * days) * DAY_MS }))
  })
  const run = runFleet({ ...common, seed: `quality-faults/${given.seed}`, firmwareOf: () => undefined, faults })
  console.log(`\nSimulated, one injected sensor fault a unit from a time on, observed until the end of ${days} days`)
  console.log('| fault | units | found as itself | found as any state | median delay | largest delay |\n|---|---|---|---|---|---|')
  const result: Partial<Record<ChannelStateKind, object>> = {}
  for (const kind of CHANNEL_STATE_KINDS) {
    const own = [...faults.values()].filter((fault) => fault.kind === kind)
    const delays = own.flatMap((fault) => delayOf(run.states, fault, kind)).sort((a, b) => a - b)
    const anyCount = own.filter((fault) => delayOf(run.states, fault, undefined).length > 0).length
    const median = delays[delays.length >> 1]
    const row = { units: own.length, found: delays.length, found_any: anyCount, median_delay_h: hours(median), max_delay_h: hours(delays.at(-1)) }
    result[kind] = row
    console.log(`| ${kind} | ${row.units} | ${row.found} | ${row.found_any} | ${row.median_delay_h} h | ${row.max_delay_h} h |`)
    if (given.verbose)
      for (const fault of own.filter((fault) => delayOf(run.states, fault, kind).length === 0))
        console.log(JSON.stringify(fault), JSON.stringify(run.states.filter((state) => state.device === fault.device)))
  }
  return result
}

function delayOf(states: readonly ChannelState[], fault: InjectedFault, kind: ChannelStateKind | undefined): number[] {
  const found = states.find(
    (state) =>
      state.device === fault.device && state.channel === fault.channel && (kind ?? state.state) === state.state && state.found_ms >= fault.onsetMs,
  )
  return found === undefined ? [] : [found.found_ms - fault.onsetMs]
}

function hours(ms: number | undefined): number | null {
  return ms === undefined ? null : Number((ms / 3_600_000).toFixed(1))
}
