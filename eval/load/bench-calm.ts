/**
 * Rows of a calm fleet: the wait for PUBACK at 5,000 messages a second from 500 devices, ours beside mosquitto, which stores nothing; and
 * the delay of our main thread meanwhile, with windows closing and models running: the devices' clocks run ahead by a minute a message.
 */
import { type Figure, median, readMetrics } from './bench-figures.ts'
import { anonymous } from './bench-throughput.ts'
import { type LoadDevice, runLoad } from './mqtt-load.ts'
import type { RunningServer } from './servers.ts'

export interface CalmOptions {
  readonly ours: RunningServer
  readonly mosquitto: RunningServer | undefined
  readonly devices: readonly LoadDevice[]
  readonly runs: number
  readonly seconds: number
}

const RATE = 5_000
const DEVICES = 500
const MINUTE_MS = 60_000
const DAYS_BACK_MS = 20 * 86_400_000
/** Boots of these runs, apart from those of the other rows. */
const FIRST_BOOT = 1_000

export async function measureCalm({ ours, mosquitto, devices, runs, seconds }: CalmOptions): Promise<Figure[]> {
  const waits = new Map<RunningServer, number[]>()
  const delays: number[] = []
  const messages = RATE * seconds
  const startMs = Date.now() - DAYS_BACK_MS
  for (let run = 0; run < runs; run++) {
    for (const server of [ours, ...(mosquitto === undefined ? [] : [mosquitto])]) {
      const known = server === ours ? devices.slice(0, DEVICES) : anonymous(DEVICES)
      const offsetMs = (run * messages * MINUTE_MS) / DEVICES
      const observedAtMs = (seq: number): number => startMs + offsetMs + seq * MINUTE_MS
      const onConnected = (): void => {
        if (server === ours) void readMetrics(ours.httpPort ?? 0, [])
      }
      const load = { port: server.mqttPort, devices: known, inFlight: 50, messages, rate: RATE, boot: FIRST_BOOT + run, observedAtMs, onConnected }
      const result = await runLoad(load)
      // The first second is the one in which connections and code warm up.
      waits.set(server, [...(waits.get(server) ?? []), result.waitBetween(Math.min(1, seconds / 4), seconds, 0.99)])
      if (server === ours) delays.push(...(await readMetrics(ours.httpPort ?? 0, ['mendline_main_loop_delay_p99_ms'])))
    }
  }
  const own = median(waits.get(ours) ?? [])
  const figures: Figure[] = [
    { name: `PUBACK p99 at ${RATE} messages/s from ${DEVICES} devices, durable`, value: own, unit: 'ms' },
    { name: 'event-loop delay p99 of the main thread meanwhile', value: median(delays), unit: 'ms', floor: { max: 20 }, goal: 5 },
  ]
  if (mosquitto === undefined) return figures
  const other = median(waits.get(mosquitto) ?? [])
  const peer = { name: `the same of ${mosquitto.name}, not durable`, value: other, unit: 'ms' }
  return [...figures, peer, { name: `PUBACK p99 over that of ${mosquitto.name}`, value: own / other, unit: 'x', floor: { max: 6 }, goal: 3 }]
}
