/** Prints how fast the fleet is made: `node simulators/fleet-speed.ts [units] [days]`. */
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { createFleet } from './fleet.ts'

const units = Number(process.argv[2] ?? 200)
const days = Number(process.argv[3] ?? 7)
const startMs = Date.UTC(2026, 6, 1)
const options = { type: airConditioner, units, seed: 'speed', startMs, faultShare: 0.3, samplePeriodMs: 600_000, tenant: 'home' }

const plain = createFleet(options)
const beganMs = performance.now()
let readings = 0
for (const _reading of plain.readings(startMs + days * 86_400_000)) readings += 1
const plainMs = performance.now() - beganMs
const wire = createFleet({ ...options, readingsPerPayload: 50 })
const wireBeganMs = performance.now()
let bytes = 0
for (const message of wire.step(startMs + days * 86_400_000)) bytes += message.payload.length
const wireMs = performance.now() - wireBeganMs
console.log(`${units} units, ${days} days at 10 min: ${readings} readings`)
console.log(`plant and sensors: ${Math.round(readings / (plainMs / 1000))} readings/s, ${((plainMs * 1000) / readings).toFixed(1)} us each`)
console.log(`with wire payloads: ${Math.round(readings / (wireMs / 1000))} readings/s, ${Math.round(bytes / readings)} bytes each`)
