/**
 * Bytes a reading and readings a second of the DuckDB store, for random walks quantised to the sensor's step, ten channels a row with
 * boot, seq and both times. A "reading" here is one value of one channel, as in the goals. Flags: --quick. The last line is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ApplianceType, Channel } from '../../catalogue/appliance-type.ts'
import { createDuckdbStore } from '../../ingest/stores/duckdb-store.ts'
import { epochMs } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import { createRandom } from '../../kernel/random.ts'
import type { Reading } from '../../kernel/reading.ts'

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })

const CHANNELS = 10
const DEVICES = 200
const ROWS = flags.quick ? 200_000 : 2_000_000
const STEP = 0.1

const channel = (index: number): Channel => ({
  name: `temperature_${index}_c`,
  kind: 'number',
  unit: 'c',
  min: -1_000,
  max: 1_000,
  step: STEP,
  isAggregated: false,
  isSafety: false,
  description: { en: 'Random walk', 'zh-CN': '随机游走' },
})
const type: ApplianceType = {
  id: 'walker',
  version: '1',
  name: { en: 'Walker', 'zh-CN': '游走' },
  channels: Array.from({ length: CHANNELS }, (_, index) => channel(index)),
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

const folder = await mkdtemp(join(tmpdir(), 'mendline-store-bench-'))
const store = createDuckdbStore({ file: join(folder, 'readings.duckdb'), log: silentLog, limits })
await store.start()
await store.prepareType(type)
const random = createRandom('store-bench')
const walks = Array.from({ length: DEVICES }, () => Float64Array.from({ length: CHANNELS }, () => random.between(10, 60)))
let written = 0
let writeMs = 0
const startMs = 1_780_000_000_000
while (written < ROWS) {
  const batch: Reading[] = []
  for (let row = 0; row < limits.storeBatchReadings_MAX && written + row < ROWS; row++) batch.push(nextReading(written + row))
  const began = performance.now()
  await store.write({ readings: batch, quarantine: [], position: written + batch.length })
  writeMs += performance.now() - began
  written += batch.length
}
const stopBegan = performance.now()
await store.stop()
writeMs += performance.now() - stopBegan
const reopened = createDuckdbStore({ file: join(folder, 'readings.duckdb'), log: silentLog, limits })
await reopened.start()
const { bytes, readings } = await reopened.statistics()
const queryMs: number[] = []
for (let round = 0; round < 20; round++) {
  const began = performance.now()
  const to = startMs + (ROWS / DEVICES) * 10_000
  const query = {
    tenant: 'home',
    device: `walker-${round}`,
    channels: ['temperature_3_c'],
    from_ms: epochMs(to - 86_400_000),
    to_ms: epochMs(to),
    maxPoints: 1_440,
  }
  await reopened.buckets(query)
  queryMs.push(performance.now() - began)
}
await reopened.stop()
await rm(folder, { recursive: true, force: true })
const values = readings * CHANNELS
const report = {
  bench: 'store',
  rows: readings,
  values,
  bytes_per_reading: Number((bytes / values).toFixed(2)),
  readings_per_s: Math.round((values / writeMs) * 1_000),
  rows_per_s: Math.round((readings / writeMs) * 1_000),
  day_query_ms_p50: Number((queryMs.toSorted((a, b) => a - b)[10] ?? Number.NaN).toFixed(1)),
}
console.log(
  `store: ${report.bytes_per_reading} bytes a reading, ${report.readings_per_s} readings/s (${report.rows_per_s} rows/s), one device's day ${report.day_query_ms_p50} ms`,
)
console.log(JSON.stringify(report))

/** Rows come as they do from a fleet: one of each device after the other, each 10 s. */
function nextReading(row: number): Reading {
  const device = row % DEVICES
  const seq = Math.floor(row / DEVICES)
  const walk = walks[device] ?? new Float64Array(CHANNELS)
  const numbers = new Float64Array(CHANNELS)
  for (let index = 0; index < CHANNELS; index++) {
    walk[index] = (walk[index] ?? 0) + random.between(-0.3, 0.3)
    numbers[index] = Math.round((walk[index] ?? 0) / STEP) / (1 / STEP)
  }
  const observed = startMs + seq * 10_000 + device * 37
  return {
    tenant: 'home',
    device: `walker-${device}`,
    type: 'walker',
    boot: 1,
    seq,
    observed_at_ms: epochMs(observed),
    received_at_ms: epochMs(observed + random.integer(20, 400)),
    hist: false,
    fw: '1.0.0',
    numbers,
    texts: [],
  }
}
