/**
 * Prints what the fleet costs at a reading a minute with its wire payloads: `node simulators/fleet-speed.ts [units a type] [hours]`,
 * by type, and the share of a core that 10,000 devices of all types take at real time.
 */
import { plantModels } from '#catalogue/physics-registry.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { createFleet } from './fleet.ts'

const STATED_DEVICES = 10_000
const units = Number(process.argv[2] ?? 50)
const hours = Number(process.argv[3] ?? 48)
const startMs = Date.UTC(2026, 6, 1)
const costs: number[] = []

for (const type of applianceTypes) {
  if (!plantModels.has(type.id)) continue
  const fleet = createFleet({ type, units, seed: 'speed', startMs, faultShare: 0.3, samplePeriodMs: 60_000, tenant: 'home' })
  const before = process.cpuUsage()
  let messages = 0
  let bytes = 0
  for (const { payload } of fleet.step(startMs + hours * 3_600_000 - 1)) {
    messages += 1
    bytes += payload.length
  }
  const { user, system } = process.cpuUsage(before)
  const cost = (user + system) / 1e6 / (units * hours)
  costs.push(cost)
  const perMessage = Math.round(bytes / Math.max(1, messages))
  console.log(
    `${type.id}: ${cost.toExponential(2)} CPU-s a device-hour; ${messages} messages of ${perMessage} bytes from ${units} units in ${hours} h`,
  )
}
const mean = costs.reduce((sum, cost) => sum + cost, 0) / Math.max(1, costs.length)
console.log(`${STATED_DEVICES} devices of all types at real time: ${((mean * STATED_DEVICES * 100) / 3600).toFixed(2)} % of a core`)
