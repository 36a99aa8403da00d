/** What is learned as the normal of a unit, counted by fault. */
import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { aWindow, HOUR, pump, reference } from '../../models/test-builders.ts'
import type { LabelledUnit } from './dataset.ts'
import { learnedLine, learnedWindows } from './learned-windows.ts'

const prior = { noise: 1, constant: 2, slope: 0.1 }
const unitPart = { drivers: ['ambient_c'], windows: 1000, responses: reference.responses.map(() => prior) }
/** Stands at 10 K for 40 hours; from then on a fault lifts it by 0.2 K an hour, or not at all. */
const unitOf = (growth: number): LabelledUnit => ({
  seed: 's',
  device: 'd1',
  weeks: 1,
  windows: Array.from({ length: 100 }, (_, index) =>
    aWindow(index, { ambient_c: 20, lift_k: 10 + growth * Math.max(0, index - 40), power_w: 500, running_ratio: 0.5, idle_offset_k: 0 }),
  ),
  truths:
    growth === 0
      ? []
      : [
          {
            device: 'd1',
            fault: 'K-01',
            onset_ms: epochMs(40 * HOUR),
            full_ms: epochMs(80 * HOUR),
            severity_max: 1,
            repaired_ms: undefined,
          },
        ],
})
const learned = (departure?: { windows: number; z: number }) =>
  learnedWindows(pump, [unitOf(0.2), unitOf(0)], { reference: { ...reference, unit: { ...unitPart, ...(departure && { departure }) } } })

describe('windows learned as normal', () => {
  it('are counted by fault from where it is present, and those of sound units for themselves', () => {
    const [fault, sound] = learned()
    expect(fault).toMatchObject({ fault: 'K-01', windows: 51, learned: 51 })
    expect(sound).toMatchObject({ fault: undefined, windows: 140, learned: 140 })
  })

  it('are fewer with a bound on departures, and of sound units as many', () => {
    const [fault, sound] = learned({ windows: 3, z: 0.8 })
    expect(fault?.learned).toBeLessThan(10)
    expect(sound?.learned).toBe(140)
    expect(learnedLine(learned({ windows: 3, z: 0.8 }))).toMatch(/^K-01 \d+ % of 51, without fault 100 % of 140$/)
  })
})
