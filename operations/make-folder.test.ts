import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder } from './make-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('makeFolder', () => {
  it('makes each folder on the way for the own user only, and takes one that is there', () => {
    makeFolder(join(folder, 'a', 'b'))
    makeFolder(join(folder, 'a', 'b'))
    expect(statSync(join(folder, 'a', 'b')).isDirectory()).toBe(true)
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
  })

  it('refuses at once what lies on a file', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => makeFolder(join(folder, 'file'))).toThrow(/EEXIST/)
    expect(() => makeFolder(join(folder, 'file', 'a', 'b'))).toThrow(/ENOTDIR/)
  })

  it('refuses at once a place whose parent takes no folders', () => {
    expect(() => makeFolder('/proc/x/y')).toThrow(/ENOENT/)
  })
})
