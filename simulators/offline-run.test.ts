import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { plantModels } from '#catalogue/physics-registry.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { createReadingWriter, truthText } from './offline-files.ts'
import { type OfflineSlice, runSlice, typeOf } from './offline-run.ts'

const startMs = Date.UTC(2026, 6, 1)
const sliceOf = (type: string, change: Partial<OfflineSlice> = {}): OfflineSlice => ({
  type,
  seed: 'offline-test',
  startMs,
  days: 2,
  periodMs: 60_000,
  firstHome: 0,
  homes: 6,
  acceleration: 0,
  faultShare: 0.5,
  ...change,
})
const types = [...plantModels.keys()].filter((id) => applianceTypes.some((type) => type.id === id))

/** A hash a device over all that it said, in its order. */
function hashes(slices: readonly OfflineSlice[]): Map<string, string> {
  const byDevice = new Map<string, ReturnType<typeof createHash>>()
  for (const slice of slices) {
    runSlice(slice, ({ device, boot, seq, observed_at_ms, fw, values }) => {
      const hash = byDevice.get(device) ?? createHash('sha256')
      byDevice.set(device, hash)
      hash.update(`${boot}/${seq}/${observed_at_ms}/${fw}`).update(values)
    })
  }
  return new Map([...byDevice].map(([device, hash]) => [device, hash.digest('hex')]))
}

describe('an offline fleet', () => {
  for (const type of types) {
    it(`of ${type} gives the same bytes for the same seed, others for another, and the same in slices`, () => {
      const whole = hashes([sliceOf(type)])
      expect(whole.size).toBe(6)
      expect(hashes([sliceOf(type)])).toEqual(whole)
      expect(hashes([sliceOf(type, { homes: 2 }), sliceOf(type, { firstHome: 2, homes: 4 })])).toEqual(whole)
      expect([...hashes([sliceOf(type, { seed: 'another' })]).values()]).not.toEqual([...whole.values()])
    })

    it(`of ${type} has rising sequence numbers in each boot and values in the range of each channel`, () => {
      const { channels } = typeOf(type)
      const next = new Map<string, number>()
      const outside = new Set<string>()
      runSlice(sliceOf(type, { days: 6, faultShare: 1 }), ({ device, boot, seq, values }) => {
        const key = `${device}/${boot}`
        if (seq !== (next.get(key) ?? 0)) outside.add(`${key}: ${seq}`)
        next.set(key, seq + 1)
        channels.forEach(({ kind, name, min, max }, index) => {
          const value = values[index] ?? Number.NaN
          if (kind === 'number' && (value < min || value > max)) outside.add(`${name} ${value}`)
        })
      })
      expect([...outside]).toEqual([])
    })
  }

  it('wears by the life models: accelerated hazards and hard water bring more faults, with repairs, and a tenth of faulty units have two', () => {
    const truthOf = (acceleration: number) => runSlice(sliceOf('fridge', { homes: 300, days: 0.02, acceleration }), () => undefined).truth
    const slow = truthOf(200)
    const fast = truthOf(20_000)
    expect(fast.faults.length).toBeGreaterThan(slow.faults.length * 5)
    expect(fast.faults.every(({ cause, onset_ms }) => cause !== undefined && onset_ms >= startMs)).toBe(true)
    expect(fast.faults.every(({ repaired_ms, full_ms }) => (repaired_ms ?? 0) > full_ms)).toBe(true)
    const hard = (isHard: boolean): number => {
      const { truth } = runSlice(
        sliceOf('gas_water_heater', { homes: 400, days: 0.02, acceleration: 5000, confusers: isHard ? ['hard_water'] : [] }),
        () => undefined,
      )
      return truth.faults.filter(({ fault }) => fault === 'GW-04').length
    }
    expect(hard(true)).toBeGreaterThan(hard(false))
    const drawn = runSlice(sliceOf('fridge', { homes: 600, days: 0.01, faultShare: 1 }), () => undefined).truth.faults
    const faulty = new Set(drawn.map(({ device }) => device))
    expect((drawn.length - faulty.size) / faulty.size).toBeGreaterThan(0.09)
  })
})

describe('files of an offline fleet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'planta-offline-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const type = typeOf('fridge')

  it('hold each reading as a row of fixed length, and as a line of CSV', () => {
    const writers = [createReadingWriter('binary', type, folder, 'a'), createReadingWriter('csv', type, folder, 'a')]
    const { readings, truth } = runSlice(sliceOf('fridge', { homes: 2, days: 0.3 }), (reading) => {
      for (const writer of writers) writer.write(reading)
    })
    for (const writer of writers) writer.close()
    const head: { row_bytes: number; columns: string[]; devices: string[] } = JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8'))
    const rows = readFileSync(join(folder, 'a.bin'))
    expect(rows.length).toBe(readings * head.row_bytes)
    expect(head.devices.toSorted()).toEqual(truth.units.map(({ device }) => device))
    const lines = readFileSync(join(folder, 'a.csv'), 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(readings + 1)
    const column = (lines[0] ?? '').split(',').indexOf('freezer_temperature_c')
    const told = lines.slice(1).findIndex((line) => line.split(',')[column] !== '')
    const place = told * head.row_bytes + 20 + 4 * head.columns.indexOf('freezer_temperature_c')
    expect(rows.readFloatLE(place)).toBeCloseTo(Number(lines[told + 1]?.split(',')[column]), 4)
  })

  it('have one truth, the same for each order of slices', () => {
    const slices = [sliceOf('fridge', { homes: 3 }), sliceOf('fridge', { firstHome: 3, homes: 3 })].map(
      (slice) => runSlice(slice, () => undefined).truth,
    )
    const head = { seed: 's', start_ms: 0, end_ms: 1, sample_period_ms: 60_000 }
    expect(truthText(head, slices)).toBe(truthText(head, slices.toReversed()))
    const truth: { units: unknown[]; confusers: unknown[] } = JSON.parse(truthText(head, slices))
    expect(truth.units).toHaveLength(6)
    expect(truth.confusers.length).toBeGreaterThan(0)
  })
})
