/** What every adapter of the reading store promises; each adapter's test runs it. */
import { afterEach, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { channels, kettle, NOW_MS, quarantineOf, readingOf } from './builders.ts'
import type { RawQuery, RawReading, ReadingStore, StoreBatch } from './reading-store.ts'

const DAY_MS = 86_400_000
const wholeDay = { tenant: 'home', from_ms: epochMs(NOW_MS - DAY_MS), to_ms: epochMs(NOW_MS + DAY_MS) }
const batch = (changes: Partial<StoreBatch>): StoreBatch => ({ readings: [], quarantine: [], position: 1, ...changes })

export function describeReadingStore(name: string, make: () => ReadingStore): void {
  const stores: ReadingStore[] = []
  const started = async (): Promise<ReadingStore> => {
    const store = make()
    stores.push(store)
    await store.start()
    await store.prepareType(kettle)
    return store
  }
  const rawOf = async (store: ReadingStore, query: RawQuery): Promise<RawReading[]> => {
    const rows: RawReading[] = []
    for await (const row of store.raw(query)) rows.push(row)
    return rows
  }
  const at = (index: number, values: Readonly<Record<string, number>>, changes: Partial<Reading> = {}): Reading =>
    readingOf(values, { seq: index, observed_at_ms: epochMs(NOW_MS + index * 1_000), ...changes })

  describe(`${name} as a reading store`, () => {
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.stop()
    })

    it('begins empty at position 0', async () => {
      const store = make()
      stores.push(store)
      expect(await store.start()).toEqual({ position: 0 })
      expect(await store.statistics()).toMatchObject({ readings: 0, values: 0, quarantined: 0 })
    })

    it('gives back a reading with every sort of channel, and leaves absent ones out', async () => {
      const store = await started()
      const values = {
        outlet_temperature_c: 71.25,
        outlet_temperature_c_min: 70,
        outlet_temperature_c_max: 72.5,
        board_temperature_c: -0.1,
        float_is_closed: 1,
      }
      const reading = readingOf(values, { boot: 4_294_967_295, seq: 4_294_967_295, hist: true, fw: '1.2.3', texts: [['mode', '“boil” 煮']] })
      await store.write(batch({ readings: [reading] }))
      expect(await rawOf(store, wholeDay)).toEqual([
        {
          tenant: 'home',
          device: 'kettle-1',
          boot: 4_294_967_295,
          seq: 4_294_967_295,
          observed_at_ms: NOW_MS,
          received_at_ms: NOW_MS + 250,
          hist: true,
          fw: '1.2.3',
          v: { outlet_temperature_c: { min: 70, mean: 71.25, max: 72.5 }, board_temperature_c: -0.1, float_is_closed: true, mode: '“boil” 煮' },
        },
      ])
    })

    it('gives back the content key of a device without sequence numbers', async () => {
      const store = await started()
      const seq = 2 ** 52 + 12_345
      await store.write(batch({ readings: [readingOf({ inlet_temperature_c: 1 }, { boot: -1, seq })] }))
      expect((await rawOf(store, wholeDay))[0]).toMatchObject({ boot: -1, seq, fw: null, v: { inlet_temperature_c: 1 } })
    })

    it('orders raw readings by device, boot and sequence, whatever the order of arrival', async () => {
      const store = await started()
      const keys = [
        ['b', 1, 2],
        ['a', 2, 1],
        ['a', 1, 10],
        ['a', 1, 9],
        ['b', 1, 1],
        ['a', -1, 5],
      ] as const
      for (const [index, [device, boot, seq]] of keys.entries()) {
        const texts = [['mode', `m${index}`]] as const
        await store.write(batch({ readings: [readingOf({ inlet_temperature_c: index }, { device, boot, seq, texts })], position: index + 1 }))
      }
      const rows = await rawOf(store, wholeDay)
      expect(rows.map(({ device, boot, seq, v }) => [device, boot, seq, v.inlet_temperature_c, v.mode])).toEqual([
        ['a', -1, 5, 5, 'm5'],
        ['a', 1, 9, 3, 'm3'],
        ['a', 1, 10, 2, 'm2'],
        ['a', 2, 1, 1, 'm1'],
        ['b', 1, 1, 4, 'm4'],
        ['b', 1, 2, 0, 'm0'],
      ])
      expect((await rawOf(store, { ...wholeDay, device: 'b' })).map(({ seq }) => seq)).toEqual([1, 2])
    })

    it('joins the types of a tenant into one stream in order, each with its own columns and texts', async () => {
      const store = await started()
      const pan = { ...kettle, id: 'pan', channels: [channels.float, { ...channels.mode, name: 'lid' }] }
      const pot = { ...kettle, id: 'pot', channels: [channels.inlet] }
      await store.prepareType(pan)
      await store.prepareType(pot)
      const readings = [
        readingOf({ inlet_temperature_c: 1 }, { device: 'a', seq: 2, texts: [['mode', 'boil']] }),
        readingOf({ float_is_closed: 1 }, { device: 'a', seq: 1, type: 'pan', texts: [['lid', 'open']] }, pan),
        readingOf({ inlet_temperature_c: 3 }, { device: 'b', type: 'pot' }, pot),
      ]
      await store.write(batch({ readings: [...readings, readingOf({}, { tenant: 'other', device: 'a' })] }))
      expect((await rawOf(store, wholeDay)).map(({ device, seq, v }) => [device, seq, v])).toEqual([
        ['a', 1, { float_is_closed: true, lid: 'open' }],
        ['a', 2, { inlet_temperature_c: 1, mode: 'boil' }],
        ['b', 1, { inlet_temperature_c: 3 }],
      ])
      expect((await rawOf(store, { ...wholeDay, device: 'b' })).map(({ v }) => v)).toEqual([{ inlet_temperature_c: 3 }])
    })

    it('keeps tenants apart in every query', async () => {
      const store = await started()
      const readings = ['home', 'other'].map((tenant, index) => readingOf({ inlet_temperature_c: index }, { tenant }))
      await store.write(batch({ readings, quarantine: [quarantineOf({ tenant: 'other' })] }))
      expect((await rawOf(store, { ...wholeDay, tenant: 'other' })).map(({ tenant, v }) => [tenant, v])).toEqual([
        ['other', { inlet_temperature_c: 1 }],
      ])
      expect((await store.buckets({ ...wholeDay, device: 'kettle-1', channels: [], maxPoints: 1 })).map(({ mean }) => mean)).toEqual([0])
      expect(await store.quarantined({ tenant: 'home', after: 0, limit: 10 })).toEqual([])
      expect([...(await store.lookup([{ tenant: 'third', device: 'kettle-1', type: 'kettle', boot: 1, seq: 1 }])).keys()]).toEqual([])
      expect(await rawOf(store, { ...wholeDay, tenant: "home' OR '1'='1" })).toEqual([])
    })

    it('cuts by device time, the end excluded', async () => {
      const store = await started()
      await store.write(batch({ readings: [0, 1, 2, 3].map((index) => at(index, { inlet_temperature_c: index })) }))
      const inside = { tenant: 'home', from_ms: epochMs(NOW_MS + 1_000), to_ms: epochMs(NOW_MS + 3_000) }
      expect((await rawOf(store, inside)).map(({ seq }) => seq)).toEqual([1, 2])
      expect((await store.buckets({ ...inside, device: 'kettle-1', channels: ['inlet_temperature_c'], maxPoints: 1 }))[0]).toMatchObject({
        n: 2,
        mean: 1.5,
      })
    })

    it('buckets with mean, extremes and count; aggregated channels bring their own extremes', async () => {
      const store = await started()
      const readings = [
        at(0, { inlet_temperature_c: 10, outlet_temperature_c: 50, outlet_temperature_c_min: 20, outlet_temperature_c_max: 60 }),
        at(1, { inlet_temperature_c: 20, outlet_temperature_c: 70 }),
        at(2, { inlet_temperature_c: 60, float_is_closed: 1 }),
        at(3, { float_is_closed: 0 }),
      ]
      await store.write(batch({ readings }))
      const query = { tenant: 'home', device: 'kettle-1', from_ms: epochMs(NOW_MS), to_ms: epochMs(NOW_MS + 4_000), maxPoints: 2 }
      const row = (second: number, channel: string, mean: number, min: number, max: number, n: number) => ({
        t: NOW_MS + second * 1_000,
        device: 'kettle-1',
        channel,
        mean,
        min,
        max,
        n,
      })
      expect(await store.buckets({ ...query, channels: [] })).toEqual([
        row(0, 'inlet_temperature_c', 15, 10, 20, 2),
        row(0, 'outlet_temperature_c', 60, 20, 70, 2),
        row(2, 'inlet_temperature_c', 60, 60, 60, 1),
        row(2, 'float_is_closed', 0.5, 0, 1, 2),
      ])
      expect((await store.buckets({ ...query, channels: ['float_is_closed', 'mode', 'nothing'] })).map(({ channel }) => channel)).toEqual([
        'float_is_closed',
      ])
      expect(await store.buckets({ ...query, device: 'unknown', channels: [] })).toEqual([])
    })

    it('gives at most the points that were asked for, in whole seconds, and loses no reading (100 seeds)', async () => {
      const store = await started()
      const readings = Array.from({ length: 200 }, (_, index) => at(index * 7, { inlet_temperature_c: index % 90 }))
      await store.write(batch({ readings }))
      for (let seed = 0; seed < 100; seed++) {
        const random = createRandom(`buckets/${seed}`)
        const from = NOW_MS + random.integer(-5_000, 1_000_000)
        const to = from + random.integer(1, 1_000_000)
        const maxPoints = random.integer(1, 50)
        const rows = await store.buckets({
          tenant: 'home',
          device: 'kettle-1',
          channels: ['inlet_temperature_c'],
          from_ms: epochMs(from),
          to_ms: epochMs(to),
          maxPoints,
        })
        const inside = readings.filter((reading) => reading.observed_at_ms >= from && reading.observed_at_ms < to)
        expect(rows.length, `seed buckets/${seed}`).toBeLessThanOrEqual(maxPoints)
        expect(
          rows.reduce((sum, { n }) => sum + n, 0),
          `seed buckets/${seed}`,
        ).toBe(inside.length)
        for (const [index, { t }] of rows.entries()) expect((t - (rows[0]?.t ?? 0)) % 1_000, `seed buckets/${seed} row ${index}`).toBe(0)
      }
    })

    it('gives fewer points of each channel when all together would be too many', async () => {
      const store = await started()
      await store.write(batch({ readings: Array.from({ length: 60 }, (_, index) => at(index, { inlet_temperature_c: 1, float_is_closed: 1 })) }))
      const query = { tenant: 'home', device: 'kettle-1', from_ms: epochMs(NOW_MS), to_ms: epochMs(NOW_MS + 60_000), maxPoints: 60 }
      expect(await store.buckets({ ...query, channels: [], maxBuckets: 240 })).toHaveLength(120)
      // Four channels with numbers, of which two came: 24 / 4 points of each.
      const few = await store.buckets({ ...query, channels: [], maxBuckets: 24 })
      expect([few.length, few.reduce((sum, { n }) => sum + n, 0)]).toEqual([12, 120])
      expect(await store.buckets({ ...query, channels: ['inlet_temperature_c'], maxBuckets: 24 })).toHaveLength(21)
      expect(await store.buckets({ ...query, channels: [], maxBuckets: 1 })).toHaveLength(2)
    })

    it('looks up readings by key, whole, and leaves out what it lacks', async () => {
      const store = await started()
      const reading = readingOf({ inlet_temperature_c: 0.1 + 0.2, float_is_closed: 0 }, { fw: '2', hist: true, texts: [['mode', 'boil']] })
      await store.write(batch({ readings: [reading, { ...reading, seq: 2, texts: [] }] }))
      const found = await store.lookup([reading, { ...reading, seq: 3 }, { ...reading, device: 'unknown' }, { ...reading, boot: 2 }])
      expect([...found]).toEqual([['home/kettle-1/1/1', reading]])
    })

    it('gives the history of a device in the order of device time, whole, both ends included', async () => {
      const store = await started()
      const given = [5, 3, 4, 1, 2].map((second) =>
        at(second, { board_temperature_c: second }, { boot: second === 4 ? 1 : 2, fw: '1.0', texts: second === 3 ? [['mode', 'boil']] : [] }),
      )
      await store.write(batch({ readings: given.slice(0, 2) }))
      await store.write(batch({ readings: [...given.slice(2), at(3, { board_temperature_c: 9 }, { device: 'other' })], position: 2 }))
      const query = { tenant: 'home', device: 'kettle-1', type: kettle.id, from_ms: NOW_MS + 2_000, to_ms: NOW_MS + 4_000 }
      const found: Reading[] = []
      for await (const reading of store.history(query)) found.push(reading)
      expect(found).toEqual([2, 3, 4].map((second) => given.find(({ seq }) => seq === second)))
      for await (const reading of store.history({ ...query, tenant: 'other' })) found.push(reading)
      expect(found).toHaveLength(3)
    })

    it('tells the highest sequence number of each boot of each device', async () => {
      const store = await started()
      expect(await store.highest()).toEqual([])
      const keys = [
        ['a', 1, 7],
        ['a', 1, 3],
        ['a', 2, 1],
        ['b', -1, 2 ** 52 + 9],
      ] as const
      const readings = keys.map(([device, boot, seq]) => readingOf({}, { device, boot, seq }))
      await store.write(batch({ readings: [...readings, readingOf({}, { tenant: 'other', device: 'a', seq: 5 })] }))
      const rows = (await store.highest()).map(({ tenant, device, boot, seq }) => `${tenant}/${device}/${boot}/${seq}`)
      expect(rows.sort()).toEqual(['home/a/1/7', 'home/a/2/1', `home/b/-1/${2 ** 52 + 9}`, 'other/a/1/5'])
    })

    it('takes a checkpoint between writes and beside queries', async () => {
      const store = await started()
      const written = [1, 2, 3].flatMap((seq) => [
        store.write(batch({ readings: [at(seq, { inlet_temperature_c: seq })], position: seq })),
        store.checkpoint(),
      ])
      const reading = rawOf(store, wholeDay)
      await Promise.all(written)
      await reading
      expect((await rawOf(store, wholeDay)).map(({ seq }) => seq)).toEqual([1, 2, 3])
    })

    it('adds the columns of a type that grew, and keeps old readings', async () => {
      const store = await started()
      await store.write(batch({ readings: [readingOf({ float_is_closed: 1 })] }))
      const pressure = { ...channels.inlet, name: 'pressure_kpa' }
      const grown = { ...kettle, channels: [pressure, ...kettle.channels] }
      await store.prepareType(grown)
      await store.prepareType(grown)
      await store.write(batch({ readings: [readingOf({ pressure_kpa: 3, float_is_closed: 0 }, { seq: 2 }, grown)], position: 2 }))
      const rows = await rawOf(store, wholeDay)
      // The memory adapter keeps rows as they came; what counts is that the new ones are right and the old ones are there.
      expect(rows).toHaveLength(2)
      expect(rows[1]?.v).toEqual({ pressure_kpa: 3, float_is_closed: false })
    })

    it('keeps quarantined bytes with reason, times and code, and pages through them', async () => {
      const store = await started()
      const raw = new Uint8Array([1, 2, 3])
      const entries = [
        quarantineOf({ observed_at_ms: epochMs(5), field: '[3].v.x', raw }),
        quarantineOf({ code: 'MDL_INGEST_CONFLICT', raw }),
        quarantineOf({ device: 'kettle-2' }),
      ]
      await store.write(batch({ quarantine: entries }))
      await store.write(batch({ quarantine: [quarantineOf()], position: 2 }))
      const all = await store.quarantined({ tenant: 'home', after: 0, limit: 10 })
      expect(all.map(({ id: _, ...entry }) => ({ ...entry, raw: [...entry.raw] }))).toEqual(
        [...entries, quarantineOf()].map((entry) => ({ ...entry, raw: [...entry.raw] })),
      )
      expect(all.map(({ id }) => id)).toEqual([1, 2, 3, 4])
      expect((await store.quarantined({ tenant: 'home', after: 1, limit: 2 })).map(({ id }) => id)).toEqual([2, 3])
      expect((await store.quarantined({ tenant: 'home', device: 'kettle-2', after: 0, limit: 10 })).map(({ id }) => id)).toEqual([3])
      expect((await store.quarantined({ tenant: 'home', code: 'MDL_INGEST_CONFLICT', after: 0, limit: 10 })).map(({ id }) => id)).toEqual([2])
    })

    it('ends a page of the quarantine with the entry whose bytes reach the bound', async () => {
      const store = await started()
      await store.write(batch({ quarantine: Array.from({ length: 6 }, () => quarantineOf({ raw: new Uint8Array(10) })) }))
      const idsOf = async (after: number, limit: number, maxRawBytes: number): Promise<number[]> =>
        (await store.quarantined({ tenant: 'home', after, limit, maxRawBytes })).map(({ id }) => id)
      expect(await idsOf(0, 9, 21)).toEqual([1, 2, 3])
      expect(await idsOf(3, 9, 20)).toEqual([4, 5])
      expect(await idsOf(0, 9, 1)).toEqual([1])
      expect(await idsOf(0, 2, 60)).toEqual([1, 2])
    })

    it('counts readings, values and quarantine', async () => {
      const store = await started()
      await store.write(
        batch({ readings: [readingOf({ inlet_temperature_c: 1, float_is_closed: 0 }, { texts: [['mode', 'boil']] })], quarantine: [quarantineOf()] }),
      )
      expect(await store.statistics()).toMatchObject({ readings: 1, values: 3, quarantined: 1 })
    })

    it('takes a batch larger than one chunk', async () => {
      const store = await started()
      const readings = Array.from({ length: 5_000 }, (_, index) => at(index, { inlet_temperature_c: index % 100 }, { device: `kettle-${index % 7}` }))
      await store.write(batch({ readings }))
      expect((await rawOf(store, wholeDay)).length).toBe(5_000)
      expect((await rawOf(store, { ...wholeDay, device: 'kettle-3' })).map(({ seq, v }) => [seq % 7, v.inlet_temperature_c === seq % 100])).toEqual(
        readings.filter((reading) => reading.device === 'kettle-3').map(() => [3, true]),
      )
    })
  })
}
