/**
 * The public air handlers of LBNL (MZVAV-2-1, laboratory, 1-minute rows) through the same fold: an own type of the file's channels with
 * the defaults alone. The file labels days as faulty and not sensors, so its states are listed and nothing is recalled.
 */
import { readFileSync } from 'node:fs'
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { epochMs } from '#kernel/clock.ts'
import { createQuality } from '../../ingest/quality/quality.ts'

const text = (en: string) => ({ en, 'zh-CN': en })
const temperature = (name: string): Channel => ({
  name,
  kind: 'number',
  unit: 'c',
  min: -40,
  max: 150,
  step: 0,
  isAggregated: false,
  isSafety: false,
  description: text(name),
})

/** Columns of the file that measure something, with their names here. */
const COLUMNS: ReadonlyArray<readonly [header: string, channel: string]> = [
  ['AHU: Supply Air Temperature', 'supply_air_temperature_c'],
  ['AHU: Outdoor Air Temperature', 'outdoor_air_temperature_c'],
  ['AHU: Mixed Air Temperature', 'mixed_air_temperature_c'],
  ['AHU: Return Air Temperature', 'return_air_temperature_c'],
]

const airHandler: ApplianceType = {
  id: 'air_handler',
  version: '1',
  name: text('Air handler'),
  channels: COLUMNS.map(([, name]) => temperature(name)),
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

/** Prints a table of the states found in the file; gives it. */
export function measureLbnl(file: string): object {
  const [head = '', ...lines] = readFileSync(file, 'utf8').split(/\r?\n/)
  const headers = head.split(',').map((name) => name.trim())
  const places = COLUMNS.map(([header]) => headers.indexOf(header))
  const truth = headers.indexOf('Fault Detection Ground Truth')
  const quality = createQuality({ types: () => airHandler })
  const found: ChannelState[] = []
  const faultyDays = new Set<string>()
  const days = new Set<string>()
  lines.forEach((line, seq) => {
    const cells = line.split(',')
    const atMs = Date.parse(`${cells[0]} UTC`)
    if (Number.isNaN(atMs)) return
    const day = new Date(atMs).toISOString().slice(0, 10)
    days.add(day)
    if (cells[truth] === '1') faultyDays.add(day)
    // The file has degrees Fahrenheit.
    const numbers = Float64Array.from(places, (place) => ((cells[place] ?? '') === '' ? Number.NaN : (Number(cells[place]) - 32) / 1.8))
    const times = { observed_at_ms: epochMs(atMs), received_at_ms: epochMs(atMs) }
    const { changes } = quality.observe({
      tenant: 'eval',
      device: 'ahu',
      type: 'air_handler',
      boot: 1,
      seq,
      ...times,
      hist: false,
      fw: '1',
      numbers,
      texts: [],
    })
    found.push(...changes.filter(({ end_ms }) => end_ms === null))
  })
  const channelDays = days.size * COLUMNS.length
  console.log(
    `\nPublic data (laboratory, ${file.split('/').at(-1)}): ${days.size} days of which ${faultyDays.size} are faulty, ${channelDays} channel-days`,
  )
  console.log('| state | channel | begin |\n|---|---|---|')
  for (const { state, channel, begin_ms } of found) console.log(`| ${state} | ${channel} | ${new Date(begin_ms).toISOString()} |`)
  if (found.length === 0) console.log('| none | | |')
  return { days: days.size, channel_days: channelDays, states: found.length }
}
