/** Row 1.6 of the features: a firmware that changes a unit must not silently move a threshold. */
import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { type ApplianceType, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createQuality } from '../../ingest/quality/quality.ts'
import { JUMP_VALUES } from '../../ingest/quality/unit-jump.ts'
import { createRulesEngine } from '../../rules/engine.ts'
import { createFleet, type FirmwareUpdate } from '../../simulators/fleet.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START_MS = Date.UTC(2026, 6, 1)
const UPDATE_MS = START_MS + 60 * HOUR_MS
const CHANNEL = 'supply_air_temperature_c'

/** An ordinary rule, at once: supply air hotter than 45 C while cooling. */
const hotSupply: Rule = {
  id: 'T-1',
  version: 1,
  safetyClass: 'E3',
  fault: null,
  title: { en: 'Supply air hot while cooling', 'zh-CN': '制冷时送风过热' },
  advice: { en: '', 'zh-CN': '' },
  when: {
    all: [
      { channel: CHANNEL, op: '>', value: 45, unit: 'c' },
      { channel: 'cooling_is_on', op: '==', value: 1, unit: 'none' },
    ],
  },
  holdMs: 0,
  clearHoldMs: 0,
  gapMs_MAX: 15 * MINUTE_MS,
  opensWorkOrder: false,
  source: 'test',
}
const type: ApplianceType = { ...airConditioner, rules: [hotSupply] }

function run(update: FirmwareUpdate) {
  const fleet = createFleet({
    type,
    units: 12,
    seed: 'fw-3',
    startMs: START_MS,
    faultShare: 0,
    samplePeriodMs: 5 * MINUTE_MS,
    tenant: 'home',
    update,
    confusers: [],
  })
  const quality = createQuality({ types: () => type })
  const rules = () => createRulesEngine({ types: () => type, filter: () => true })
  const [gated, ungated] = [rules(), rules()]
  const column = readingLayout(type).indexOf.get(CHANNEL) ?? -1
  const result = {
    gatedAlarms: 0,
    ungatedAlarms: 0,
    valuesUntilFound: new Map<string, number>(),
    jumped: new Set<string>(),
    devices: fleet.devices.length,
  }
  for (const { device, payload, atMs } of fleet.step(START_MS + 84 * HOUR_MS)) {
    const message = {
      tenant: 'home',
      device,
      type: type.id,
      kind: 'tele' as const,
      payload: new TextEncoder().encode(payload),
      received_at_ms: epochMs(atMs),
      maxAgeDays: 30,
    }
    for (const reading of decodeMessage(message, type, limits).readings) {
      const { changes, trusted } = quality.observe(reading)
      for (const { state, channel } of changes) {
        // What lies out of range in the new unit is refused, so the channel may be missing at rest as well.
        expect([state, channel]).toEqual([state === 'missing' ? 'missing' : 'unit_jump', CHANNEL])
        if (state === 'unit_jump') result.jumped.add(device)
      }
      const isSent = !Number.isNaN(reading.numbers[column] ?? Number.NaN)
      if (atMs >= UPDATE_MS && isSent && !result.jumped.has(device))
        result.valuesUntilFound.set(device, (result.valuesUntilFound.get(device) ?? 0) + 1)
      result.gatedAlarms += gated.decide(reading, trusted).length
      result.ungatedAlarms += ungated.decide(reading).length
    }
  }
  return result
}

describe('a firmware change', () => {
  it('that sends Fahrenheit is a unit jump of each unit; rules on the channel are gated and no ordinary alarm comes', () => {
    const result = run({ atMs: UPDATE_MS, fw: '3.0.0', rescale: { channel: CHANNEL, factor: 1.8, offset: 32 } })
    expect(result.jumped.size).toBe(result.devices)
    // Half an hour of settling at a value each five minutes, and three values in like conditions.
    expect(Math.max(...result.valuesUntilFound.values())).toBeLessThan(30 / 5 + JUMP_VALUES)
    expect(result.ungatedAlarms).toBeGreaterThan(0)
    expect(result.gatedAlarms).toBe(0)
  })

  it('that changes no channel leaves every channel sound', () => {
    expect(run({ atMs: UPDATE_MS, fw: '3.0.0' })).toMatchObject({ gatedAlarms: 0, ungatedAlarms: 0, jumped: new Set() })
  })
})
