import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applianceTypes } from './registry.ts'
import { fillTable, sensorTable } from './type-tables.ts'

describe('the README of a type', () => {
  for (const type of applianceTypes) {
    const readme = readFileSync(new URL(`${type.id.replaceAll('_', '-')}/README.md`, import.meta.url), 'utf8')

    it(`shows every channel of ${type.id} as the catalogue has it`, () => {
      expect(fillTable(readme, 'sensors', sensorTable(type))).toBe(readme)
    })

    it(`names every fault of ${type.id}`, () => {
      expect(type.faults.filter((fault) => !readme.includes(`| ${fault.code} | ${fault.name.en} |`))).toEqual([])
    })
  }

  it('is left alone when it has no markers', () => {
    expect(fillTable('text', 'sensors', 'table')).toBe('text')
  })
})
