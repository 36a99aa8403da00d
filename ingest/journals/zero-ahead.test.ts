import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { contractLimits } from '../journal.contract.ts'
import { createFileJournal } from './file-journal.ts'
import type { JournalFile } from './files.ts'
import { createForgetfulFiles } from './forgetful-files.ts'
import { ZeroAhead } from './zero-ahead.ts'

const FIRST = '/j/0000000000000000.journal'
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const on = (files: ReturnType<typeof createForgetfulFiles>, journalZeroedBytes: number) =>
  createFileJournal({
    directory: '/j',
    limits: { ...contractLimits, journalSegmentBytes: 100_000, journalZeroedBytes },
    log: silentLog,
    clock: new ManualClock(0),
    files,
    freshSalt: 7,
  })
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A file whose writes end when the test says so. */
function slowFile() {
  const writes: Array<{ offset: number; length: number; end: (error: Error | null) => void }> = []
  const file = {
    writeDurably: (bytes: Uint8Array, offset: number, end: (error: Error | null) => void) => writes.push({ offset, length: bytes.length, end }),
    close: async () => {},
  } as unknown as JournalFile
  return { writes, open: async () => file }
}

describe('ZeroAhead', () => {
  it('lets nothing be written where zeros are on their way, and everything before them', async () => {
    const { writes, open } = slowFile()
    const ahead = new ZeroAhead({ open, from: 32, bytes: 1_000, limit: 10_000 })
    ahead.wrote(100, 50)
    await turns(1)
    expect(writes).toMatchObject([{ offset: 100, length: 1_000 }])
    const order: string[] = []
    ahead.clear(100, () => order.push('before'))
    ahead.clear(101, () => order.push('over them'))
    expect(order).toEqual(['before'])
    writes[0]?.end(null)
    await turns(1)
    expect(order).toEqual(['before', 'over them'])
  })

  it('begins the next stretch behind the last one when half of it is used, and none at a rate that uses it up', async () => {
    const { writes, open } = slowFile()
    const ahead = new ZeroAhead({ open, from: 32, bytes: 1_000, limit: 10_000 })
    ahead.wrote(100, 50)
    await turns(1)
    writes[0]?.end(null)
    await turns(1)
    ahead.wrote(500, 50)
    ahead.wrote(700, 500)
    await turns(1)
    expect(writes).toHaveLength(1)
    ahead.wrote(700, 50)
    await turns(1)
    expect(writes[1]).toMatchObject({ offset: 1_100, length: 1_000 })
  })

  it('gives up behind an error and lets what waited go on', async () => {
    const { writes, open } = slowFile()
    const ahead = new ZeroAhead({ open, from: 32, bytes: 1_000, limit: 10_000 })
    ahead.wrote(100, 50)
    await turns(1)
    let isWritten = false
    ahead.clear(150, () => {
      isWritten = true
    })
    writes[0]?.end(new Error('ENOSPC'))
    await turns(1)
    expect(isWritten).toBe(true)
    ahead.wrote(150, 50)
    await turns(1)
    expect(writes).toHaveLength(1)
  })
})

describe('file journal over zeros', () => {
  it('lays them out beside the records, and cuts them off when it stops', async () => {
    const files = createForgetfulFiles()
    const journal = on(files, 4_096)
    await journal.start()
    await journal.append(text('one'))
    await turns(4)
    expect(files.sizeOf(FIRST)).toBeGreaterThan(4_096)
    await journal.append(text('two'))
    const end = journal.end()
    await journal.stop()
    expect(files.sizeOf(FIRST)).toBe(end)
  })

  it('takes them for no torn tail after a crash, and goes on where the records end', async () => {
    const files = createForgetfulFiles()
    const first = on(files, 4_096)
    await first.start()
    await first.append(text('one'))
    await turns(4)
    await first.append(text('two'))
    const second = on(files, 4_096)
    expect(await second.start()).toEqual({ segments: 1, end: first.end(), tornBytes: 0, corruptRecords: 0 })
    await second.append(text('three'))
    const { records } = await second.read(0, 1_000)
    expect([...records].map(({ body }) => new TextDecoder().decode(body))).toEqual(['one', 'two', 'three'])
    await second.stop()
  })

  it('lays out none where the limit is 0', async () => {
    const files = createForgetfulFiles()
    const journal = on(files, 0)
    await journal.start()
    await journal.append(text('one'))
    await turns(4)
    expect(files.sizeOf(FIRST)).toBe(journal.end())
    await journal.stop()
  })
})
