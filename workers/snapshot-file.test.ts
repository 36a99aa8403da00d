import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { afterAll, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { createSnapshotFile, type SnapshotFile } from './snapshot-file.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-snapshot-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The file of a process that has just started. */
async function started(name: string): Promise<SnapshotFile<string>> {
  const file = createSnapshotFile<string>({ directory: join(root, name), name: 'test', log: silentLog })
  await file.load()
  return file
}

async function withSaved(name: string, ...positions: readonly number[]): Promise<SnapshotFile<string>> {
  const file = await started(name)
  for (const position of positions) await file.save({ position, state: `at ${position}` })
  return file
}

describe('snapshot file', () => {
  it('gives nothing where nothing was saved', async () => {
    expect(await (await started('empty')).load()).toBeUndefined()
  })

  it('lets go of the journal up to the older of the two snapshots', async () => {
    const file = await started('older')
    expect(await file.save({ position: 10, state: 'a' })).toBe(0)
    expect(await file.save({ position: 20, state: 'b' })).toBe(10)
    expect(await file.save({ position: 30, state: 'c' })).toBe(20)
  })

  it('needs the journal from the loaded snapshot on after a restart', async () => {
    await withSaved('restart', 10, 20)
    const file = await started('restart')
    expect(await file.load()).toEqual({ position: 20, state: 'at 20' })
    expect(await file.save({ position: 30, state: 'c' })).toBe(20)
    expect(await file.save({ position: 40, state: 'd' })).toBe(30)
  })

  it.each([
    ['torn', Buffer.from('not a snapshot')],
    ['empty', Buffer.alloc(0)],
    ['of another layout', serialize({ version: 99, position: 20, state: 'x' })],
  ])('falls back to the one before when the newest is %s, and keeps the journal that this one needs', async (name, bytes) => {
    const folder = `unreadable ${name}`
    await withSaved(folder, 10, 20)
    writeFileSync(join(root, folder, 'test.snapshot'), bytes)
    const file = await started(folder)
    expect(readdirSync(join(root, folder))).toContain('test.snapshot.unreadable')
    expect(await file.load()).toEqual({ position: 10, state: 'at 10' })
    // The one before stays the older of the two, whichever of them is lost next.
    expect(await file.save({ position: 30, state: 'c' })).toBe(10)
    writeFileSync(join(root, folder, 'test.snapshot'), bytes)
    const again = await started(folder)
    expect(await again.load()).toEqual({ position: 10, state: 'at 10' })
  })

  it('lets go of nothing at the first save when neither can be read', async () => {
    await withSaved('neither', 10, 20)
    for (const name of ['test.snapshot', 'test.previous.snapshot']) writeFileSync(join(root, 'neither', name), 'broken')
    const file = await started('neither')
    expect(await file.load()).toBeUndefined()
    expect(await file.save({ position: 30, state: 'c' })).toBe(0)
    expect(await file.save({ position: 40, state: 'd' })).toBe(30)
  })

  it('is not harmed by a side file that a crash left', async () => {
    await withSaved('side', 10)
    writeFileSync(join(root, 'side', 'test.snapshot.tmp'), 'half a snap')
    const file = await started('side')
    expect(await file.load()).toEqual({ position: 10, state: 'at 10' })
    await file.save({ position: 20, state: 'b' })
    expect(await (await started('side')).load()).toEqual({ position: 20, state: 'b' })
  })
})
