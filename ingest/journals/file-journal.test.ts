import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { contractLimits, describeJournal } from '../journal.contract.ts'
import type { Journal } from '../journal.ts'
import { createFileJournal } from './file-journal.ts'
import { createForgetfulFiles, type ForgetfulFiles } from './forgetful-files.ts'
import { HEADER_BYTES, segmentName } from './segment.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-journal-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let directories = 0

describeJournal('file journal', async () =>
  createFileJournal({ directory: join(root, String(directories++)), limits: contractLimits, log: silentLog, clock: systemClock }),
)

const on = (files: ForgetfulFiles, clock = new ManualClock(0)): Journal =>
  createFileJournal({ directory: '/j', limits: contractLimits, log: silentLog, clock, files, freshSalt: 7 })
const body = (text: string): Uint8Array => new TextEncoder().encode(text)
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function readTexts(journal: Journal): Promise<{ texts: string[]; corrupt: number }> {
  const texts: string[] = []
  let corrupt = 0
  for (let next = 0; ; ) {
    const part = await journal.read(next, 300)
    if (part.next === next) return { texts, corrupt }
    texts.push(...[...part.records].map((record) => new TextDecoder().decode(record.body)))
    corrupt += part.corrupt
    next = part.next
  }
}

describe('file journal after a crash', () => {
  it('goes on at its end in the same segments', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    for (let index = 0; index < 60; index++) await first.append(body(`a${index}${'.'.repeat(80)}`))
    await first.stop()
    const second = on(files)
    expect(await second.start()).toMatchObject({ end: first.end(), tornBytes: 0, corruptRecords: 0 })
    await second.append(body('b'))
    expect((await readTexts(second)).texts).toHaveLength(61)
  })

  it('cuts a torn tail and keeps it beside', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    await first.append(body('whole'))
    const end = first.end()
    const file = await files.open('/j/0000000000000000.journal', 'change')
    await new Promise((resolve) => file.writeDurably(body('half a record'), end, resolve))
    const second = on(files)
    expect(await second.start()).toEqual({ segments: 1, end, tornBytes: 13, corruptRecords: 0 })
    expect(files.sizeOf(`/j/torn/${end}.bin`)).toBe(13)
    await second.append(body('next'))
    expect(await readTexts(second)).toEqual({ texts: ['whole', 'next'], corrupt: 0 })
  })

  it('skips a broken record in the middle and counts it', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    const positions = []
    for (const text of ['one', 'two', 'three']) positions.push(await first.append(body(text)))
    await first.stop()
    files.flipBit('/j/0000000000000000.journal', (positions[1] ?? 0) + 9, 3)
    const second = on(files)
    expect(await second.start()).toMatchObject({ corruptRecords: 1, tornBytes: 0 })
    expect(await readTexts(second)).toEqual({ texts: ['one', 'three'], corrupt: 1 })
  })

  it('finds the records behind a broken length', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    const positions = []
    for (const text of ['one', 'two', 'three', 'four']) positions.push(await first.append(body(text)))
    await first.stop()
    files.flipBit('/j/0000000000000000.journal', positions[1] ?? 0, 6)
    const second = on(files)
    await second.start()
    expect(await readTexts(second)).toEqual({ texts: ['one', 'three', 'four'], corrupt: 1 })
  })

  it('reads on with one broken copy of the header', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    await first.append(body('one'))
    await first.stop()
    files.flipBit(`/j/${segmentName(0)}`, 9, 1)
    const second = on(files)
    await second.start()
    expect((await readTexts(second)).texts).toEqual(['one'])
  })

  it('does not take a payload that imitates a record for one', async () => {
    const files = createForgetfulFiles()
    const first = on(files)
    await first.start()
    await first.append(body('one'))
    const stolen = (await files.open(`/j/${segmentName(0)}`, 'read')) as { read(target: Uint8Array, offset: number): Promise<number> }
    const copy = new Uint8Array(11)
    await stolen.read(copy, HEADER_BYTES)
    const position = await first.append(copy)
    await first.append(body('three'))
    await first.stop()
    files.flipBit(`/j/${segmentName(0)}`, position, 7)
    const second = on(files)
    await second.start()
    expect(await readTexts(second)).toEqual({ texts: ['one', 'three'], corrupt: 1 })
  })

  it('has every acknowledged record in order after the power went, whatever the disk forgot or tore (400 seeds)', async () => {
    for (let seed = 0; seed < 400; seed++) {
      const random = createRandom(`power/${seed}`)
      const files = createForgetfulFiles()
      const acknowledged: string[] = []
      for (let life = 0; life < 3; life++) {
        const clock = new ManualClock(0)
        const journal = on(files, clock)
        await journal.start()
        const errorRate = random.pick([0, 0, 0.1])
        files.failWhen = () => (random.chance(errorRate) ? random.pick(['EIO', 'ENOSPC']) : undefined)
        const count = random.integer(1, 25)
        for (let index = 0; index < count; index++) {
          const text = `${life}/${index} ${'#'.repeat(random.integer(0, 400))}`
          journal.append(body(text)).then(
            () => acknowledged.push(text),
            () => {},
          )
          if (random.chance(0.5)) await turns(random.integer(1, 4))
          if (random.chance(0.1)) clock.advance(1_000)
        }
        await turns(random.integer(0, 6))
        // The process is gone: what its last calls would still do must not reach the disk.
        files.failWhen = () => 'EIO'
        await turns(8)
        files.losePower(random)
        files.failWhen = () => undefined
        const stored = await (async () => {
          const reopened = on(files)
          await reopened.start()
          const { texts } = await readTexts(reopened)
          await reopened.stop()
          return texts
        })()
        const kept = stored.filter((text) => acknowledged.includes(text))
        expect(kept, `seed power/${seed}`).toEqual(acknowledged)
        expect(new Set(stored).size, `seed power/${seed}`).toBe(stored.length)
      }
    }
  })
})

