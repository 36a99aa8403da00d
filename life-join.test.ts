/** Remaining life as it is joined: age, repairs, usage and the standing diagnosis of a unit, and what the site's failures teach. */
import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { DeviceRecord } from './broker/device-registry.ts'
import { createRemainingLife } from './life-join.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 0, 1)
const record = (device: string, more: Partial<DeviceRecord> = {}): DeviceRecord =>
  ({
    ...{ tenant: 'home', device, type: airConditioner.id, installed_at_ms: NOW_MS - 4 * 365 * DAY_MS, revoked_at_ms: null },
    created_at_ms: NOW_MS - 300 * DAY_MS,
    ...more,
  }) as DeviceRecord

const build = (more: {
  readonly devices?: readonly DeviceRecord[]
  readonly diagnosis?: Partial<Diagnosis>
  readonly repairs?: ReadonlyArray<readonly [string, number]>
  readonly firstFaults?: ReadonlyArray<{ readonly device: string; readonly fault: string; readonly at_ms: number }>
}) => {
  const devices = more.devices ?? [record('ac-1')]
  const window = { device: 'ac-1', kind: 'window' as const, key: '', from_ms: 0, to_ms: 0, data: { readings: 100, running: 50 } }
  return createRemainingLife({
    lifeBook: {
      lastDiagnosis: async () =>
        more.diagnosis === undefined
          ? undefined
          : ({
              diagnosis_id: 'd1',
              answer: 'fault',
              probability: 0.9,
              rivals: [],
              evidence_for: [],
              made_at_ms: NOW_MS - DAY_MS,
              ...more.diagnosis,
            } as unknown as Diagnosis),
      repairs: async () => new Map(more.repairs ?? []),
    },
    cohortBook: { firstFaults: async () => more.firstFaults ?? [] },
    registry: { get: (_tenant, device) => devices.find((one) => one.device === device), list: () => [...devices] },
    types: { find: (_tenant, name) => (name === airConditioner.id ? airConditioner : undefined) },
    truth: { rows: async () => Array.from({ length: 10 }, () => window) },
    clock: { now: () => NOW_MS as ReturnType<import('#kernel/clock.ts').Clock['now']> },
  })
}

const outlook = async (parts: Parameters<typeof build>[0], fault = 'AC-01') => {
  const found = await build(parts).outlook('home', 'ac-1', {})
  const part = found?.faults.find((one) => one.fault === fault)
  if (found === undefined || part === undefined) throw new Error(`no outlook of ${fault}`)
  return { ...found, part }
}

describe('createRemainingLife', () => {
  it('measures the running hours, knows the age and says what is unknown', async () => {
    const { usage, age_years, part } = await outlook({})
    expect(usage).toEqual({ running_h_per_day: 12 })
    expect(age_years).toBeCloseTo(4, 1)
    expect(part).toMatchObject({ usage_known: ['running_h_per_day'], usage_unknown: ['is_coastal'], site_failures: 0, begun_probability: 0 })
  })

  it('takes a standing diagnosis, and leaves out one that a visit has dealt with since', async () => {
    expect((await outlook({ diagnosis: { fault: 'AC-01' } })).part.begun_probability).toBe(0.9)
    const repaired = await outlook({ diagnosis: { fault: 'AC-01' }, repairs: [['AC-01', NOW_MS]] })
    expect(repaired).toMatchObject({ diagnosis_id: null, part: { begun_probability: 0 } })
    expect((await outlook({ diagnosis: { answer: 'no_fault', fault: null } })).diagnosis_id).toBeNull()
  })

  it("learns from the site's own failures", async () => {
    const devices = Array.from({ length: 40 }, (_, index) => record(`ac-${index + 1}`))
    const firstFaults = devices.map(({ device }, index) => ({ device, fault: 'AC-01', at_ms: NOW_MS - (index + 1) * DAY_MS }))
    const { part } = await outlook({ devices, firstFaults })
    expect(part.site_failures).toBe(40)
    expect(part.hazard_per_year.value).toBeGreaterThan(3 * (await outlook({ devices })).part.hazard_per_year.value)
  })

  it('knows nothing of a device that is not registered or of a type without lives', async () => {
    expect(await build({}).outlook('home', 'other', {})).toBeUndefined()
    expect(await build({ devices: [record('ac-1', { type: 'plug' })] }).outlook('home', 'ac-1', {})).toBeUndefined()
    expect((await outlook({ devices: [record('ac-1', { installed_at_ms: null })] })).age_years).toBeNull()
  })
})
