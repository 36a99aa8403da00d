import { describe, expect, it } from 'vitest'
import { evidenceSvg } from './evidence-svg.ts'

const sign = { feature: 'suction_c', text: 'Suction is too warm', observed: 14.25, expected: 8, unit: 'c', z_score: 6 }
const plot = { title: 'Low charge', evidenceFor: [sign], evidenceAgainst: [{ ...sign, z_score: -2 }], locale: 'en' as const }
const bars = (svg: string): string[] => svg.match(/<rect x="[^>]+>/g) ?? []

describe('evidenceSvg', () => {
  it('draws a bar to the right for a positive z-score and to the left for a negative one', () => {
    const [up, down] = bars(evidenceSvg(plot))
    expect(up).toContain('x="640.0"')
    expect(up).toContain('width="190.0"')
    expect(down).toContain('width="63.3"')
    expect(down).toContain('x="576.7"')
  })
  it('gives values with units in the language asked for', () => {
    expect(evidenceSvg(plot)).toContain('observed 14.25 c · expected 8 c · z 6')
    expect(evidenceSvg({ ...plot, locale: 'zh-CN' })).toContain('实测 14.25 c · 预期 8 c · z 6')
  })
  it('shows the condition of an alarm with its value and draws neither bar nor axis', () => {
    const svg = evidenceSvg({ ...plot, evidenceFor: [{ ...sign, expected: null, z_score: null }], evidenceAgainst: [] })
    expect(svg).toContain('observed 14.25 c<')
    expect(bars(svg)).toEqual([])
    expect(svg).not.toContain('<line')
  })
  it('lets no text become markup', () => {
    const hostile = `<script>alert("1")</script>&'\u0000`
    const svg = evidenceSvg({ ...plot, title: hostile, evidenceFor: [{ ...sign, text: hostile, unit: '<b>' }] })
    expect(svg).not.toMatch(/<script|<b>|\p{Cc}(?<!\n)/u)
    expect(svg).toContain('&lt;script&gt;')
  })
  it('says so when there is no evidence', () => {
    expect(evidenceSvg({ ...plot, evidenceFor: [], evidenceAgainst: [] })).toContain('No evidence is stored')
  })
})
