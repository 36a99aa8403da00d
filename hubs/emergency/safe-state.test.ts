import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { CommandNote, NewCommand } from '#kernel/command.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { raised, STORY_MS, testType } from '../hub-builders.ts'
import { type HubTables, hubMigrations } from '../hub-tables.ts'
import { createHubs } from '../hubs.ts'

const fire = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })

async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const events: Array<{ readonly type: string; readonly data: object }> = []
  const commands: NewCommand[] = []
  const failures = { left: 0 }
  const hubs = createHubs({
    database,
    catalogue: (type) => (type === testType.id ? testType : undefined),
    clock: new ManualClock(STORY_MS),
    log: silentLog,
    commands: {
      give: async () => {
        if (failures.left-- > 0) throw new MendlineError('MDL_STORE_UNAVAILABLE', 'away', { retryable: true })
      },
      given: (given) => commands.push(...given),
    },
    onCommitted: (committed) => events.push(...committed),
  })
  return {
    ...{ hubs, database, commands, failures },
    emergency: async () => (await hubs.emergencies({ tenant: 'home' })).items[0],
    escalated: () => events.filter(({ type }) => type === 'mendline.emergency.escalated.v1').map(({ data }) => data),
    noted(state: CommandNote['state']): HubEvent {
      const command_id = commands[0]?.commandId ?? ''
      const note: CommandNote = { command_id, tenant: 'home', device: 'unit-1', state, reason: null, at_ms: STORY_MS as CommandNote['at_ms'] }
      return { kind: 'command_moved', key: `command/${command_id}/${state}`, note }
    },
    [Symbol.asyncDispose]: () => operations.close(),
  }
}

describe('the safe-state command of an emergency', () => {
  it('is written with it or not at all', async () => {
    await using b = await bench()
    b.failures.left = 1
    await expect(b.hubs.apply([fire])).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    expect(await b.emergency()).toBeUndefined()
    expect(b.commands).toEqual([])
    await b.hubs.apply([fire])
    expect(await b.emergency()).toMatchObject({ command_state: 'queued', command_sent_at_ms: null })
    expect(b.commands).toMatchObject([{ name: 'safe_state', actor: 'emergency', isFollowed: true }])
  })

  it('is given at a start to an emergency of before that has none, under the same id', async () => {
    await using b = await bench()
    await b.hubs.apply([fire])
    await b.database.updateTable('hub_emergencies').set({ command_id: null, command_state: null }).execute()
    await b.hubs.start()
    await b.hubs.start()
    expect(b.commands).toHaveLength(2)
    expect(b.commands[1]?.commandId).toBe(b.commands[0]?.commandId)
    expect(await b.emergency()).toMatchObject({ command_state: 'queued' })
  })

  it('shows how far it came, and is escalated once when nobody acknowledges it in time', async () => {
    await using b = await bench()
    await b.hubs.apply([fire])
    await b.hubs.apply([b.noted('sent')])
    expect(await b.emergency()).toMatchObject({ command_state: 'sent', command_sent_at_ms: STORY_MS })
    expect(b.escalated()).toEqual([])
    await b.hubs.apply([b.noted('overdue'), b.noted('overdue')])
    expect(b.escalated()).toMatchObject([{ command_state: 'overdue', device: 'unit-1', safety_class: 'E0' }])
    const answer = b.noted('done')
    if (answer.kind === 'command_moved') await b.hubs.apply([{ ...answer, key: 'of another unit', note: { ...answer.note, device: 'unit-2' } }])
    expect(await b.emergency()).toMatchObject({ command_state: 'overdue' })
    await b.hubs.apply([answer])
    expect(await b.emergency()).toMatchObject({ command_state: 'done', command_sent_at_ms: STORY_MS })
    expect(b.escalated()).toHaveLength(1)
  })

  it('is escalated when the device refuses or it ends unanswered', async () => {
    await using b = await bench()
    await b.hubs.apply([fire])
    await b.hubs.apply([b.noted('refused'), b.noted('expired')])
    expect(b.escalated()).toMatchObject([{ command_state: 'refused' }, { command_state: 'expired' }])
  })
})
