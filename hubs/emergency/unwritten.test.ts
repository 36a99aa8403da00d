import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openOperations } from '../../operations/open-database.ts'
import { cleared } from '../hub-builders.ts'
import { emergencyBench, fire, roster } from './emergency-builders.ts'

/** A book in which nothing can be written. */
async function fullBook() {
  const b = await emergencyBench(openOperations)
  await b.hub.setRoster('home', roster, 'test')
  await b.database.schema.alterTable('emg_steps').renameTo('away').execute()
  /** The safety consumer gives the danger again each 200 ms. */
  const give = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 200) {
      await b.hub.apply([fire]).catch(() => {})
      await b.pass(200, 200)
    }
  }
  const mend = () =>
    b.database.schema
      .alterTable('away' as 'emg_steps')
      .renameTo('emg_steps')
      .execute()
  return { b, give, mend, [Symbol.asyncDispose]: b[Symbol.asyncDispose] }
}

describe('a danger that cannot be written', () => {
  it('is commanded at the pace of every command, and calls who is on duty at once and once', async () => {
    await using t = await fullBook()
    await t.give(200)
    expect([t.b.sent.length, t.b.calls.map(({ target }) => target)]).toEqual([1, ['li@example.com']])
    expect(t.b.calls[0]).toMatchObject({ subject: expect.stringContaining('[E0]'), body: expect.stringContaining('House 9') })
    await t.give(60_000)
    // At 0, 5, 15, 30 and 60 s.
    expect(t.b.sent).toHaveLength(5)
    expect(t.b.calls).toHaveLength(1)
    await t.mend()
    await t.give(200)
    expect(await t.b.emergency()).toMatchObject({ state: 'raised', owner: 'li' })
    expect(t.b.sent).toHaveLength(6)
  })

  it('is commanded the moment its device is back, and calls again until a way takes it', async () => {
    await using t = await fullBook()
    t.b.moods.sessions = 0
    t.b.moods.areCallsTaken = false
    await t.give(6_000)
    expect(t.b.sent).toEqual([])
    expect(t.b.calls).toHaveLength(2)
    t.b.moods.sessions = 1
    t.b.moods.areCallsTaken = true
    await t.give(200)
    expect(t.b.sent).toHaveLength(1)
    await t.give(20_000)
    expect(t.b.calls).toHaveLength(3)
  })

  it('that the book knows already calls nobody beside it', async () => {
    await using b = await emergencyBench(openOperations)
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    await b.hub.settled()
    await sql`CREATE TRIGGER full BEFORE INSERT ON emg_emergencies BEGIN SELECT RAISE(ABORT, 'disk is full'); END`.execute(b.database)
    await expect(b.hub.apply([fire])).rejects.toThrow(/full/)
    await b.hub.settled()
    expect(b.calls).toHaveLength(1)
  })

  it('calls as soon as its roster can be read', async () => {
    await using t = await fullBook()
    await t.b.database.schema.alterTable('emg_rosters').renameTo('unread').execute()
    await t.give(6_000)
    expect(t.b.calls).toEqual([])
    await t.b.database.schema
      .alterTable('unread' as 'emg_rosters')
      .renameTo('emg_rosters')
      .execute()
    await t.give(6_000)
    expect(t.b.calls.map(({ target }) => target)).toEqual(['li@example.com'])
    await t.give(20_000)
    expect(t.b.calls).toHaveLength(1)
  })

  it('calls as soon as its roster makes sense', async () => {
    await using t = await fullBook()
    const setZone = (zone: string) =>
      t.b.database
        .updateTable('emg_rosters')
        .set({ roster: JSON.stringify({ ...roster, time_zone: zone }) })
        .execute()
    await setZone('No/Where')
    await t.give(6_000)
    expect(t.b.calls).toEqual([])
    await setZone('UTC')
    await t.give(6_000)
    expect(t.b.calls.map(({ target }) => target)).toEqual(['li@example.com'])
  })

  it('does not end the process when its device comes back', async () => {
    await using b = await emergencyBench(openOperations)
    const listeners: Array<(tenant: string, device: string, kind: 'cmd') => void> = []
    b.hub.speakThrough({ sendCommand: () => 0, onListening: (listener) => void listeners.push(listener) })
    await b.hub.apply([fire])
    const failures: unknown[] = []
    const note = (cause: unknown): void => void failures.push(cause)
    process.on('unhandledRejection', note)
    await sql`CREATE TRIGGER full BEFORE UPDATE ON emg_emergencies BEGIN SELECT RAISE(ABORT, 'disk is full'); END`.execute(b.database)
    for (const listener of listeners) listener('home', 'unit-1', 'cmd')
    await expect(b.hub.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })])).rejects.toThrow(/full/)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(failures).toEqual([])
    await sql`DROP TRIGGER full`.execute(b.database)
  })
})
