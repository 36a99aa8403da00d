/**
 * Bound of the firmware versions of one device. A device that writes something new into `fw` with each reading would fill the store's
 * list of versions for everybody, so from the bound on a new version of it is stored as absent, and the quarantine names the first one.
 * The answer is a function of the log alone; the state is saved with dedup's.
 */

import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import { assert } from '#kernel/errors.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'

export interface BoundedReadings {
  readonly readings: readonly Reading[]
  readonly quarantine: readonly QuarantineEntry[]
}

export interface FirmwareBound {
  /** Gives the readings of one message back, those with a version beyond the bound without it. */
  bound(readings: readonly Reading[], message: AcceptedMessage | undefined): BoundedReadings
  /** Plain data for a structured clone or JSON. */
  snapshot(): unknown
  restore(state: unknown): void
}

interface DeviceVersions {
  readonly versions: string[]
  isReported: boolean
}

type State = ReadonlyArray<readonly [device: string, versions: readonly string[], isReported: boolean]>

const NONE: readonly QuarantineEntry[] = []
const NO_BYTES = new Uint8Array(0)

/** Creates a memory without versions. */
export function createFirmwareBound(firmwaresPerDevice_MAX: number): FirmwareBound {
  const devices = new DeviceMap<DeviceVersions>()

  const put = (tenant: string, device: string, made: DeviceVersions): DeviceVersions => {
    devices.set(tenant, device, made)
    return made
  }
  const memoryOf = ({ tenant, device }: Reading): DeviceVersions =>
    devices.get(tenant, device) ?? put(tenant, device, { versions: [], isReported: false })

  const isWithin = ({ versions }: DeviceVersions, fw: string): boolean => {
    if (versions.includes(fw)) return true
    if (versions.length >= firmwaresPerDevice_MAX) return false
    versions.push(fw)
    return true
  }

  return {
    bound(readings, message) {
      let memory: DeviceVersions | undefined
      let kept: Reading[] | undefined
      let quarantine = NONE
      for (let index = 0; index < readings.length; index++) {
        const reading = readings[index]
        if (reading?.fw === undefined) continue
        // The readings of a message are of one device.
        memory ??= memoryOf(reading)
        if (isWithin(memory, reading.fw)) continue
        kept ??= [...readings]
        kept[index] = { ...reading, fw: undefined }
        if (memory.isReported) continue
        memory.isReported = true
        quarantine = [tooManyVersions(reading, message, firmwaresPerDevice_MAX)]
      }
      return { readings: kept ?? readings, quarantine }
    },
    snapshot: (): State =>
      devices.entries().map(([tenant, device, { versions, isReported }]) => [`${tenant}/${device}`, [...versions], isReported] as const),
    restore(state) {
      assert(Array.isArray(state), 'the state of the firmware bound is a list')
      devices.clear()
      for (const [key, versions, isReported] of state as State) {
        const slash = key.indexOf('/')
        put(key.slice(0, slash), key.slice(slash + 1), { versions: [...versions], isReported })
      }
    },
  }
}

function tooManyVersions(reading: Reading, message: AcceptedMessage | undefined, bound: number): QuarantineEntry {
  return {
    tenant: reading.tenant,
    device: reading.device,
    received_at_ms: reading.received_at_ms,
    observed_at_ms: reading.observed_at_ms,
    code: 'MDL_INGEST_FIELD_INVALID',
    field: 'fw',
    reason: `more than ${bound} firmware versions of one device; this and further new ones are left out, the readings are stored`,
    kind: message?.kind ?? 'tele',
    raw: message?.payload ?? NO_BYTES,
  }
}
