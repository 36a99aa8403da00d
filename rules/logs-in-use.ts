/**
 * Which devices have a log of late readings, by when it was used last. A log is dropped a little more than a day behind its last use, since no
 * late reading is asked about after that, or when all of them together are too large; then the one that was not used for longest.
 */
import { KEPT_MS, type LateLog } from './late-log.ts'

interface HasLate {
  late: { readonly log: LateLog } | undefined
}

/** Readings in all logs (chosen: about 100 MB with a type of ten rules). */
const READINGS_MAX = 4_000_000
export interface LogsInUse {
  /** The log of the device is used at a time of the platform; drops those that are due. */
  use(device: HasLate, nowMs: number): void
  leave(device: HasLate): void
  clear(): void
}

/** `readings_MAX`: bound of the readings in all logs. */
export function createLogsInUse(readings_MAX: number = READINGS_MAX): LogsInUse {
  /** Length of each log when it was used last, least recently used first. */
  const lengths = new Map<HasLate, number>()
  let readings = 0
  const leave = (device: HasLate): void => {
    readings -= lengths.get(device) ?? 0
    lengths.delete(device)
  }
  return {
    use(device, nowMs) {
      leave(device)
      const length = device.late?.log.length ?? 0
      lengths.set(device, length)
      readings += length
      for (const [oldest] of lengths) {
        const isDue = oldest.late === undefined || oldest.late.log.usedMs < nowMs - KEPT_MS || readings > readings_MAX
        if (oldest === device || !isDue) return
        leave(oldest)
        oldest.late = undefined
      }
    },
    leave,
    clear() {
      lengths.clear()
      readings = 0
    },
  }
}
