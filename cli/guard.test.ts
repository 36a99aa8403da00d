import { execFile } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const program = join(import.meta.dirname, '..', 'cli.ts')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mendline-guard-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const backup = (...args: readonly string[]): Promise<{ code: number; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, 'backup', ...args, '--key', 'dev'], { cwd: folder }, (error, _out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), err }),
    )
  })

describe('mendline backup', () => {
  it('refuses a relative folder where the server is another machine, before it asks it', { timeout: 60_000 }, async () => {
    const { code, err } = await backup('relative/x', '--url', 'https://mendline.example')
    expect([code, err]).toEqual([2, expect.stringContaining('give an absolute folder of it, not relative/x')])
  })

  it('says where a relative folder is, where the server is this machine', { timeout: 60_000 }, async () => {
    // Nobody listens on port 1: it is told before the server is asked.
    const { code, err } = await backup('relative/x', '--url', 'http://127.0.0.1:1')
    expect([code, err]).toEqual([1, expect.stringContaining(`relative/x is taken as ${join(folder, 'relative', 'x')}`)])
    expect((await backup(join(folder, 'x'), '--url', 'http://127.0.0.1:1')).err).not.toContain('taken as')
  })
})
