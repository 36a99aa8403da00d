/**
 * Sends the safe-state commands that emergencies owe. A command is owed in the store from the transaction that raised the emergency
 * until the sender said that it left; a failure is tried again, also after a restart, so it may be sent more than once and the device
 * must take it so (the command id is the emergency's).
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import type { EmergencyRow, HubTables } from '../hub-tables.ts'

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

/** Time that a command may take to leave; then it counts as failed. A hanging one delays no other. */
const TIMEOUT_MS = 10_000

/** Commands on their way at one time; the rest follow as these end. */
const IN_FLIGHT_MAX = 100

/** Creates the sender; `send` is also called once at start. */
export function createSafeState(options: { database: Kysely<HubTables>; clock: Clock; log: Log; command: SendSafeState }): SafeState {
  const { database, clock, log, command } = options
  const inFlight = new Set<string>()
  let isStopped = false
  let cancelRetry = (): void => {}

  const sendOne = async ({ emergency_id, tenant, device, type, alarm_id, title }: EmergencyRow): Promise<void> => {
    try {
      await withinTime(clock, command({ tenant, device, type, commandId: emergency_id, alarmId: alarm_id, title }))
      await database.updateTable('hub_emergencies').set({ command_sent_at_ms: clock.now() }).where('emergency_id', '=', emergency_id).execute()
    } catch (cause) {
      log.error('safe-state command failed', { emergency_id, tenant, device, cause })
      retryLater()
    } finally {
      inFlight.delete(emergency_id)
    }
  }
  const retryLater = (): void => {
    cancelRetry()
    if (!isStopped)
      cancelRetry = clock.after(RETRY_MS, () => void send().catch((cause: unknown) => log.error('owed commands cannot be read', { cause })))
  }
  const send = async (): Promise<void> => {
    const room = IN_FLIGHT_MAX - inFlight.size
    if (isStopped || room <= 0) return retryLater()
    const owed = database.selectFrom('hub_emergencies').selectAll().where('command_sent_at_ms', 'is', null).orderBy('created_at_ms')
    const rows = await (inFlight.size === 0 ? owed : owed.where('emergency_id', 'not in', [...inFlight])).limit(room).execute()
    // Another call may have begun one of them while this one read.
    const fresh = rows.filter((row) => !inFlight.has(row.emergency_id))
    for (const row of fresh) inFlight.add(row.emergency_id)
    if (rows.length === room) retryLater()
    await Promise.all(fresh.map(sendOne))
  }
  return {
    send,
    stop() {
      isStopped = true
      cancelRetry()
    },
  }
}

function withinTime(clock: Clock, sending: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(TIMEOUT_MS, () => reject(new Error('the command did not leave in time')))
    sending.then(resolve, reject).finally(cancel)
  })
}
