/** The port of the truth in time as the API's tests use it, and their present instant. */
import type { ApiPorts, DeviceRecord } from './ports.ts'

export const NOW_MS = Date.UTC(2026, 0, 15, 12)

export const memoryTruth = (note: (port: string, argument: unknown) => void): ApiPorts['truth'] => ({
  async latest(device) {
    note('latest', device)
    return [{ channel: 'power_w', value: 5, observed_at_ms: NOW_MS, received_at_ms: NOW_MS + 100 }]
  },
  async rows(query) {
    note('rows', query)
    if (query.kind === 'anomaly') {
      const data = { score: 1.5, flagged: true, contributions: [{ channel: 'power_w', share: 1 }] }
      return [{ ...query, key: '', from_ms: 600_000, to_ms: 1_200_000, data }]
    }
    const data = { firmware: null, recipe_version: 1, readings: 3, running: 2, settled: 1, is_diagnosable: false, features: [1.5, null] }
    return [1, 2, 3].map((hour) => ({ ...query, key: '', from_ms: hour, to_ms: hour + 1, data })).slice(0, query.limit)
  },
  async gaps(query) {
    note('gaps', query)
    const hole = { from_seq: 3, to_seq: 4, from_ms: NOW_MS, to_ms: NOW_MS + 1, opened_at_ms: NOW_MS, closed_at_ms: null }
    return [{ id: 7, tenant: query.tenant, device: query.device ?? 'ac-1', boot: 1, ...hole }]
  },
})

export function deviceRecord(device: string, tenant = 'home'): DeviceRecord {
  const places = { site: null, household: null, building: null, outage_area: null, batch: null, time_zone: null }
  const known = { tenant, device, type: 'air_conditioner', max_age_days: 30, created_at_ms: NOW_MS, ...places }
  return { ...known, model: null, serial: null, firmware: null, installed_at_ms: null, revoked_at_ms: null }
}
