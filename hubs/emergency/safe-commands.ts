/**
 * Publishes the safe-state commands of emergencies straight to the live sessions of devices, again and again until the device answers, the
 * emergency is over or the command's life has ended. It waits for no other book: the twin keeps the same command under the same id for
 * whoever asks later, and a device goes by the id, so that both may send.
 */
import type { Kysely } from 'kysely'
import type { Clock, EpochMs } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { COMMAND_LIFE_MS, type Danger } from './book.ts'
import { commandIdOf } from './command-ids.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'

/** Live sessions of devices. */
export interface CommandChannel {
  /** Writes to each live session that subscribed to the device's commands; gives how many. `onDelivered` = the session's PUBACK. */
  sendCommand(
    message: { readonly tenant: string; readonly device: string; readonly commandId: string; readonly payload: Uint8Array },
    onDelivered: () => void,
  ): number
  /** Told when a session may hear messages of the kind for the device. */
  onListening(listener: (tenant: string, device: string, kind: 'cmd' | 'desired') => void): void
}

/** Waits behind the first, second ... sending to a device that is there; the last goes on. */
export const AGAIN_MS = [5_000, 10_000, 15_000, 30_000, 60_000] as const
/** While the device is away: close together at first, since a reconnect may be on its way. */
const AWAY_MS = { first: 2_000, firstFor: 60_000, later: 15_000 } as const

export const SAFE_STATE = 'safe_state'

/** What the safe-state command says to the device. */
export const safeStatePayload = (alarmId: string, title: string, actions: readonly string[]): Readonly<Record<string, unknown>> => ({
  alarm_id: alarmId,
  reason: title,
  actions,
})

export interface SafeCommands {
  /** Sends what is due of these rows, and notes it. */
  publish(rows: readonly EmergencyBookRow[]): Promise<void>
  /** Sends the command of a danger that could not be written, and gives to how many sessions; it is sent again when it is. */
  publishUnwritten(danger: Danger): number
}

export function createSafeCommands(parts: {
  readonly database: Kysely<EmergencyTables>
  readonly channel: () => CommandChannel | undefined
  /** The session acknowledged the packet. */
  readonly onDelivered: (row: Pick<EmergencyBookRow, 'tenant' | 'emergency_id' | 'command_round'>) => void
  readonly clock: Clock
  readonly log: Log
}): SafeCommands {
  const { database, channel, onDelivered, clock, log } = parts
  const send = (to: { tenant: string; device: string; commandId: string }, body: object, delivered: () => void): number => {
    try {
      return channel()?.sendCommand({ ...to, payload: Buffer.from(JSON.stringify(body)) }, delivered) ?? 0
    } catch (cause) {
      log.error('a safe-state command could not be written to a session', { ...to, cause: String(cause) })
      return 0
    }
  }
  return {
    async publish(rows) {
      const sent = rows
        .filter(({ actions, command_next_at_ms }) => actions !== null && command_next_at_ms !== null)
        .map((row) => {
          const { tenant, device, emergency_id, command_round } = row
          const payload = safeStatePayload(row.alarm_id, row.title_en, JSON.parse(row.actions ?? '[]') as string[])
          const body = { command: SAFE_STATE, payload, expires_at_ms: row.created_at_ms + COMMAND_LIFE_MS }
          const sessions = send({ tenant, device, commandId: commandIdOf(row) }, body, () => onDelivered({ tenant, emergency_id, command_round }))
          return { row, sessions, atMs: clock.now() }
        })
      if (sent.length === 0) return
      await database.transaction().execute(async (transaction) => {
        for (const { row, sessions, atMs } of sent) {
          await transaction
            .updateTable('emg_emergencies')
            .set(noted(row, sessions, atMs))
            .where('emergency_id', '=', row.emergency_id)
            .execute()
        }
      })
    },
    publishUnwritten({ emergencyId, tenant, device, alarmId, title, actions, isPast }) {
      if (actions === undefined || isPast) return 0
      const body = { command: SAFE_STATE, payload: safeStatePayload(alarmId, title.en, actions), expires_at_ms: clock.now() + COMMAND_LIFE_MS }
      const sessions = send({ tenant, device, commandId: emergencyId }, body, () => {})
      if (sessions > 0)
        log.error('a safe-state command was sent before its emergency could be written', { tenant, device, emergency_id: emergencyId, sessions })
      return sessions
    },
  }
}

function noted(row: EmergencyBookRow, sessions: number, atMs: EpochMs): Partial<EmergencyBookRow> {
  if (sessions === 0) {
    const isFirst = atMs - row.created_at_ms < AWAY_MS.firstFor
    return { command_next_at_ms: atMs + (isFirst ? AWAY_MS.first : AWAY_MS.later) }
  }
  const command_next_at_ms = atMs + (AGAIN_MS[row.command_attempts] ?? 60_000)
  const first = row.command_published_at_ms === null ? { command_published_at_ms: atMs } : {}
  const state = row.command_state === 'queued' ? { command_state: 'sent', command_state_at_ms: atMs } : {}
  return { command_attempts: row.command_attempts + 1, command_next_at_ms, ...first, ...state }
}
