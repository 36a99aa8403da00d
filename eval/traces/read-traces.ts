/** Reads the recordings of the tracebase set: the power of one appliance over one local day, about a sample a second. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export interface DeviceDay {
  readonly kind: string
  readonly device: string
  /** `YYYY-MM-DD`. */
  readonly day: string
  readonly timesMs: Float64Array
  readonly watts: Float64Array
}

/** Paths below the folder, by device and day. */
export function listTraces(folder: string): ReadonlyArray<Pick<DeviceDay, 'kind' | 'device' | 'day'> & { readonly path: string }> {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: kind }) =>
      readdirSync(join(folder, kind)).flatMap((file) => {
        const [, device, day] = /^(dev_[0-9A-F]+)_(\d{4}\.\d{2}\.\d{2})\.csv\.gz$/.exec(file) ?? []
        return device === undefined || day === undefined ? [] : [{ kind, device, day: day.replaceAll('.', '-'), path: join(folder, kind, file) }]
      }),
    )
    .sort((a, b) => (a.device + a.day < b.device + b.day ? -1 : 1))
}

/** One recording; lines are `DD/MM/YYYY HH:mm:ss;watts;mean watts`, taken as UTC. */
export function readTrace({ kind, device, day, path }: ReturnType<typeof listTraces>[number]): DeviceDay {
  const dayMs = Date.parse(`${day}T00:00:00Z`)
  const times: number[] = []
  const watts: number[] = []
  for (const line of gunzipSync(readFileSync(path)).toString('latin1').split('\n')) {
    if (line.length < 21) continue
    const second = Number(line.slice(11, 13)) * 3_600 + Number(line.slice(14, 16)) * 60 + Number(line.slice(17, 19))
    const value = Number(line.slice(20, line.indexOf(';', 20)))
    if (!Number.isFinite(second) || !Number.isFinite(value)) continue
    times.push(dayMs + second * 1_000)
    watts.push(value)
  }
  return { kind, device, day, timesMs: Float64Array.from(times), watts: Float64Array.from(watts) }
}
