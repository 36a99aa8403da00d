import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { contractLimits } from '../journal.contract.ts'
import { blockingFiles } from './blocking-files.ts'
import { createFileJournal } from './file-journal.ts'
import { createFileJournalReader } from './file-journal-reader.ts'

const directory = mkdtempSync(join(tmpdir(), 'mendline-blocking-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('journal reader over blocking files', () => {
  it('reads what the journal reads, over several segments and up to the committed end', async () => {
    const journal = createFileJournal({ directory, limits: contractLimits, log: silentLog, clock: systemClock })
    await journal.start()
    for (let index = 0; index < 12; index++) await journal.append(new TextEncoder().encode(`${index} ${'#'.repeat(400)}`))
    const reader = createFileJournalReader({ directory, limits: contractLimits, committedEnd: () => journal.end(), files: blockingFiles })
    let records = 0
    for (let next = 0; next < journal.end(); ) {
      const [own, other] = [await reader.read(next, 1_000), await journal.read(next, 1_000)]
      expect(own).toEqual(other)
      records += own.records.length
      next = own.next
    }
    expect(records).toBe(12)
    await journal.stop()
  })

  it('rejects where there is no such segment', async () => {
    await expect(blockingFiles.open(join(directory, 'none.journal'), 'read')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
