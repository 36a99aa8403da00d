import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { kettle, readingOf, retention } from '../builders.ts'
import { meanOfSum } from './bucket-mean.ts'
import { createDuckdbStore } from './duckdb-store.ts'
import { createMemoryStore } from './memory-store.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-mean-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const DAY_MS = 86_400_000
const DAY = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS

/** Means of the values added up in the order of the parts, each part by itself first. */
function meanOf(parts: ReadonlyArray<readonly number[]>): number {
  const all = parts.flat()
  const sum = parts.reduce((total, part) => total + part.reduce((own, value) => own + value, 0), 0)
  return meanOfSum({ sum, min: Math.min(...all), max: Math.max(...all), n: all.length })
}

describe('mean of a bucket', () => {
  it('is the same for every order and division of values of a step', () => {
    const values = fc.integer({ min: 0, max: 4 }).chain((exponent) =>
      fc.array(
        fc.integer({ min: -90_000, max: 90_000 }).map((steps) => steps / 10 ** exponent),
        { minLength: 1, maxLength: 200 },
      ),
    )
    const divided = values.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.integer({ min: 0, max: all.length })),
    )
    fc.assert(
      fc.property(divided, ([all, shuffled, cut]) => {
        expect(meanOf([shuffled.slice(0, cut), shuffled.slice(cut)])).toBe(meanOf([all]))
      }),
      { numRuns: 500 },
    )
  })

  it('is exact where the sum is, and lies within the extremes', () => {
    expect(meanOf([[0.1, 0.2, -0.3]])).toBe(0)
    expect(meanOf([[Math.PI]])).toBe(Math.PI)
    expect(meanOf([[-0, 0]])).toBe(0)
    expect(meanOfSum({ sum: 12186.2, min: -20.3, max: 80.8, n: 400 })).toBe(30.4655)
    expect(meanOf([[1e300, -1e300, 4e299]])).toBeCloseTo(4e299 / 3, -290)
    expect(meanOf([[3e-110]])).toBe(3e-110)
    expect(meanOfSum({ sum: 118.29999999999998, min: 14.1, max: 15.2, n: 8 })).toBe(14.7875)
  })

  it('is the same from every store, in whatever order and however archived', async () => {
    const readings = Array.from({ length: 400 }, (_, index): Reading => {
      const at = epochMs(DAY + index * 200_000)
      return readingOf(
        { inlet_temperature_c: ((index * 7_919) % 1_013) / 10 - 20.3, outlet_temperature_c: 14.1 + (index % 9) / 100 },
        { seq: index + 1, observed_at_ms: at, received_at_ms: at },
      )
    })
    const rounded = readings.map((reading) => ({ ...reading, numbers: reading.numbers.map((value) => Number(value.toFixed(2))) }))
    const answers: string[] = []
    for (const [index, batches] of [1, 2, 3, 5].entries()) {
      const random = createRandom(`mean/${index}`)
      const order = rounded.map((reading) => ({ reading, place: random.uniform() })).sort((a, b) => a.place - b.place)
      const shuffled = order.map(({ reading }) => reading)
      const folder = join(root, String(index))
      mkdirSync(folder)
      const options = { file: join(folder, 'hot.duckdb'), coldDirectory: join(folder, 'cold'), log: silentLog, limits, retention }
      for (const store of [createMemoryStore(), createDuckdbStore(options)]) {
        await store.start()
        await store.prepareType(kettle)
        const size = Math.ceil(shuffled.length / batches)
        for (let batch = 0; batch < batches; batch++) {
          await store.write({ readings: shuffled.slice(batch * size, (batch + 1) * size), quarantine: [], position: batch + 1 })
          // All but the last batch are archived, twice at most, so that hours of several files, merged files and the table make one day.
          if (batch < batches - 1 && batch < 2)
            await store.maintain?.(epochMs(DAY + 5 * DAY_MS)).then(() => store.maintain?.(epochMs(DAY + 5 * DAY_MS)))
        }
        for (const tier of ['hourly', 'daily'] as const) {
          const query = { tenant: 'home', device: 'kettle-1', channels: [], from_ms: epochMs(DAY), to_ms: epochMs(DAY + DAY_MS), maxPoints: 24, tier }
          answers.push(`${tier} ${JSON.stringify(await store.buckets(query))}`)
        }
        await store.stop()
      }
    }
    expect(answers.length).toBe(16)
    expect(new Set(answers).size).toBe(2)
  })
})
