import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { STORY_MS } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { clearTimer, createTimerLoop, setTimer, type TimerHandler, type TimerLoop } from './timers.ts'

const MINUTE_MS = 60_000
const opened: Array<{ operations: Operations; loop: TimerLoop }> = []

/** A clock whose wall time can be set; its monotonic time goes on. */
class SetClock extends ManualClock {
  aheadMs = 0
  override now() {
    return epochMs(super.now() + this.aheadMs)
  }
}

interface Bench {
  readonly loop: TimerLoop
  readonly clock: SetClock
  readonly database: Kysely<HubTables>
  set(subject: string, afterMs: number, data?: Record<string, unknown>): Promise<void>
  /** Counted from now, by the clock. */
  setFromNow(subject: string, waitMs: number, isAppointed?: boolean): Promise<void>
  clear(subject: string): Promise<void>
  wait(ms: number): Promise<void>
  subjects(): Promise<string[]>
}

/** A loop over one kind of timer; the transactions hold what timers use of them. */
async function bench(handler: TimerHandler): Promise<Bench> {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const clock = new SetClock(STORY_MS)
  const inTransaction = async <T>(action: (hub: HubTransaction) => Promise<T>): Promise<T> =>
    database.transaction().execute((transaction) => action({ database: transaction, nowMs: clock.now(), timersSet: [] } as unknown as HubTransaction))
  const loop = createTimerLoop({ database, inTransaction, handlers: { look: handler }, clock, log: silentLog })
  opened.push({ operations, loop })
  const key = (subject: string) => ({ tenant: 'home', kind: 'look', subject })
  return {
    ...{ loop, clock, database },
    async set(subject, afterMs, data) {
      await inTransaction((hub) => setTimer(hub, { ...key(subject), dueAtMs: STORY_MS + afterMs, ...(data === undefined ? {} : { data }) }))
      loop.wake()
      await loop.settled()
    },
    setFromNow: (subject, waitMs, isAppointed = false) =>
      inTransaction((hub) => setTimer(hub, { ...key(subject), dueAtMs: clock.now() + waitMs, isAppointed }))
        .then(loop.wake)
        .then(loop.settled),
    clear: (subject) => inTransaction((hub) => clearTimer(hub, key(subject))),
    async wait(ms) {
      clock.advance(ms)
      await loop.settled()
    },
    async subjects() {
      return (await database.selectFrom('hub_timers').select('subject').orderBy('due_at_ms').execute()).map(({ subject }) => subject)
    },
  }
}

afterEach(async () => {
  for (const { operations, loop } of opened.splice(0)) {
    await loop.stop()
    await operations.close()
  }
})

