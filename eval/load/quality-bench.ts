/**
 * Cost of the quality fold a reading, in CPU time of its thread, for the air conditioner with all its channels: `node eval/load/quality-bench.ts [--devices N]`. Readings
 * are made before; each round takes one reading of each device, so that the memory of all devices passes through the cache as in the worker.
 */
import { parseArgs } from 'node:util'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { createQuality } from '../../ingest/quality/quality.ts'

const { values: given } = parseArgs({ options: { devices: { type: 'string', default: '500' } } })
const devices = Number(given.devices)
const ROUNDS = 1200
const SAMPLES = 64
const random = createRandom('quality-bench')
const { columns } = readingLayout(airConditioner)
// Power fits voltage and current, so that the identity is asked and holds.
const middle = new Map(airConditioner.channels.map(({ name, min, max }) => [name, name === 'power_w' ? 2_150 : (min + max) / 2]))
const samples = Array.from({ length: SAMPLES }, () =>
  Float64Array.from(columns, (column) => (middle.has(column) ? (middle.get(column) ?? 0) + random.normal(0, 0.3) : Number.NaN)),
)

for (const periodMs of [1_000, 60_000, 300_000]) {
  const quality = createQuality({ types: () => airConditioner })
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const atMs = epochMs(1_780_000_000_000 + round * periodMs)
    const readings: Reading[] = Array.from({ length: devices }, (_, index) => ({
      tenant: 'home',
      device: `d${index}`,
      type: airConditioner.id,
      boot: 1,
      seq: round,
      observed_at_ms: atMs,
      received_at_ms: atMs,
      hist: false,
      fw: '1.0.0',
      numbers: samples[(round * 7 + index) % SAMPLES] ?? new Float64Array(0),
      texts: [],
    }))
    const begin = process.threadCpuUsage()
    for (const reading of readings) quality.observe(reading)
    const { user, system } = process.threadCpuUsage(begin)
    rounds.push((user + system) / devices)
  }
  const late = rounds.slice(ROUNDS / 3)
  const mean = late.reduce((sum, value) => sum + value, 0) / late.length
  const median = late.toSorted((a, b) => a - b)[late.length >> 1] ?? 0
  const { standing } = quality.statistics()
  console.log(
    `a reading each ${periodMs / 1_000} s, ${devices} devices: mean ${mean.toFixed(2)} us, median ${median.toFixed(2)} us a reading`,
    JSON.stringify(standing),
  )
}
