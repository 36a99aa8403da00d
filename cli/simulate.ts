/**
 * `simulate` runs a simulated fleet with known faults against a running server: creates its devices by the API, then each publishes
 * over its own MQTT connection, faster than real time until the simulated time is now, then in real time, until Ctrl-C.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import { createMixedFleet, type MixedFleet, shareOut } from '../simulators/mixed-fleet.ts'
import { registrationOf } from '../simulators/registration.ts'
import { type ClientFlags, createClient } from './client.ts'
import { connectDevice, type DeviceConnection } from './device-connection.ts'
import { serviceVerb } from './simulate-service.ts'

interface SimulateFlags extends ClientFlags {
  readonly type: string
  readonly units: string
  readonly days: string
  readonly seed: string
  readonly faultShare: string
  readonly period: string
  readonly speed: string
  readonly tenant: string
  readonly mqtt: string
  readonly prefix: string
  readonly once?: boolean
}

const DAY_MS = 86_400_000
/** Real time between two steps of the fleet. */
const TICK_MS = 200
/** Publishes that wait for their PUBACK at one time; then the fleet waits. */
const IN_FLIGHT_MAX = 500
/** Readings in one payload while the fleet catches up. */
const READINGS_PER_PAYLOAD = 20
const CONNECTS_AT_ONCE = 20

export function simulateVerb(program: Command): void {
  const simulateCommand = program
    .command('simulate')
    .enablePositionalOptions()
    .description('run a simulated fleet with known faults against a running server')
    .option('--type <types>', 'appliance type, several with commas between, or all', 'all')
    .option('--units <n>', 'appliances of all types together', '20')
    .option('--days <n>', 'days before now at which the fleet starts', '7')
    .option('--seed <text>', 'the same seed gives the same fleet', 'street')
    .option('--fault-share <ratio>', 'share of units with a fault', '0.3')
    .option('--period <s>', 'seconds between two readings of a unit', '60')
    .option('--speed <n>', 'times real time until now is reached', '20000')
    .option('--prefix <text>', 'first part of the device ids; the type follows', `sim-${process.pid}`)
    .option('--once', 'end when now is reached')
    .option('--tenant <id>', 'tenant', DEFAULT_TENANT)
    .option('--mqtt <url>', 'broker', 'mqtt://127.0.0.1:1883')
    .option('--url <url>', 'API')
    .option('--key <key>', 'API key')
    .action(simulate)
  serviceVerb(simulateCommand)
}

async function simulate(flags: SimulateFlags): Promise<void> {
  const startMs = Date.now() - positive(flags.days, '--days') * DAY_MS
  const samplePeriodMs = positive(flags.period, '--period') * 1000
  const shares = shareOut(positive(flags.units, '--units'), typesOf(flags.type)).map((share) => ({ ...share, samplePeriodMs }))
  const fleet = createMixedFleet(shares, {
    seed: flags.seed,
    startMs,
    faultShare: Number(flags.faultShare),
    tenant: flags.tenant,
    devicePrefix: flags.prefix,
    readingsPerPayload: READINGS_PER_PAYLOAD,
  })
  const connections = await connectAll(fleet.units, flags)
  console.error(`${connections.size} units publish from ${new Date(startMs).toISOString()}; Ctrl-C ends`)
  let isRunning = true
  process.once('SIGINT', () => {
    isRunning = false
  })
  process.once('SIGTERM', () => {
    isRunning = false
  })
  const speed = positive(flags.speed, '--speed')
  const inFlight = new Set<Promise<void>>()
  const counts = { messages: 0, readings: 0, acknowledged: 0, failed: 0 }
  for (let simulatedMs = startMs; isRunning && !(flags.once === true && simulatedMs >= Date.now() - TICK_MS); ) {
    await sleep(TICK_MS)
    simulatedMs = Math.min(simulatedMs + TICK_MS * speed, Date.now())
    for (const message of fleet.step(simulatedMs)) {
      while (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight)
      const publication = publish(connections, message.device, `mend/v1/${flags.tenant}/${message.device}/tele`, message.payload)
        .then(() => void counts.acknowledged++)
        .catch(() => void counts.failed++)
        .finally(() => inFlight.delete(publication))
      inFlight.add(publication)
      counts.messages++
      counts.readings += message.readings
    }
  }
  await Promise.all(inFlight)
  for (const connection of connections.values()) await connection.end()
  console.log(JSON.stringify({ ...counts, faults: fleet.truth() }))
}

/** The types asked for; all that have a plant when it says so. */
function typesOf(given: string): ApplianceType[] {
  const simulated = applianceTypes.filter(({ id }) => plantModels.has(id))
  if (given === 'all') return simulated
  return given.split(',').map((id) => {
    const type = simulated.find((known) => known.id === id.trim())
    if (type !== undefined) return type
    throw new MendlineError('MDL_CONFIG_INVALID', `--type: ${id} is none of ${simulated.map((known) => known.id).join(', ')}; or say all`)
  })
}

function positive(text: string, flag: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new MendlineError('MDL_CONFIG_INVALID', `${flag}: must be a number above 0`)
}

async function publish(connections: ReadonlyMap<string, DeviceConnection>, device: string, topic: string, payload: string): Promise<void> {
  await connections.get(device)?.publish(topic, payload)
}

/** Creates the devices and connects each with its secret. */
async function connectAll(units: MixedFleet['units'], flags: SimulateFlags): Promise<ReadonlyMap<string, DeviceConnection>> {
  const wanted = units.map((unit) => ({ ...registrationOf(unit), tenant: flags.tenant, max_age_days: Math.ceil(Number(flags.days)) + 2 }))
  const created = (await createClient(flags).send('POST', '/devices', wanted)) as ReadonlyArray<{ device: string; secret: string }>
  const connections = new Map<string, DeviceConnection>()
  for (let from = 0; from < created.length; from += CONNECTS_AT_ONCE) {
    const some = created.slice(from, from + CONNECTS_AT_ONCE)
    const opened = await Promise.all(some.map(({ device, secret }) => connectDevice({ url: flags.mqtt, tenant: flags.tenant, device, secret })))
    some.forEach(({ device }, index) => {
      const connection = opened[index]
      if (connection !== undefined) connections.set(device, connection)
    })
  }
  return connections
}