describe('file journal on a failing disk', () => {
  it.each(['write', 'sync'] as const)('refuses the group when %s fails, and later ones until a new segment stands', async (call) => {
    const files = createForgetfulFiles()
    const clock = new ManualClock(0)
    const journal = on(files, clock)
    await journal.start()
    await journal.append(body('safe'))
    files.failWhen = (made) => (made === call ? 'ENOSPC' : undefined)
    await expect(journal.append(body('lost'))).rejects.toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE', retryable: true })
    await expect(journal.append(body('refused'))).rejects.toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' })
    clock.advance(1_000)
    await turns(10)
    await expect(journal.append(body('still refused'))).rejects.toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' })
    files.failWhen = () => undefined
    clock.advance(1_000)
    await turns(10)
    await journal.append(body('again'))
    expect(await readTexts(journal)).toEqual({ texts: ['safe', 'again'], corrupt: 0 })
    expect(files.paths().filter((path) => path.endsWith('.journal'))).toHaveLength(2)
  })

  it('never writes again to a segment whose sync failed', async () => {
    const files = createForgetfulFiles()
    const clock = new ManualClock(0)
    const journal = on(files, clock)
    await journal.start()
    await journal.append(body('safe'))
    files.failWhen = (made) => (made === 'sync' ? 'EIO' : undefined)
    await expect(journal.append(body('lost'))).rejects.toThrow()
    const writes: string[] = []
    files.failWhen = (made, path) => {
      if (made === 'write') writes.push(path)
      return undefined
    }
    clock.advance(1_000)
    await turns(10)
    await journal.append(body('again'))
    expect(writes.length).toBeGreaterThan(0)
    expect(writes).not.toContain(`/j/${segmentName(0)}`)
  })

  it('does not gather empty segments while the disk stays full', async () => {
    const files = createForgetfulFiles()
    const clock = new ManualClock(0)
    const journal = on(files, clock)
    await journal.start()
    await journal.append(body('safe'))
    files.failWhen = (made, path) => (made === 'write' && journal.pendingBytes() > 0 && path !== '' ? 'ENOSPC' : undefined)
    for (let attempt = 0; attempt < 20; attempt++) {
      await expect(journal.append(body('lost'))).rejects.toThrow()
      clock.advance(1_000)
      await turns(10)
    }
    expect(files.paths().filter((path) => path.endsWith('.journal')).length).toBeLessThanOrEqual(2)
  })
})

