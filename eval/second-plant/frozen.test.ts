/** Fails when a second plant is not the one that was frozen, and when a change of a fingerprint is not explained. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fingerprints, readFrozen, sourcesOf } from './frozen.ts'
import { secondPlantModels } from './registry.ts'

describe('the frozen second plants', () => {
  it('have the fingerprints that were frozen before anything was tuned', () => {
    expect(fingerprints()).toEqual(readFrozen())
  })

  it('have every fingerprint explained with a date in the README', () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
    const lines = readme.split('\n').filter((line) => /^\| \d{4}-\d\d-\d\d \|/.test(line))
    const unexplained = Object.entries(readFrozen().sha256).filter(
      ([name, hash]) => !lines.some((line) => line.includes(`\`${name}\``) && line.includes(`\`${hash.slice(0, 12)}\``)),
    )
    expect(unexplained).toEqual([])
  })

  it('import nothing of the first plants', () => {
    const guilty = [...secondPlantModels.keys()]
      .flatMap(sourcesOf)
      .filter((file) => /from '.*physics/.test(readFileSync(join(import.meta.dirname, file), 'utf8')))
    expect(guilty).toEqual([])
  })
})
