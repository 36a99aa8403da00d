import { describe, expect, it } from 'vitest'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'

const layout = readingLayout(gasWaterHeater)
const MINUTE_MS = 60_000
const BEGIN_MS = 1_700_000_000_000

function aReading(minute: number, values: Readonly<Record<string, number>>): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  const at = epochMs(BEGIN_MS + minute * MINUTE_MS)
  return {
    tenant: 'home',
    device: 'gw1',
    type: 'gas_water_heater',
    boot: 1,
    seq: minute,
    observed_at_ms: at,
    received_at_ms: at,
    hist: false,
    fw: undefined,
    numbers,
    texts: [],
  }
}

/** Minutes from the begin to the first alarm of class E0, undefined when there was none in four hours; a reading each minute. */
function minutesToAlarm(values: (minute: number) => Readonly<Record<string, number>>): number | undefined {
  const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
  for (let minute = 0; minute <= 240; minute++) {
    const raised = engine.decide(aReading(minute, values(minute))).filter((event) => event.kind === 'alarm_raised')
    if (raised.some(({ alarm }) => alarm.safety_class === 'E0')) return minute
  }
  return undefined
}

describe('the rules of the gas water heater', () => {
  it.each([
    // Concentration, not before, by: the times of EN 50291.
    [27, 240, undefined],
    [30, 120, 240],
    [33, 120, 240],
    [45, 60, 90],
    [50, 60, 90],
    [55, 60, 90],
    [90, 10, 40],
    [100, 10, 40],
    [110, 10, 40],
    [270, 0, 3],
    [300, 0, 3],
    [1000, 0, 3],
  ])('alarm at %d ppm in the room not before %d min and by %s min', (ppm, notBefore, by) => {
    const minutes = minutesToAlarm(() => ({ room_co_ppm: ppm }))
    if (by === undefined) return expect(minutes).toBeUndefined()
    expect(minutes).toBeGreaterThanOrEqual(notBefore)
    expect(minutes).toBeLessThanOrEqual(by)
  })

  it.each([
    // One reading at a level, then less than it but more than its half: the alarm is that of the lesser concentration.
    [31, 16, undefined],
    [50, 23, undefined],
    [100, 46, 70],
    [300, 140, 15],
    [31, 29, undefined],
  ])('after one reading of %d ppm, at %d ppm as at those alone (the bound for leaving is none for the hold)', (once, ppm, expected) => {
    expect(minutesToAlarm((minute) => ({ room_co_ppm: minute === 0 ? once : ppm }))).toBe(expected)
  })

  it.each([
    // Mean and deviation of what the sensor says, ppm; not before and by, minutes. By half an hour behind the standard where the mean is at the bound.
    [50, 3, 60, 90],
    [50, 4, 60, 90],
    [48, 3, 60, 90],
    [33, 3, 120, 150],
    [31, 3, 120, 240],
    [36, 5, 120, 150],
    [100, 5, 10, 40],
    [22, 3, 999, 999],
    [10, 4, 999, 999],
  ])('alarm on %d ppm that waver by %d not before %d min and by %d min', (mean, deviation, notBefore, by) => {
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const random = createRandom(`co/${seed}/${mean}`)
      const minutes = minutesToAlarm(() => ({ room_co_ppm: Math.max(0, Math.round(random.normal(mean, deviation))) })) ?? 999
      expect(minutes, seed).toBeGreaterThanOrEqual(notBefore)
      expect(minutes, seed).toBeLessThanOrEqual(by)
    }
  })

  it.each([
    // At the bound each so many minutes and at half of it between: no more than two fifths of the time may lie in dips.
    [30, 16, 12, undefined],
    [45, 23, 7, undefined],
    [30, 16, 2, undefined],
    [33, 28, 4, undefined],
  ])('do not alarm at %d ppm where there are %d but each %d min', (ppm, other, every, expected) => {
    expect(minutesToAlarm((minute) => ({ room_co_ppm: minute % every === 0 ? ppm : other }))).toBe(expected)
  })

  it.each([
    // A reading each so many minutes, one in so many of them less than the bound.
    [50, 44, 5, 6, 90],
    [50, 44, 10, 6, 90],
    [33, 28, 10, 6, 140],
  ])('alarm at %d ppm with %d between, told each %d min, one in %d less, by %d min', (ppm, other, every, oneIn, by) => {
    const told = (minute: number) => ((minute / every) % oneIn === oneIn - 1 ? other : ppm)
    expect(minutesToAlarm((minute) => (minute % every === 0 ? { room_co_ppm: told(minute) } : { ambient_temperature_c: 20 }))).toBeLessThanOrEqual(by)
  })

  it.each([
    [
      [0, 50],
      [5, 44],
      [25, 50],
      [45, 50],
      [70, 50],
      [80, 50],
    ],
    [
      [0, 50],
      [1, 44],
      [26, 50],
      [27, 44],
      [52, 50],
      [53, 44],
      [78, 50],
      [79, 50],
    ],
    [
      [0, 50],
      [5, 44],
      [6, 50],
      [26, 50],
      [50, 50],
      [71, 50],
    ],
    [
      [0, 50],
      [5, 44],
      [6, 50],
      [26, 50],
      [50, 20],
      [71, 50],
      [95, 50],
      [120, 50],
      [142, 50],
    ],
  ])('raise of stored readings behind a fresh one what they raise in order: %j', (...series) => {
    const stored = (isBehind: boolean): string[] => {
      const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
      const now = { received_at_ms: epochMs(BEGIN_MS + 200 * MINUTE_MS) }
      if (isBehind) engine.decide({ ...aReading(200, { ambient_temperature_c: 20 }), ...now })
      return series
        .flatMap(([minute = 0, ppm = 0]) => engine.decide({ ...aReading(minute, { room_co_ppm: ppm }), ...now, hist: true }))
        .flatMap((event) => (event.kind === 'alarm_raised' ? [`${event.alarm.rule} ${(event.alarm.began_at_ms - BEGIN_MS) / MINUTE_MS}`] : []))
    }
    expect(stored(true)).toEqual(stored(false))
  })

  it('complete no hold by the clock whose last word was less than its bound', () => {
    expect(toldOnce(31, (minute) => (minute === 5 ? { room_co_ppm: 29 } : undefined))).toEqual([])
    expect(toldOnce(31, (minute) => (minute === 5 ? { room_co_ppm: 29 } : minute === 8 ? { room_co_ppm: 31 } : undefined))).toEqual([
      'GW-R03D 0-120 31',
    ])
  })

  it('complete the hold of a fresh witness also where a stored one comes behind it', () => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    engine.decide(aReading(60, { room_co_ppm: 50 }))
    engine.decide({ ...aReading(65, { room_co_ppm: 50 }), hist: true, received_at_ms: epochMs(BEGIN_MS + 75 * MINUTE_MS) })
    const told = Array.from({ length: 80 }, (_, index) => 80 + index).flatMap((minute) =>
      engine.completeHolds(BEGIN_MS + minute * MINUTE_MS).flatMap(({ kind }) => (kind === 'alarm_raised' ? [minute] : [])),
    )
    expect(told[0]).toBe(131)
  })

  it.each([
    [60, 76],
    [70, 76],
    [90, 91],
    [120, 121],
  ])('complete the hold of what was stored at minute 60 and comes at minute %d by the clock at minute %d', (received, expected) => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    engine.decide({ ...aReading(60, { room_co_ppm: 100 }), hist: true, received_at_ms: epochMs(BEGIN_MS + received * MINUTE_MS) })
    const told = Array.from({ length: 100 }, (_, index) => 60 + index).flatMap((minute) =>
      engine
        .completeHolds(BEGIN_MS + minute * MINUTE_MS)
        .flatMap((event) => (event.kind === 'alarm_raised' ? [`${event.alarm.rule} ${minute}`] : [])),
    )
    expect(told[0]).toMatch(new RegExp(`^GW-R03B ${expected}$`))
  })

  /** Alarms of class E0 as `rule began-raised value`, in minutes; the value is told in the first minute alone, and the clock is asked each minute. */
  const toldOnce = (ppm: number, others: (minute: number) => Readonly<Record<string, number>> | undefined, hist = false): string[] => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    const told: string[] = []
    for (let minute = 0; minute <= 180; minute++) {
      const values = minute === 0 ? { room_co_ppm: ppm } : others(minute)
      const now = BEGIN_MS + minute * MINUTE_MS
      // What was stored all comes in the last minute.
      const stored = { hist: true, received_at_ms: epochMs(BEGIN_MS + 180 * MINUTE_MS) }
      const events = [
        ...engine.completeHolds(hist ? stored.received_at_ms : now),
        ...(values === undefined ? [] : engine.decide({ ...aReading(minute, values), ...(hist && stored) })),
      ]
      for (const event of events)
        if (event.kind === 'alarm_raised') {
          const { rule, began_at_ms, raised_at_ms, evidence } = event.alarm
          told.push(`${rule} ${(began_at_ms - BEGIN_MS) / MINUTE_MS}-${(raised_at_ms - BEGIN_MS) / MINUTE_MS} ${evidence[0]?.value}`)
        }
    }
    return told
  }

  it.each([
    [300, ['GW-R03A 0-2 300', 'GW-R03B 0-15 300', 'GW-R03C 0-70 300', 'GW-R03D 0-120 300']],
    [50, ['GW-R03C 0-70 50', 'GW-R03D 0-120 50']],
    [30, ['GW-R03D 0-120 30']],
    [29, []],
  ])(
    'complete the hold of %d ppm that were told once and not taken back, while the heater talks of other things and while it is silent',
    (ppm, expected) => {
      expect(toldOnce(ppm, (minute) => ({ ambient_temperature_c: 20 + (minute % 3) }))).toEqual(expected)
      expect(toldOnce(ppm, (minute) => ({ ambient_temperature_c: 20 + (minute % 3) }), true)).toEqual(expected)
      expect(toldOnce(ppm, () => undefined)).toEqual(expected)
    },
  )

  it.each([
    // Told each so many minutes, with nothing between; stored readings, which no clock completes.
    [35, 20, 120],
    [50, 16, 80],
    [50, 20, 80],
    [100, 16, 16],
    [300, 20, 20],
  ])('alarm on %d ppm of which the heater tells each %d min, at the first reading behind the time', (ppm, every, expected) => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    const told = Array.from({ length: 16 }, (_, index) => index * every).flatMap((minute) =>
      engine.decide({ ...aReading(minute, { room_co_ppm: ppm }), hist: true }).flatMap(({ kind }) => (kind === 'alarm_raised' ? [minute] : [])),
    )
    expect(told[0]).toBe(expected)
  })

  it('alarm on no two readings of 50 ppm with more than half an hour between', () => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    const told = [0, 31, 62, 93].flatMap((minute) => engine.decide({ ...aReading(minute, { room_co_ppm: 50 }), hist: true }))
    expect(told).toEqual([])
  })

  it('complete no hold that was taken back, and none of stored readings behind which the heater fell silent', () => {
    expect(toldOnce(50, (minute) => (minute === 60 ? { room_co_ppm: 0 } : { ambient_temperature_c: 20 }))).toEqual([])
    expect(toldOnce(50, (minute) => (minute === 60 ? { room_co_ppm: 0 } : undefined))).toEqual([])
    expect(toldOnce(50, (minute) => (minute < 30 ? { ambient_temperature_c: 20 } : undefined), true)).toEqual([])
  })

  /** Alarms of 60 ppm over two hours, told later in these pieces of 20 minutes, as `rule began-raised`. */
  const toldLater = (pieces: readonly number[], isLiveFirst: boolean, arrange: (piece: Reading[]) => Reading[]): string[] => {
    const engine = createRulesEngine({ types: () => gasWaterHeater, filter: isSafetyRule })
    const at = epochMs(BEGIN_MS + 130 * MINUTE_MS)
    const stored = Array.from({ length: 120 }, (_, minute) => ({ ...aReading(minute, { room_co_ppm: 60 }), hist: true, received_at_ms: at }))
    const live = aReading(130, { room_co_ppm: 0 })
    const sent = pieces.flatMap((piece) => arrange(stored.slice(20 * piece - 20, 20 * piece)))
    return (isLiveFirst ? [live, ...sent] : [...sent, live])
      .flatMap((reading) => [...engine.decide(reading)])
      .flatMap((event) => {
        if (event.kind !== 'alarm_raised') return []
        const { rule, began_at_ms, raised_at_ms } = event.alarm
        return [`${rule} ${(began_at_ms - BEGIN_MS) / MINUTE_MS}-${(raised_at_ms - BEGIN_MS) / MINUTE_MS}`]
      })
  }
  const asTheyAre = (piece: Reading[]): Reading[] => piece
  const swapped = (piece: Reading[]): Reading[] => piece.flatMap((_, index) => piece[index ^ 1] ?? [])

  it.each<[string, number[], (piece: Reading[]) => Reading[], string]>([
    ['in order', [1, 2, 3, 4, 5, 6], asTheyAre, 'GW-R03C 0-70'],
    ['in pieces of which two come twice', [1, 2, 3, 1, 4, 5, 6, 4], asTheyAre, 'GW-R03C 0-70'],
    ['in pieces that are swapped', [2, 1, 4, 3, 6, 5], asTheyAre, 'GW-R03C 0-70'],
    // The 71st minute comes before the 70th.
    ['with neighbours swapped', [1, 2, 3, 4, 5, 6], swapped, 'GW-R03C 0-71'],
    // Told with the fourth piece: what came before that was not known yet.
    ['newest first', [6, 5, 4, 3, 2, 1], asTheyAre, 'GW-R03C 40-110'],
  ])('alarm once on two hours of 60 ppm that the heater stored and sent later %s', (_, pieces, arrange, expected) => {
    expect(toldLater(pieces, true, arrange)).toEqual([expected])
    expect(toldLater(pieces, false, arrange)).toEqual([expected])
  })

  it('do not alarm on a minute of 200 ppm when somebody lights a candle beside the sensor', () => {
    expect(minutesToAlarm((minute) => ({ room_co_ppm: minute === 30 ? 200 : 2 }))).toBeUndefined()
  })

  it('alarm at once at 10 % of the explosive limit, and not at 2 %', () => {
    expect(minutesToAlarm(() => ({ room_gas_lel_pct: 12 }))).toBe(0)
    expect(minutesToAlarm(() => ({ room_gas_lel_pct: 2 }))).toBeUndefined()
  })

  it('alarm on a flame with the gas valve off, and not while it is open', () => {
    expect(minutesToAlarm(() => ({ flame_current_ua: 6, gas_valve_is_open: 0 }))).toBe(1)
    expect(minutesToAlarm(() => ({ flame_current_ua: 6, gas_valve_is_open: 1 }))).toBeUndefined()
  })
})
