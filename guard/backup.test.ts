import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runBackup } from './backup.ts'

const DAY_MS = 24 * 3_600_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-backup-'))
  writeFileSync(join(folder, 'file'), '')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('runBackup', () => {
  it.each(['/proc/x', '/proc/x/y', 'file', 'file/below'])('refuses at once the folder %s, which cannot be made', async (target) => {
    const backup = runBackup({
      dataDir: join(folder, 'data'),
      target: join(target.startsWith('/') ? '/' : folder, target),
      program: 'test',
      keepMs: DAY_MS,
      nowMs: () => 0,
      captureReadings: async () => ({}),
      journalEnd: async () => 0,
      note: async () => {},
    })
    await expect(backup).rejects.toMatchObject({ code: 'MDL_BACKUP_TARGET' })
  })
})
