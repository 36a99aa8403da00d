import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import { NOW_MS, readingOf } from '../builders.ts'
import { createQuality, type Quality } from './quality.ts'
import { JUMP_VALUES } from './unit-jump.ts'

const MINUTE_MS = 60_000
const layout = readingLayout(airConditioner)
const power = layout.indexOf.get('power_w') ?? -1

/** An air conditioner that runs at about 900 W; what comes of its channels is changed from a minute on. */
function run(quality: Quality, minutes: readonly [from: number, to: number], options: { fw: string; scale?: (value: number) => number }) {
  const changes: Array<ChannelState & { readonly minute: number }> = []
  const isTrusted: boolean[] = []
  for (let minute = minutes[0]; minute < minutes[1]; minute++) {
    const random = createRandom(`air/${minute}`)
    const watts = Math.round(900 + random.normal(0, 80))
    const values = { compressor_frequency_hz: 50, power_w: options.scale?.(watts) ?? watts, room_temperature_c: 24 + random.normal(0, 0.2) }
    const reading = readingOf(
      values,
      { type: airConditioner.id, fw: options.fw, observed_at_ms: epochMs(NOW_MS + minute * MINUTE_MS) },
      airConditioner,
    )
    const output = quality.observe(reading)
    changes.push(...output.changes.map((change) => ({ ...change, minute })))
    isTrusted.push(!Number.isNaN(output.trusted[power] ?? Number.NaN))
  }
  return { changes, isTrusted }
}

const create = (): Quality => createQuality({ types: () => airConditioner })

describe('unit jump after a firmware change', () => {
  it('is said within three values in like conditions, and the channel is not trusted from the first of them on', () => {
    const quality = create()
    expect(run(quality, [0, 600], { fw: '1.0.0' }).changes).toEqual([])
    const after = run(quality, [600, 700], { fw: '2.0.0', scale: (watts) => watts / 1_000 })
    expect(after.changes).toMatchObject([
      {
        state: 'unit_jump',
        channel: 'power_w',
        begin_ms: NOW_MS + 600 * MINUTE_MS,
        minute: 600 + JUMP_VALUES - 1,
        firmware: '2.0.0',
        detail: { scale: 'divided by 1000', firmware_before: '1.0.0' },
      },
    ])
    expect(after.isTrusted.every((isTrusted) => !isTrusted)).toBe(true)
  })

  it('ends with the third value that fits the old scale again', () => {
    const quality = create()
    run(quality, [0, 600], { fw: '1.0.0' })
    run(quality, [600, 700], { fw: '2.0.0', scale: (watts) => watts / 10 })
    const corrected = run(quality, [700, 800], { fw: '2.0.1' })
    expect(corrected.changes).toMatchObject([{ state: 'unit_jump', begin_ms: NOW_MS + 600 * MINUTE_MS, end_ms: NOW_MS + 702 * MINUTE_MS }])
    expect(corrected.isTrusted.slice(0, 2)).toEqual([false, false])
    expect(corrected.isTrusted.slice(2).every((isTrusted) => isTrusted)).toBe(true)
  })

  it('is not said of a firmware that changes nothing: the channel is trusted again after three values', () => {
    const quality = create()
    run(quality, [0, 600], { fw: '1.0.0' })
    const after = run(quality, [600, 700], { fw: '2.0.0' })
    expect(after.changes).toEqual([])
    expect(after.isTrusted.indexOf(true)).toBe(JUMP_VALUES - 1)
  })

  it('is not said without a firmware change, nor when too little is known from before', () => {
    const quality = create()
    run(quality, [0, 600], { fw: '1.0.0' })
    const scale = (watts: number): number => watts / 1_000
    expect(run(quality, [600, 700], { fw: '1.0.0', scale }).changes.filter(({ state }) => state === 'unit_jump')).toEqual([])
    const young = create()
    run(young, [0, 40], { fw: '1.0.0' })
    expect(run(young, [40, 140], { fw: '2.0.0', scale }).changes.filter(({ state }) => state === 'unit_jump')).toEqual([])
  })
})
