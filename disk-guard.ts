/**
 * Looks once a second how much room the disk of the data folder has. Below the reserve ingest takes nothing more, so that the stores that
 * follow the journal can still write what was acknowledged; reading goes on. With room again it takes by itself. Both are told to the hubs,
 * once each, and again until the operational store could keep it.
 */
import { statfs } from 'node:fs/promises'
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'

export interface DiskGuard {
  /** Looks once, then on and on. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Empty when there is room. */
  finding(): string
  statistics(): Readonly<Record<string, number>>
}

export interface DiskGuardParts {
  readonly directory: string
  /** Tells ingest why it takes nothing, or undefined that it takes again. */
  readonly refuse: (reason: string | undefined) => void
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'diskReserveMib' | 'diskLookMs'>
  /** Room in bytes; of the machine when absent. */
  readonly freeBytes?: (directory: string) => Promise<number>
}

const MIB = 2 ** 20
/** There is room again when so much more than the reserve is free, so that a disk at its edge does not swing. */
const RETURN_RATIO = 1.1

const freeOnDisk = async (directory: string): Promise<number> => {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

export function createDiskGuard(parts: DiskGuardParts): DiskGuard {
  const { directory, refuse, apply, clock, log, limits, freeBytes = freeOnDisk } = parts
  const reserve = limits.diskReserveMib * MIB
  let free = Number.POSITIVE_INFINITY
  let isFull = false
  let timesFull = 0
  let untold: HubEvent[] = []
  let isStopped = false
  let cancel: () => void = () => {}
  let looking: Promise<void> = Promise.resolve()

  const reason = (): string => `${Math.floor(free / MIB)} MiB are free on the disk, ${limits.diskReserveMib} MiB are kept in reserve`
  const turn = (): void => {
    const detail = { free_bytes: free, reserve_bytes: reserve, state: isFull ? 'full' : 'room' }
    if (isFull) log.error('the disk is as full as it may be: nothing is acknowledged until there is room', detail)
    else log.info('the disk has room again', detail)
    const atMs = clock.now()
    const key = `system_alarm:disk:${detail.state}:${atMs}`
    // A disk that swings while nothing can be told is told by its last change.
    untold = [{ kind: 'system_alarm', key, tenant: DEFAULT_TENANT, at_ms: atMs, subject: 'disk', detail }]
  }
  const tell = async (): Promise<void> => {
    const events = untold
    if (events.length === 0) return
    try {
      await apply(events)
      if (untold === events) untold = []
    } catch (error) {
      log.debug('the alarm of the disk could not be kept yet', { cause: String(error) })
    }
  }
  const look = async (): Promise<void> => {
    try {
      free = await freeBytes(directory)
    } catch (error) {
      log.warn('the room of the disk cannot be asked for', { cause: String(error) })
      return
    }
    const wasFull = isFull
    isFull = free < (wasFull ? reserve * RETURN_RATIO : reserve)
    if (isFull) refuse(reason())
    if (isFull === wasFull) return
    if (isFull) timesFull++
    else refuse(undefined)
    turn()
  }
  const again = (): void => {
    if (isStopped) return
    cancel = clock.after(limits.diskLookMs, () => {
      looking = look().then(tell).finally(again)
    })
  }

  return {
    async start() {
      await look()
      looking = tell().finally(again)
    },
    async stop() {
      isStopped = true
      cancel()
      await looking
    },
    finding: () => (isFull ? reason() : ''),
    statistics: () => ({ free_bytes: Number.isFinite(free) ? free : 0, reserve_bytes: reserve, is_full: Number(isFull), times_full: timesFull }),
  }
}