describe('createTimerLoop', () => {
  it('runs timers in order of their due time, none before it and each once', async () => {
    const ran: string[] = []
    const b = await bench(async (hub, { subject }) => void ran.push(`${subject} ${hub.nowMs - STORY_MS}`))
    b.loop.start()
    await b.set('late', 9_000)
    await b.set('soon', 3_000)
    await b.wait(2_999)
    expect(ran).toEqual([])
    await b.wait(1)
    expect(ran).toEqual(['soon 3000'])
    await b.set('sooner', 4_000)
    await b.wait(60_000)
    expect(ran.map((entry) => entry.split(' ')[0])).toEqual(['soon', 'sooner', 'late'])
    expect(await b.subjects()).toEqual([])
    expect(b.loop.statistics()).toEqual({ timersRun: 3, timersFailed: 0 })
  })

  it('moves a timer that is set again, hands its newest data over, and forgets one that is cleared', async () => {
    const ran: unknown[] = []
    const b = await bench(async (_hub, { subject, data }) => void ran.push([subject, data]))
    b.loop.start()
    await b.set('moved', 1_000, { round: 1 })
    await b.set('moved', 5_000, { round: 2 })
    await b.set('cleared', 1_000)
    await b.clear('cleared')
    await b.wait(4_999)
    expect(ran).toEqual([])
    await b.wait(1)
    expect(ran).toEqual([['moved', { round: 2 }]])
  })

  it('takes a timer that fails again after a minute, undoes what it wrote, and lets the others run', async () => {
    const ran: string[] = []
    const b = await bench(async (hub, { subject, attempts }) => {
      if (subject === 'bad' && attempts < 2) {
        await setTimer(hub, { tenant: 'home', kind: 'look', subject: 'child of a failure', dueAtMs: hub.nowMs })
        throw new Error('not yet')
      }
      ran.push(`${subject} ${attempts} ${hub.nowMs - STORY_MS}`)
    })
    b.loop.start()
    await b.set('bad', 1_000)
    await b.set('good', 1_000)
    await b.wait(1_000)
    expect(ran).toEqual(['good 0 1000'])
    expect(await b.subjects()).toEqual(['bad'])
    await b.wait(MINUTE_MS - 1)
    expect(b.loop.statistics().timersFailed).toBe(1)
    await b.wait(1)
    await b.wait(MINUTE_MS)
    expect(ran).toEqual(['good 0 1000', `bad 2 ${1_000 + 2 * MINUTE_MS}`])
    expect(b.loop.statistics()).toEqual({ timersRun: 2, timersFailed: 2 })
  })

  it('keeps a timer whose kind nobody knows', async () => {
    const b = await bench(async () => {})
    const row = {
      timer_id: 'tmr_x',
      tenant: 'home',
      kind: 'of a later version',
      subject: 's',
      due_at_ms: STORY_MS,
      attempts: 0,
      data: '{}',
      set_at_ms: null,
    }
    await b.database.insertInto('hub_timers').values(row).execute()
    b.loop.start()
    await b.wait(10 * MINUTE_MS)
    expect(await b.subjects()).toEqual(['s'])
    expect(b.loop.statistics().timersRun).toBe(0)
  })

  it('lets a handler set its own timer anew, and runs what came due while the program was down', async () => {
    const ran: number[] = []
    const b = await bench(async (hub, timer) => {
      ran.push(hub.nowMs - STORY_MS)
      if (ran.length < 3) await setTimer(hub, { ...timer, dueAtMs: hub.nowMs + MINUTE_MS })
    })
    await b.set('round', 1_000)
    await b.wait(5_000)
    expect(ran).toEqual([])
    b.loop.start()
    await b.loop.settled()
    for (let minute = 0; minute < 5; minute++) await b.wait(MINUTE_MS)
    expect(ran).toEqual([5_000, 65_000, 125_000])
  })
})

describe('a clock of the timers that was ahead and is set back', () => {
  const HOUR_MS = 60 * MINUTE_MS
  const noting = async () => {
    const ran: string[] = []
    const b = await bench(async (_hub, { subject }) => void ran.push(subject))
    const waitMinutes = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) await b.wait(MINUTE_MS)
    }
    return { b, ran, waitMinutes }
  }

  it.each([24 * HOUR_MS, HOUR_MS, 10 * MINUTE_MS])('by %d ms holds up nothing that was set meanwhile', async (aheadMs) => {
    const { b, ran, waitMinutes } = await noting()
    b.loop.start()
    await b.setFromNow('before', 3 * 24 * HOUR_MS)
    b.clock.aheadMs = aheadMs
    await b.setFromNow('chase', 5 * MINUTE_MS)
    await b.setFromNow('promise', 5 * MINUTE_MS + aheadMs, true)
    await waitMinutes(1)
    b.clock.aheadMs = 0
    await waitMinutes(3)
    expect(ran).toEqual([])
    await waitMinutes(1)
    expect(ran).toEqual(['chase'])
    const left = await b.database.selectFrom('hub_timers').select(['subject', 'due_at_ms']).orderBy('due_at_ms').execute()
    expect(left).toContainEqual({ subject: 'promise', due_at_ms: STORY_MS + 5 * MINUTE_MS + 2 * aheadMs })
    expect(left).toContainEqual({ subject: 'before', due_at_ms: STORY_MS + 3 * 24 * HOUR_MS })
  })

  it('between two processes makes what was set wait anew at most', async () => {
    const { b, ran, waitMinutes } = await noting()
    b.clock.aheadMs = 24 * HOUR_MS
    await b.setFromNow('chase', 5 * MINUTE_MS)
    await b.wait(2 * MINUTE_MS)
    b.clock.aheadMs = 0
    b.loop.start()
    await b.loop.settled()
    await waitMinutes(4)
    expect(ran).toEqual([])
    await waitMinutes(1)
    expect(ran).toEqual(['chase'])
  })

  it('makes what failed meanwhile be tried again in a minute', async () => {
    let fails = 1
    const b = await bench(async () => {
      if (fails-- > 0) throw new Error('not yet')
    })
    b.loop.start()
    b.clock.aheadMs = 24 * HOUR_MS
    await b.setFromNow('bad', 0)
    expect(b.loop.statistics().timersFailed).toBe(1)
    b.clock.aheadMs = 0
    await b.wait(MINUTE_MS)
    await b.wait(MINUTE_MS)
    expect(b.loop.statistics().timersRun).toBe(1)
  })
})