describe('file journal under load', () => {
  const paced = { ...contractLimits, journalCommitPauseMs: 2 }

  it('commits at once when idle, then lets records gather until the pause is over', async () => {
    const files = createForgetfulFiles()
    const clock = new ManualClock(0)
    const journal = createFileJournal({ directory: '/j', limits: paced, log: silentLog, clock, files, freshSalt: 7 })
    await journal.start()
    const groups: number[] = []
    journal.onCommit((records) => groups.push(records.length))
    await journal.append(body('first'))
    const waiting = [journal.append(body('second')), journal.append(body('third'))]
    await turns(10)
    expect(groups).toEqual([1])
    clock.advance(2)
    await Promise.all(waiting)
    expect(groups).toEqual([1, 2])
    clock.advance(2)
    await journal.append(body('fourth'))
    expect(groups).toEqual([1, 2, 1])
    await journal.stop()
  })

  it('does not pause behind a commit that was not full', async () => {
    const files = createForgetfulFiles()
    const limits = { ...paced, journalFullCommitRecords: 2 }
    const journal = createFileJournal({ directory: '/j', limits, log: silentLog, clock: new ManualClock(0), files, freshSalt: 7 })
    await journal.start()
    const groups: number[] = []
    journal.onCommit((records) => groups.push(records.length))
    await journal.append(body('first'))
    await Promise.all([journal.append(body('second')), journal.append(body('third'))])
    const behindFull = journal.append(body('fourth'))
    await turns(10)
    expect(groups).toEqual([1, 2])
    await journal.stop()
    await behindFull
    expect(groups).toEqual([1, 2, 1])
  })

  it('does not wait with many bytes, nor at the stop', async () => {
    const journal = createFileJournal({
      directory: '/j',
      limits: paced,
      log: silentLog,
      clock: new ManualClock(0),
      files: createForgetfulFiles(),
      freshSalt: 7,
    })
    await journal.start()
    await journal.append(body('first'))
    const small = journal.append(body('second'))
    await Promise.all([small, journal.append(body('x'.repeat(contractLimits.journalCommitBytes - 10)))])
    const last = journal.append(body('third'))
    await journal.stop()
    expect(await last).toBeGreaterThan(0)
  })

  it('tells each listener what was durable before, so that a new segment is no gap', async () => {
    const limits = { ...contractLimits, journalSegmentBytes: 100 }
    const journal = createFileJournal({
      directory: '/j',
      limits,
      log: silentLog,
      clock: new ManualClock(0),
      files: createForgetfulFiles(),
      freshSalt: 7,
    })
    await journal.start()
    const begin = journal.end()
    const spans: Array<readonly [before: number, first: number, next: number]> = []
    journal.onCommit((records, before) => spans.push([before, records.at(0)?.position ?? -1, records.at(-1)?.next ?? -1]))
    for (const letter of 'abcde') await journal.append(body(letter.repeat(40)))
    await journal.stop()
    expect(spans.map(([before]) => before)).toEqual([begin, ...spans.slice(0, -1).map(([, , next]) => next)])
    // Some of them began a segment: their first record lies behind its head.
    expect(spans.some(([before, first]) => first > before)).toBe(true)
  })

  it('tells a waiter once of a run of its records, after the listeners', async () => {
    const journal = createFileJournal({
      directory: '/j',
      limits: contractLimits,
      log: silentLog,
      clock: new ManualClock(0),
      files: createForgetfulFiles(),
    })
    await journal.start()
    const told: string[] = []
    journal.onCommit((records) => told.push([...records].map((record) => new TextDecoder().decode(record.body)).join(' ')))
    const waiter = (name: string) => ({
      head: body(name),
      payload: body('!'),
      settled: ({ count, payloadBytes, error }: { count: number; payloadBytes: number; error: unknown }) =>
        told.push(`${name} ${count} ${payloadBytes} ${error}`),
    })
    const [a, b] = [waiter('a'), waiter('b')]
    for (const record of [a, a, b, a]) journal.appendFor(record)
    await journal.stop()
    expect(told).toEqual(['a! a! b! a!', 'a 2 2 undefined', 'b 1 1 undefined', 'a 1 1 undefined'])
    expect(journal.appendFor(a)).toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' })
  })
})
