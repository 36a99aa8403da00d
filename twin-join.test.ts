/** What the end of a danger takes back from the twin: a command that no device has answered, of the unit and tenant that it is of. */
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from './operations/open-database.ts'
import { giveCommand } from './twin/command-book.ts'
import { type TwinTables, twinMigrations } from './twin/twin-tables.ts'
import { withdrawFrom } from './twin-join.ts'

const clock = new ManualClock(1_000_000)
const of = { tenant: 'home', device: 'gw-1', commandId: 'em_1' }
let operations: Operations
let database: Kysely<TwinTables>
beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(twinMigrations)
  database = operations.database as unknown as Kysely<TwinTables>
  const command = { ...of, name: 'safe_state', payload: {}, actor: 'emergency', expiresAtMs: clock.now() + 60_000 }
  await giveCommand(database, { ...command, acknowledgeByMs: clock.now() + 30_000, isFollowed: true }, { nowMs: clock.now(), limits })
})
afterEach(() => operations.close())
const stateOf = async () => (await database.selectFrom('twin_commands').select(['state', 'reason']).executeTakeFirstOrThrow()).state
const withdraw = (given: Partial<typeof of> = {}) => withdrawFrom(operations.database, clock)({ ...of, ...given })

describe('a safe-state command of a danger that is over', () => {
  it('is cancelled where no device has answered it, and then again changes nothing', async () => {
    expect(await withdraw()).toBe('ended')
    expect(await stateOf()).toBe('cancelled')
    expect(await withdraw()).toBe('ended')
  })

  it.each(['accepted', 'done'])('is left to a device that has %s it', async (state) => {
    const ended_at_ms = state === 'done' ? epochMs(clock.now()) : null
    await database.updateTable('twin_commands').set({ state, ended_at_ms }).execute()
    expect(await withdraw()).toBe('ended')
    expect(await stateOf()).toBe(state)
  })

  it('is not known of another unit, tenant or id, and stays', async () => {
    for (const other of [{ device: 'gw-2' }, { tenant: 'beta' }, { commandId: 'em_2' }]) expect(await withdraw(other)).toBe('unknown')
    expect(await stateOf()).toBe('queued')
  })
})
