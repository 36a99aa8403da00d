import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeProcessLock } from './process-lock.ts'

describe('takeProcessLock', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-lock-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('refuses a second holder and lets the next one in after a release', () => {
    const file = join(folder, 'lock.sqlite')
    const first = takeProcessLock(file)
    expect(() => takeProcessLock(file)).toThrow(expect.objectContaining({ code: 'MDL_STORE_UNAVAILABLE' }))
    first.release()
    takeProcessLock(file).release()
  })
})
