/**
 * Readings that wait, packed to be saved: all their numbers in one array, with absent values left out. A state of a thousand devices holds
 * tens of thousands of them, and saved one by one, each with a row of its own, they were most of its bytes and of the time it took. While they
 * wait they lie in memory as rows (`waiting-rows.ts`).
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { numberColumnsBefore, type Reading } from '#kernel/reading.ts'

export interface PackedReadings {
  /** Absent in what versions before saved, whose columns had min and max behind their channel. */
  readonly order?: 'channels first'
  /** Of each reading: boot, seq, observed_at_ms, received_at_ms, hist, place of its firmware (-1: none), columns, values, then column and value of each. */
  readonly numbers: Float64Array
  readonly firmwares: readonly string[]
  /** Texts of those that have some, by their place among the readings. */
  readonly texts: ReadonlyArray<readonly [place: number, texts: Reading['texts']]>
}

/** The readings again. */
export function unpackReadings({ numbers, firmwares, texts }: PackedReadings, of: Pick<Reading, 'tenant' | 'device' | 'type'>): Reading[] {
  const textsAt = new Map(texts)
  const { tenant, device, type } = of
  const readings: Reading[] = []
  let at = 0
  const next = (): number => numbers[at++] ?? Number.NaN
  while (at < numbers.length) {
    const [boot, seq, observed_at_ms, received_at_ms] = [next(), next(), epochMs(next()), epochMs(next())]
    const [hist, fw, row] = [next() === 1, firmwares[next()], new Float64Array(next()).fill(Number.NaN)]
    for (let left = next(); left > 0; left--) row[next()] = next()
    readings.push({
      tenant,
      device,
      type,
      boot,
      seq,
      observed_at_ms,
      received_at_ms,
      hist,
      fw,
      numbers: row,
      texts: textsAt.get(readings.length) ?? [],
    })
  }
  return readings
}

/** Readings that a version before saved, with their rows in the order of now; of a type that is not known they stay as they are. */
export function inOrderOfNow(readings: readonly Reading[], type: ApplianceType | undefined): readonly Reading[] {
  if (type === undefined) return readings
  const before = numberColumnsBefore(type.channels)
  const { columns } = readingLayout(type)
  return readings.map((reading) => {
    if (reading.numbers.length !== before.length) return reading
    return { ...reading, numbers: Float64Array.from(columns, (column) => reading.numbers[before.indexOf(column)] ?? Number.NaN) }
  })
}
