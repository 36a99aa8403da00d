/**
 * Sends the safe-state commands that emergencies owe. A command is owed in the store from the transaction that raised the emergency
 * until the sender said that it left; a failure is tried again, also after a restart, so it may be sent more than once and the device
 * must take it so (the command id is the emergency's).
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import type { HubTables } from '../hub-tables.ts'

export interface SafeStateCommand {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Id of the emergency; the same for each retry. */
  readonly commandId: string
  readonly alarmId: string
  readonly title: string
}

/** Publishes the command; main joins it with the broker. */
export type SendSafeState = (command: SafeStateCommand) => Promise<void>

export interface SafeState {
  /** Sends what is owed; called after a commit that may owe something. Resolves when each was tried once. */
  send(): Promise<void>
  stop(): void
}

/** Wait before a failed command is tried again. */
const RETRY_MS = 2_000

/** Commands read at one time; the rest follow with the next turn. */
const BATCH = 100

/** Creates the sender; `send` is also called once at start. */
export function createSafeState(options: { database: Kysely<HubTables>; clock: Clock; log: Log; command: SendSafeState }): SafeState {
  const { database, clock, log, command } = options
  let running: Promise<void> | undefined
  let isWanted = false
  let isStopped = false
  let cancelRetry = (): void => {}

  const turn = async (): Promise<void> => {
    const owed = await database.selectFrom('hub_emergencies').selectAll().where('command_sent_at_ms', 'is', null).limit(BATCH).execute()
    const sent = await Promise.all(
      owed.map(async ({ emergency_id, tenant, device, type, alarm_id, title }) => {
        try {
          await command({ tenant, device, type, commandId: emergency_id, alarmId: alarm_id, title })
          return [emergency_id]
        } catch (cause) {
          log.error('safe-state command failed', { emergency_id, tenant, device, cause })
          return []
        }
      }),
    )
    const ids = sent.flat()
    if (ids.length > 0) {
      await database.updateTable('hub_emergencies').set({ command_sent_at_ms: clock.now() }).where('emergency_id', 'in', ids).execute()
    }
    if (ids.length < owed.length && !isStopped) {
      cancelRetry()
      cancelRetry = clock.after(RETRY_MS, () => void send())
    } else if (owed.length === BATCH) isWanted = true
  }
  const loop = async (): Promise<void> => {
    while (isWanted && !isStopped) {
      isWanted = false
      await turn().catch((cause: unknown) => log.error('owed safe-state commands cannot be read', { cause }))
    }
    running = undefined
  }
  const send = (): Promise<void> => {
    isWanted = true
    running ??= loop()
    return running
  }
  return {
    send,
    stop() {
      isStopped = true
      cancelRetry()
    },
  }
}
