/**
 * Draws the evidence of a packet as an SVG: a horizontal bar for each z-score beside what was observed and expected, a zero line, and the
 * bound of what is usual. Evidence without a z-score (the conditions of an alarm) has its value and no bar. A pure function; every text is escaped.
 */
import type { Text } from '#catalogue/appliance-type.ts'
import type { Evidence } from '#kernel/diagnosis.ts'

export interface EvidencePlot {
  readonly title: string
  readonly evidenceFor: readonly Evidence[]
  readonly evidenceAgainst: readonly Evidence[]
  readonly locale: keyof Text
}

const WORDS = {
  en: {
    heading: 'Evidence',
    supports: 'for',
    against: 'against',
    observed: 'observed',
    expected: 'expected',
    axis: 'z-score; dashed: ±3',
    none: 'No evidence is stored',
  },
  'zh-CN': { heading: '证据', supports: '支持', against: '反对', observed: '实测', expected: '预期', axis: 'z 分数；虚线：±3', none: '没有保存证据' },
} as const
const COLOUR = { supports: '#b3401f', against: '#1f6fb3' } as const
/** A z-score within this is usual for units without fault. */
const BOUND = 3
const WIDTH = 860
const ROW = 46
const TOP = 64
/** The bars: centre and half width, in px. */
const BARS = { centre: 640, half: 190 }

/** SVG document of the evidence. */
export function evidenceSvg({ title, evidenceFor, evidenceAgainst, locale }: EvidencePlot): string {
  const words = WORDS[locale]
  const rows = [
    ...evidenceFor.map((evidence) => ({ evidence, side: 'supports' as const })),
    ...evidenceAgainst.map((evidence) => ({ evidence, side: 'against' as const })),
  ]
  const scores = rows.flatMap(({ evidence }) => (evidence.z_score === null ? [] : [Math.abs(evidence.z_score)]))
  const scale = BARS.half / Math.max(BOUND + 1, ...scores)
  const bottom = TOP + Math.max(1, rows.length) * ROW
  const heading = escapeXml(`${words.heading}: ${title}`)
  const line = (x: number, style: string): string => `<line x1="${px(x)}" x2="${px(x)}" y1="${TOP - 6}" y2="${bottom}" ${style}/>`
  const dashed = 'stroke="#777" stroke-dasharray="4 3"'
  const axis = [
    line(BARS.centre, 'stroke="#222"'),
    line(BARS.centre - BOUND * scale, dashed),
    line(BARS.centre + BOUND * scale, dashed),
    `<text x="${BARS.centre}" y="${bottom + 20}" text-anchor="middle" fill="#444">${words.axis}</text>`,
  ]
  const body = rows.map(({ evidence, side }, index) =>
    rowOf(evidence, { y: TOP + index * ROW, scale, colour: COLOUR[side], side: words[side], locale }),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 36}" width="${WIDTH}" height="${bottom + 36}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${heading}</title><rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="16" y="30" font-size="17" font-weight="bold">${heading}</text>`,
    ...(scores.length === 0 ? [] : axis),
    ...(rows.length === 0 ? [`<text x="16" y="${TOP + 18}">${words.none}</text>`] : body),
    '</svg>',
  ].join('\n')
}

interface RowPlace {
  readonly y: number
  readonly scale: number
  readonly colour: string
  readonly side: string
  readonly locale: keyof Text
}

function rowOf({ text, observed, expected, unit, z_score }: Evidence, { y, scale, colour, side, locale }: RowPlace): string {
  const words = WORDS[locale]
  const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 })
  const value = (name: string, of: number | null): string[] => (of === null ? [] : [`${name} ${number.format(of)} ${unit}`.trimEnd()])
  const label = `${side}: ${text.length > 62 ? `${text.slice(0, 61)}…` : text}`
  const values = [
    ...value(words.observed, observed),
    ...value(words.expected, expected),
    ...(z_score === null ? [] : [`z ${number.format(z_score)}`]),
  ]
  const bar =
    z_score === null
      ? ''
      : `<rect x="${px(BARS.centre + Math.min(0, z_score) * scale)}" y="${y + 5}" width="${px(Math.abs(z_score) * scale)}" height="22" fill="${colour}"/>`
  return `${bar}<text x="16" y="${y + 14}" fill="${colour}">${escapeXml(label)}</text><text x="16" y="${y + 31}" fill="#444">${escapeXml(values.join(' · '))}</text>`
}

const px = (value: number): string => value.toFixed(1)

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for an XML document: its signs escaped, control characters (which XML forbids) left out. */
export function escapeXml(text: string): string {
  return text.replace(/\p{Cc}|\p{Cs}/gu, ' ').replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '')
}
