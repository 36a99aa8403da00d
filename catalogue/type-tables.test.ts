import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applianceTypes } from './registry.ts'
import { fillTable, sensorTable } from './type-tables.ts'

describe('the README of a type', () => {
  for (const type of applianceTypes) {
    const path = `${type.id.replaceAll('_', '-')}/README.md`
    const file = new URL(path, import.meta.url)
    const readme = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const hint = readme === '' ? `there is no catalogue/${path}` : 'run node scripts/generate-docs.ts'

    it(`shows every channel of ${type.id} as the catalogue has it`, () => {
      expect(fillTable(readme, 'sensors', sensorTable(type)), hint).toBe(readme)
    })

    it(`names every fault of ${type.id}`, () => {
      const missing = type.faults.filter((fault) => !readme.includes(`| ${fault.code} | ${fault.name.en} |`))
      expect(
        missing.map(({ code }) => code),
        hint,
      ).toEqual([])
    })
  }

  it('is left alone when it has no markers', () => {
    expect(fillTable('text', 'sensors', 'table')).toBe('text')
  })
})
