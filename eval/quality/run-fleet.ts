/** Runs a simulated fleet through the quality fold, sound or with injected sensor faults, and gives the states that it found. */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { createQuality } from '../../ingest/quality/quality.ts'
import { createFleet } from '../../simulators/fleet.ts'
import type { InjectedFault } from './sensor-faults.ts'

export interface FleetRun {
  readonly type: ApplianceType
  readonly units: number
  readonly days: number
  readonly periodMs: number
  readonly seed: string
  readonly startMs: number
  /** Firmware of a device from a time on; undefined = its own. */
  readonly firmwareOf: (device: string, atMs: number) => string | undefined
  readonly faults: ReadonlyMap<string, InjectedFault>
}

export interface FleetResult {
  readonly devices: readonly string[]
  /** The last record of each key, in the order in which the states were found. */
  readonly states: readonly ChannelState[]
  readonly readings: number
  readonly foldMs: number
}

const DAY_MS = 86_400_000

export function runFleet({ type, units, days, periodMs, seed, startMs, firmwareOf, faults }: FleetRun): FleetResult {
  const fleet = createFleet({ type, units, seed, startMs, faultShare: 0, samplePeriodMs: periodMs, tenant: 'eval' })
  const quality = createQuality({ types: () => type })
  const layout = readingLayout(type)
  const columns = type.channels.map((channel) => layout.indexOf.get(channel.name) ?? -1)
  const places = new Map(type.channels.map((channel, index) => [channel.name, index]))
  const found = new Map<string, ChannelState>()
  let readings = 0
  let foldMs = 0
  for (const { device, boot, seq, observed_at_ms, fw, values, texts } of fleet.readings(startMs + days * DAY_MS)) {
    const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
    const fault = faults.get(device)
    const isFaulty = fault !== undefined && observed_at_ms >= fault.onsetMs
    const place = fault === undefined ? -1 : places.get(fault.channel)
    columns.forEach((column, index) => {
      if (column < 0) return
      const value = values[index] ?? Number.NaN
      numbers[column] = isFaulty && index === place && !Number.isNaN(value) ? fault.apply(value, observed_at_ms) : value
    })
    const reading: Reading = {
      tenant: 'eval',
      device,
      type: type.id,
      boot,
      seq,
      observed_at_ms: epochMs(observed_at_ms),
      received_at_ms: epochMs(observed_at_ms),
      hist: false,
      fw: (isFaulty ? fault.firmware : undefined) ?? firmwareOf(device, observed_at_ms) ?? fw,
      numbers,
      texts: [...texts],
    }
    const begin = performance.now()
    const { changes } = quality.observe(reading)
    foldMs += performance.now() - begin
    readings++
    for (const change of changes) found.set(`${change.device}/${change.channel}/${change.state}/${change.begin_ms}`, change)
  }
  return { devices: fleet.devices, states: [...found.values()], readings, foldMs }
}
