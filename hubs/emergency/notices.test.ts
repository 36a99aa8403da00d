import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { STORY_MS } from '../hub-builders.ts'
import { emergencyBench, fire, roster } from './emergency-builders.ts'
import { type EmergencyTables, emergencyMigrations, type NoticeRow } from './emergency-tables.ts'
import { type Call, createNotices } from './notices.ts'

/** The loop over a book in memory; mails hang until it stops, chats are taken. */
async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(emergencyMigrations)
  const database = operations.database as unknown as Kysely<EmergencyTables>
  const clock = new ManualClock(STORY_MS)
  const mails: Call[] = []
  const chats: Call[] = []
  const moods = { areMailsTaken: false }
  const noted: string[] = []
  const hang = ({ signal }: Call): Promise<void> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('hung'))))
  const notices = createNotices({
    ...{ database, clock, log: silentLog, onTaken: async ({ notice_id }) => void noted.push(notice_id) },
    callers: {
      async email(call) {
        mails.push(call)
        if (!moods.areMailsTaken) await hang(call)
      },
      async chat(call) {
        chats.push(call)
      },
    },
  })
  const put = (notice_id: string, given: Partial<NoticeRow> = {}) => {
    const words = { subject: 's', body: 'b', person: 'p', channel: 'email', target: 'li@example.com' }
    const pending = { state: 'pending', attempt_count: 0, next_at_ms: clock.now(), created_at_ms: clock.now(), settled_at_ms: null, error: null }
    return database
      .insertInto('emg_notices')
      .values({ notice_id, emergency_id: `em_${notice_id}`, tenant: 'home', ...words, ...pending, ...given })
      .execute()
  }
  return {
    ...{ database, clock, mails, chats, moods, noted, notices, put },
    async [Symbol.asyncDispose]() {
      await notices.stop()
      await operations.close()
    },
  }
}

describe('calls to people', () => {
  it('by chat are made while a mail server hangs, however many mails are owed', async () => {
    await using b = await bench()
    for (let mail = 0; mail < 300; mail++) await b.put(`mail-${mail}`, { target: `person-${mail}@example.com` })
    b.notices.start()
    await expect.poll(() => b.mails.length).toBe(32)
    await b.put('chat', { channel: 'chat', target: 'https://chat.example.com/ann', tenant: 'away' })
    b.notices.wake()
    await expect.poll(() => b.noted).toEqual(['chat'])
    expect(b.mails).toHaveLength(32)
  })

  it('leave one address that hangs its share alone, and reach the addresses behind it', async () => {
    await using b = await bench()
    for (let mail = 0; mail < 200; mail++) await b.put(`hung-${mail}`)
    await b.put('other', { target: 'ann@example.com' })
    b.notices.start()
    await expect.poll(() => b.mails.map(({ target }) => target)).toContain('ann@example.com')
    expect(b.mails.filter(({ target }) => target === 'li@example.com')).toHaveLength(8)
  })

  it('are made for the first time before others are tried again, which leave room for what comes', async () => {
    await using b = await bench()
    for (let mail = 0; mail < 40; mail++) {
      await b.put(`again-${mail}`, { target: `old-${mail}@example.com`, attempt_count: 3, next_at_ms: b.clock.now() - 1_000 })
    }
    for (let mail = 0; mail < 10; mail++) await b.put(`new-${mail}`, { target: `new-${mail}@example.com` })
    b.notices.start()
    await expect.poll(() => b.mails.length).toBe(26)
    expect(b.mails.slice(0, 10).every(({ target }) => target.startsWith('new-'))).toBe(true)
    await b.put('late', { target: 'late@example.com' })
    b.notices.wake()
    await expect.poll(() => b.mails.map(({ target }) => target)).toContain('late@example.com')
  })

  it('that were taken are not made again when that cannot be noted, and are noted when it can', async () => {
    await using b = await bench()
    b.moods.areMailsTaken = true
    await b.put('one')
    await b.database.schema.alterTable('emg_notices').addColumn('guard', 'integer').execute()
    const { sql } = await import('kysely')
    await sql`CREATE TRIGGER full BEFORE UPDATE ON emg_notices BEGIN SELECT RAISE(ABORT, 'disk is full'); END`.execute(b.database)
    b.notices.start()
    for (let second = 0; second < 30; second++) {
      b.clock.advance(1_000)
      await b.notices.settled()
    }
    expect(b.mails).toHaveLength(1)
    expect(b.noted).toEqual([])
    await sql`DROP TRIGGER full`.execute(b.database)
    b.clock.advance(5_000)
    await b.notices.settled()
    expect(b.noted).toEqual(['one'])
    expect(b.mails).toHaveLength(1)
  })

  it('take the place of older ones of the same emergency and person that were not taken', async () => {
    await using b = await emergencyBench(openOperations)
    await b.hub.setRoster('home', roster, 'test')
    b.moods.areCallsTaken = false
    await b.hub.apply([fire])
    await b.pass(20 * 60_000)
    const owed = await b.database.selectFrom('emg_notices').select(['person', 'subject']).where('state', '=', 'pending').orderBy('person').execute()
    expect(owed.map(({ person }) => person)).toEqual(['boss', 'li'])
    expect(owed[0]?.subject).toMatch(/call ([7-9]|1\d)\)/)
    expect(await b.hub.statistics()).toMatchObject({ calls_pending: 2 })
  })
})
