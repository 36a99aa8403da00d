/**
 * Rows of throughput: two shapes of load over all servers in turn, in messages per CPU-second of each server. The first round warms up and
 * does not count (half as long before a single one). Where a server stores, its time runs on until everything is stored.
 */
import { type Figure, median } from './bench-figures.ts'
import { type LoadDevice, runLoad } from './mqtt-load.ts'
import type { RunningServer } from './servers.ts'

export interface Shape {
  readonly name: string
  readonly clients: number
  readonly inFlight: number
  readonly messages: number
  /** Of the design, for the ratio to a peer by its name. */
  readonly bounds: Readonly<Record<string, { readonly floor: number; readonly goal?: number }>>
}

export interface Sample {
  readonly messagesPerS: number
  readonly messagesPerCpuS: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly clientCpuUs: number
}

export interface Row extends Sample {
  readonly server: string
  readonly shape: string
}

export interface ThroughputOptions {
  readonly servers: readonly RunningServer[]
  /** Devices that `ours` knows; the other servers take anybody. */
  readonly ours: RunningServer
  readonly devices: readonly LoadDevice[]
  readonly shapes: readonly Shape[]
  readonly runs: number
}

export async function measureThroughput({ servers, ours, devices, shapes, runs }: ThroughputOptions): Promise<{ rows: Row[]; readingsPerS: number }> {
  const rows: Row[] = []
  const stored = new Map<RunningServer, number>()
  const total = { messages: 0, seconds: 0 }
  let boot = 0
  for (const shape of shapes) {
    const samples = new Map<string, Sample[]>()
    for (let run = 0; run <= runs; run++) {
      const given = run === 0 && runs === 1 ? shape.messages / 2 : shape.messages
      boot++
      for (const server of servers) {
        const known = server === ours ? devices.slice(0, shape.clients) : anonymous(shape.clients)
        const messages = (stored.get(server) ?? 0) + given
        stored.set(server, messages)
        const { sample, seconds } = await measure(server, { ...shape, messages: given, devices: known, boot, storedMessages: messages })
        if (server === ours) {
          total.messages += given
          total.seconds += seconds
        }
        if (run > 0) samples.set(server.name, [...(samples.get(server.name) ?? []), sample])
      }
    }
    for (const [server, list] of samples) rows.push({ server, shape: shape.name, ...medians(list) })
  }
  return { rows, readingsPerS: (total.messages * 8) / total.seconds }
}

interface Measured {
  readonly devices: readonly LoadDevice[]
  readonly inFlight: number
  readonly messages: number
  readonly boot: number
  /** Messages that the server must hold afterwards. */
  readonly storedMessages: number
}

async function measure(server: RunningServer, load: Measured): Promise<{ sample: Sample; seconds: number }> {
  let cpuBefore = 0
  let startedMs = 0
  const onConnected = (): void => {
    cpuBefore = server.cpuSeconds()
    startedMs = performance.now()
  }
  const result = await runLoad({ port: server.mqttPort, ...load, onConnected })
  await server.untilStored?.(load.storedMessages)
  const seconds = (performance.now() - startedMs) / 1000
  const sample = {
    messagesPerS: result.messagesPerS,
    messagesPerCpuS: result.acknowledged / Math.max(server.cpuSeconds() - cpuBefore, 0.01),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    clientCpuUs: (result.clientCpuSeconds * 1e6) / result.acknowledged,
  }
  return { sample, seconds }
}

export const anonymous = (count: number): LoadDevice[] =>
  Array.from({ length: count }, (_, index) => ({ tenant: 'home', device: `bench-${index}`, secret: 'x' }))

function medians(samples: readonly Sample[]): Sample {
  const of = (field: keyof Sample): number => median(samples.map((sample) => sample[field]))
  return {
    messagesPerS: of('messagesPerS'),
    messagesPerCpuS: of('messagesPerCpuS'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    clientCpuUs: of('clientCpuUs'),
  }
}

export function printRows(rows: readonly Row[]): void {
  console.log(`${'shape'.padEnd(28)} ${'server'.padEnd(38)} messages/s  per CPU-second   PUBACK p50         p99   client CPU`)
  for (const row of rows) {
    const { messagesPerS, messagesPerCpuS, p50Ms, p99Ms, clientCpuUs } = row
    const speeds = `${Math.round(messagesPerS).toString().padStart(10)} ${Math.round(messagesPerCpuS).toString().padStart(15)}`
    const waits = `${p50Ms.toFixed(1).padStart(9)} ms ${p99Ms.toFixed(1).padStart(8)} ms ${clientCpuUs.toFixed(1).padStart(9)} us`
    console.log(`${row.shape.padEnd(28)} ${row.server.padEnd(38)} ${speeds} ${waits}`)
  }
}

/** Messages per CPU-second of ours over those of each peer, shape by shape. */
export function ratioFigures(rows: readonly Row[], ours: string, shapes: readonly Shape[]): Figure[] {
  return rows
    .filter(({ server }) => server === ours)
    .flatMap((row) =>
      rows
        .filter(({ shape, server }) => shape === row.shape && server !== ours)
        .map((peer): Figure => {
          const bound = shapes.find(({ name }) => name === row.shape)?.bounds[peer.server]
          const figure = { name: `per CPU-second, ${row.shape} vs ${peer.server}`, value: row.messagesPerCpuS / peer.messagesPerCpuS, unit: 'x' }
          return bound === undefined ? figure : { ...figure, floor: { min: bound.floor }, ...(bound.goal === undefined ? {} : { goal: bound.goal }) }
        }),
    )
}
