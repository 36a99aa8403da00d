/** Joins the twin to what it follows and asks: the journal's messages about settings and commands, the registry and the types, the hubs. */
import type { Kysely } from 'kysely'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { WithdrawCommand } from './hubs/emergency/withdraw-commands.ts'
import type { HubsOptions } from './hubs/hubs.ts'
import { parsePayload } from './ingest/decode-json.ts'
import type { Journal } from './ingest/journal.ts'
import { decodeRecord, kindOfRecord } from './ingest/record.ts'
import { cancelCommand, giveCommand } from './twin/command-book.ts'
import { createTwin, type TwinStage } from './twin/twin.ts'
import type { TwinTables } from './twin/twin-tables.ts'
import type { Releases } from './workers/releases.ts'

/** Takes back a command that no device has answered, in a transaction of its own. */
export function withdrawFrom(database: Kysely<unknown>, clock: Pick<Clock, 'now'>): WithdrawCommand {
  return ({ tenant, device, commandId }) =>
    database.transaction().execute(async (transaction) => {
      const twin = transaction as unknown as Kysely<TwinTables>
      const found = twin.selectFrom('twin_commands').select(['state', 'ended_at_ms']).where('tenant', '=', tenant).where('device', '=', device)
      const row = await found.where('command_id', '=', commandId).executeTakeFirst()
      if (row === undefined) return 'unknown'
      // A device that accepted is at it, and says itself how it ends.
      if (row.ended_at_ms === null && row.state !== 'accepted')
        await cancelCommand(twin, { tenant, commandId, actor: 'emergency', nowMs: clock.now() })
      return 'ended'
    })
}

interface TwinJoints {
  readonly operations: { readonly database: Kysely<unknown> }
  readonly registry: { get(tenant: string, device: string): { readonly type: string; readonly revoked_at_ms: number | null } | undefined }
  readonly types: { find(tenant: string, name: string): ApplianceType | undefined }
  readonly journal: Journal
  readonly releases: Releases<'pipeline' | 'safety' | 'twin'>
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export function joinTwin(joints: TwinJoints): TwinStage {
  const { operations, registry, types, journal, releases, limits } = joints
  return createTwin({
    ...joints,
    database: operations.database as Kysely<TwinTables>,
    journal,
    messageOf(body) {
      const kind = kindOfRecord(body)
      return kind === 'reported' || kind === 'ack' ? decodeRecord(body) : undefined
    },
    parsePayload: (payload) => parsePayload(payload, limits.jsonDepth_MAX),
    settingsOf(tenant, device) {
      const record = registry.get(tenant, device)
      if (record === undefined || record.revoked_at_ms !== null) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
      return types.find(tenant, record.type)?.settings
    },
    onReleasable: (position) => releases.done('twin', position),
  })
}

/** How the hubs give commands and take them back, in the transaction of their decision. */
export function commandsOfHubs(twin: () => TwinStage | undefined, limits: Limits): NonNullable<HubsOptions['commands']> {
  return {
    give: (transaction, command, nowMs) => giveCommand(transaction as unknown as Kysely<TwinTables>, command, { nowMs, limits }),
    async cancel(transaction, command, nowMs) {
      await cancelCommand(transaction as unknown as Kysely<TwinTables>, { ...command, nowMs }).catch((error: unknown) => {
        // One that ran, was refused or is gone needs no end.
        const hasEnded = error instanceof MendlineError && (error.code === 'MDL_TWIN_COMMAND_ENDED' || error.code === 'MDL_API_NOT_FOUND')
        if (!hasEnded) throw error
      })
    },
    given: (commands) => twin()?.commandsGiven(commands),
  }
}
