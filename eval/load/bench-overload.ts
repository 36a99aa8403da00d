/**
 * Rows of overload: a fleet goes from 1,000 to 10,000 messages a second for a while and back. Nothing acknowledged may be lost, a danger
 * (E0) that comes meanwhile must become an alarm in time, and the wait for PUBACK must be as before within five seconds.
 */
import { connectAsync } from 'mqtt'
import { type Figure, median } from './bench-figures.ts'
import { type LoadDevice, runLoad } from './mqtt-load.ts'
import { createDevices, startMendline } from './servers.ts'

const CALM_RATE = 1_000
const HIGH_RATE = 10_000
const DEVICES = 500
const BEFORE_S = 4
const RECOVERY_S = 5
const AFTER_S = 5
const DANGERS = 8
/** From PUBLISH to the alarm in the API, p99 of all hops up to there (design, section 2: decision within 1 s). */
const DANGER_WITHIN_MS = 1_000

export async function measureOverload(highS: number): Promise<Figure[]> {
  const server = await startMendline()
  try {
    const devices = await createDevices(server.httpPort ?? 0, DEVICES, 'load')
    const endangered = await createDevices(server.httpPort ?? 0, DANGERS, 'danger')
    const endS = BEFORE_S + highS
    const rate = (elapsedS: number): number => (elapsedS >= BEFORE_S && elapsedS < endS ? HIGH_RATE : CALM_RATE)
    const messages = CALM_RATE * (BEFORE_S + RECOVERY_S + AFTER_S) + HIGH_RATE * highS
    const running = runLoad({ port: server.mqttPort, devices, inFlight: 200, messages, rate })
    const tellMs: number[] = []
    await pause(BEFORE_S * 1000)
    for (const device of endangered) {
      tellMs.push(await raiseDanger(device, server.mqttPort, server.httpPort ?? 0))
      await pause((highS * 800) / DANGERS)
    }
    const result = await running
    await server.untilStored?.(messages + DANGERS)
    const beforeMs = result.waitBetween(1, BEFORE_S, 0.99)
    const duringMs = result.waitBetween(BEFORE_S, endS, 0.99)
    const afterMs = result.waitBetween(endS + RECOVERY_S, endS + RECOVERY_S + AFTER_S, 0.99)
    return [
      {
        name: `acknowledged and not stored, ${CALM_RATE} to ${HIGH_RATE} messages/s for ${highS} s`,
        value: messages - result.acknowledged,
        unit: '',
        floor: { max: 0 },
      },
      { name: 'a danger meanwhile, PUBLISH to alarm, slowest', value: Math.max(...tellMs), unit: 'ms', floor: { max: DANGER_WITHIN_MS } },
      { name: 'a danger meanwhile, median', value: median(tellMs), unit: 'ms' },
      { name: 'PUBACK p99 before', value: beforeMs, unit: 'ms' },
      { name: 'PUBACK p99 during', value: duringMs, unit: 'ms' },
      { name: `PUBACK p99 from ${RECOVERY_S} s after on`, value: afterMs, unit: 'ms' },
      { name: 'PUBACK p99 after over before', value: afterMs / beforeMs, unit: 'x', floor: { max: 2 } },
    ]
  } finally {
    await server.stop()
  }
}

/** A terminal that burns; gives the time until the API tells of the alarm. */
async function raiseDanger({ tenant, device, secret }: LoadDevice, mqttPort: number, httpPort: number): Promise<number> {
  const name = `${tenant}:${device}`
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { protocolVersion: 4, clientId: name, username: name, password: secret })
  const v = { board_temperature_c: 110, outdoor_temperature_c: 30, compressor_current_a: 5 }
  const startedMs = performance.now()
  await client.publishAsync(`mend/v1/${tenant}/${device}/tele`, JSON.stringify({ ts: Date.now(), seq: 1, boot: 1, v }), { qos: 1 })
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/alarms?device=${device}`, { headers: { authorization: 'Bearer dev' } })
    const { items } = (await answer.json()) as { items: ReadonlyArray<{ device: string }> }
    const isThere = items.some((alarm) => alarm.device === device)
    const elapsedMs = performance.now() - startedMs
    if (isThere || elapsedMs > 20_000) {
      await client.endAsync(true)
      return isThere ? elapsedMs : Number.POSITIVE_INFINITY
    }
    await pause(20)
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
