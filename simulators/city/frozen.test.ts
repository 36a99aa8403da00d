/** Fails when the city is not the one that was frozen, and when a change of a fingerprint is not explained. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fingerprints } from './frozen.ts'

const readFrozen = (): Record<string, string> => JSON.parse(readFileSync(join(import.meta.dirname, 'frozen.json'), 'utf8')) as Record<string, string>

describe('the frozen city', () => {
  it('has the fingerprints that were frozen before anything was tuned', () => {
    expect(fingerprints()).toEqual(readFrozen())
  })

  it('has every fingerprint explained with a date in the README of its evaluation', () => {
    const readme = readFileSync(join(import.meta.dirname, '..', '..', 'eval', 'service', 'README.md'), 'utf8')
    const lines = readme.split('\n').filter((line) => /^\| \d{4}-\d\d-\d\d \|/.test(line))
    const unexplained = Object.entries(readFrozen()).filter(
      ([name, hash]) => !lines.some((line) => line.includes(`\`${name}\``) && line.includes(`\`${hash.slice(0, 12)}\``)),
    )
    expect(unexplained).toEqual([])
  })
})
