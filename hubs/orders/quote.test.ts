import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { serviceTerms } from '#catalogue/service-terms.ts'
import { buildPacket } from '../packet.ts'
import { buildQuote, type QuoteSources } from './quote.ts'

const YEAR_MS = 365.25 * 86_400_000
const NOW_MS = Date.UTC(2026, 5, 1)

function sources(given: {
  readonly type?: string
  readonly fault?: string | null
  readonly ageYears?: number
  readonly isRepeat?: boolean
}): QuoteSources {
  const type = applianceTypes.find(({ id }) => id === (given.type ?? 'air_conditioner'))
  const terms = serviceTerms[type?.id ?? '']
  if (terms === undefined) throw new Error('every type has terms')
  return {
    type,
    packet: buildPacket({ type, fault: given.fault === undefined ? 'AC-06' : given.fault, diagnosis: undefined, alarm: undefined, locale: 'en' }),
    terms: { type: type?.id ?? '', version: 0, terms },
    installedAtMs: given.ageYears === undefined ? null : NOW_MS - given.ageYears * YEAR_MS,
    openedAtMs: NOW_MS,
    isRepeat: given.isRepeat ?? false,
  }
}

describe('service terms that ship', () => {
  it.each(applianceTypes.map((type) => [type.id, type] as const))('name a price for each part of %s and for no other', (id, type) => {
    const priced = serviceTerms[id]?.parts.map(({ part }) => part).sort()
    expect(priced).toEqual(type.parts.map(({ part }) => part).sort())
    for (const { min_minor, max_minor } of serviceTerms[id]?.parts ?? []) expect(min_minor).toBeLessThan(max_minor)
  })
})

describe('buildQuote', () => {
  it('makes the range of parts, labour and travel in integer minor units', () => {
    const { price, warranty } = buildQuote(sources({ ageYears: 8 }))
    // AC-06: reversing valve 0.45, compressor 0.5; 205 minutes; no part is sure.
    expect(price).toMatchObject({ currency: 'CNY', min_minor: 30_750 + 5_000, max_minor: 48_000 + 180_000 + 61_500 + 5_000 })
    expect(price.expected_minor).toBe(Math.round(0.45 * 34_000 + 0.5 * 125_000 + (30_750 + 61_500) / 2 + 5_000))
    expect(warranty).toMatchObject({ is_covered: false })
    for (const line of price.lines) expect(Number.isInteger(line.min_minor) && Number.isInteger(line.max_minor)).toBe(true)
  })

  it('prices the work of a fault that nobody named as any repair of the type, and never as none', () => {
    const { lines } = buildQuote(sources({ fault: null })).price
    const named = applianceTypes.find(({ id }) => id === 'air_conditioner')?.faults ?? []
    const labours = named.map(({ code }) => buildQuote(sources({ fault: code })).price.lines.find(({ kind }) => kind === 'labour'))
    const paid = labours.filter((line) => (line?.max_minor ?? 0) > 0)
    expect(lines.find(({ kind }) => kind === 'labour')).toMatchObject({
      min_minor: Math.min(...paid.map((line) => line?.min_minor ?? 0)),
      max_minor: Math.max(...paid.map((line) => line?.max_minor ?? 0)),
    })
    expect(Math.min(...paid.map((line) => line?.min_minor ?? 0))).toBeGreaterThan(0)
  })

  it('takes off what is covered: all in the first year, later the parts, then the compressor alone', () => {
    const covered = (ageYears: number) =>
      buildQuote(sources({ ageYears })).price.lines.map(({ part, kind, is_covered }) => [part ?? kind, is_covered])
    expect(buildQuote(sources({ ageYears: 0.5 }))).toMatchObject({
      warranty: { is_covered: true },
      price: { max_minor: 0 },
      advice: { advice: 'repair' },
    })
    expect(covered(2)).toEqual([
      ['P-AC-050', true],
      ['P-AC-051', true],
      ['labour', false],
      ['travel', false],
    ])
    expect(covered(4)).toEqual([
      ['P-AC-050', false],
      ['P-AC-051', true],
      ['labour', false],
      ['travel', false],
    ])
    expect(covered(7)[1]).toEqual(['P-AC-051', false])
  })

  it('says that nobody knows when the unit was installed, and counts it as not covered', () => {
    const { warranty, price, advice } = buildQuote(sources({}))
    expect(warranty).toMatchObject({ is_covered: null, labour_until_ms: null })
    expect(price.min_minor).toBeGreaterThan(0)
    expect(advice.reasons.map(({ code }) => code)).toContain('age_unknown')
  })

  it('charges nothing for the repeat of a repair', () => {
    expect(buildQuote(sources({ ageYears: 8, isRepeat: true }))).toMatchObject({ price: { max_minor: 0 }, warranty: { is_covered: true } })
  })

  it('advises to replace an old unit with a dear repair, and to repair a young one or a cheap fault', () => {
    const advice = (given: Parameters<typeof sources>[0]) => buildQuote(sources(given)).advice
    expect(advice({ ageYears: 14 }).advice).toBe('replace')
    expect(advice({ ageYears: 3.5 }).advice).not.toBe('replace')
    expect(advice({ ageYears: 3.5, fault: 'AC-07' }).advice).toBe('repair')
    expect(advice({ ageYears: 14, type: 'gas_water_heater', fault: 'GW-01' }).advice).toBe('repair')
    expect(advice({ ageYears: 14 }).reasons.map(({ code }) => code)).toEqual(['repair_share', 'age', 'keeping_costs'])
  })
})
