import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { createJobs, type Jobs, jobMigrations } from './jobs.ts'
import { type Operations, openOperations } from './open-database.ts'

describe('createJobs', () => {
  let operations: Operations
  const open = (): Jobs =>
    createJobs({ database: operations.database, clock: new ManualClock(1_000), log: silentLog, limits: { jobsWaiting_MAX: 3 } })
  const job = { tenant: 'home', kind: 'backup', input: { n: 1 }, actor: 'key:x' }
  const stateOf = async (jobs: Jobs, id: string): Promise<unknown> => {
    const found = await jobs.get('home', id)
    return [found?.state, found?.report]
  }

  beforeEach(async () => {
    operations = await openOperations({ file: ':memory:', log: silentLog })
    await operations.migrate(jobMigrations)
  })
  afterEach(() => operations.close())

  it('keeps what came of a job, shows it to its tenant alone, and refuses more than may wait', async () => {
    const jobs = open()
    jobs.define('backup', { lane: 'data', isResumable: false, run: async ({ input }) => ({ saw: input }) })
    const { job_id } = await jobs.create(job)
    await expect.poll(() => stateOf(jobs, job_id)).toEqual(['done', { saw: { n: 1 } }])
    expect(await jobs.get('other', job_id)).toBeUndefined()
    for (let count = 0; count < 3; count++) await jobs.create({ ...job, kind: 'unknown' })
    await expect(jobs.create(job)).rejects.toMatchObject({ code: 'MDL_JOB_TOO_MANY' })
    await jobs.stop()
  })

  it('says why a job failed', async () => {
    const jobs = open()
    jobs.define('backup', { lane: 'data', isResumable: false, run: () => Promise.reject(new Error('inside')) })
    const { job_id } = await jobs.create(job)
    await expect.poll(() => stateOf(jobs, job_id)).toMatchObject(['failed', { code: 'MDL_API_INTERNAL' }])
    await jobs.stop()
  })

  it.each([
    [true, 'done'],
    [false, 'failed'],
  ])('goes on behind a stop where its kind can (%s), from what was noted', async (isResumable, state) => {
    const first = open()
    first.define('backup', {
      lane: 'data',
      isResumable,
      async run({ note, signal }) {
        await note({ at: 7 })
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
      },
    })
    const { job_id } = await first.create(job)
    await expect.poll(async () => (await first.get('home', job_id))?.progress).toEqual({ at: 7 })
    await first.stop()
    const second = open()
    second.define('backup', { lane: 'data', isResumable, run: async ({ progress }) => progress })
    await second.start()
    await expect.poll(async () => (await second.get('home', job_id))?.state).toBe(state)
    if (isResumable) expect((await second.get('home', job_id))?.report).toEqual({ at: 7 })
    await second.stop()
  })
})
