/**
 * A plot of measured points as SVG, written by hand: panels with axes, units, grid, points joined by lines, and a legend. Colours follow the
 * reader's light or dark setting by a media query inside the file. The same input gives the same bytes, so that a test can compare.
 */

export interface Series {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly x: number; readonly y: number }>
}

export interface Panel {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly scale: 'linear' | 'log'
  readonly series: readonly Series[]
}

const WIDTH = 460
const HEIGHT = 320
const PLOT = { left: 70, top: 40, right: 30, bottom: 52 } as const
const COLOURS = 3

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2430 }
  .title { font-weight: 600; font-size: 13px }
  .back { fill: #ffffff }
  .grid { stroke: #d9dde5; stroke-width: 1 }
  .axis { stroke: #5a6272; stroke-width: 1 }
  .line { fill: none; stroke-width: 2 }
  .s0 { stroke: #1f6fd0 } .p0 { fill: #1f6fd0 } .s1 { stroke: #c4521a } .p1 { fill: #c4521a } .s2 { stroke: #22805a } .p2 { fill: #22805a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9ef } .back { fill: #161a22 } .grid { stroke: #333a48 } .axis { stroke: #98a1b3 }
    .s0 { stroke: #6fb1ff } .p0 { fill: #6fb1ff } .s1 { stroke: #ff9a5c } .p1 { fill: #ff9a5c } .s2 { stroke: #63d3a0 } .p2 { fill: #63d3a0 }
  }
`

/** Draws panels in rows of two; `description` is what a reader without eyes for it hears. */
export function chartSvg(panels: readonly Panel[], description: string): string {
  const width = WIDTH * Math.min(2, panels.length)
  const height = HEIGHT * Math.ceil(panels.length / 2)
  const parts = panels.map(
    (panel, index) => `<g transform="translate(${(index % 2) * WIDTH} ${Math.floor(index / 2) * HEIGHT})">\n${drawn(panel)}\n</g>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(description)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${width}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function drawn({ title, xLabel, yLabel, scale, series }: Panel): string {
  const all = series.flatMap(({ points }) => points)
  const x = axis(
    all.map((point) => point.x),
    { scale, from: PLOT.left, to: WIDTH - PLOT.right },
  )
  const y = axis(
    all.map((point) => point.y),
    { scale, from: HEIGHT - PLOT.bottom, to: PLOT.top },
  )
  const [left, right, top, bottom] = [PLOT.left, WIDTH - PLOT.right, PLOT.top, HEIGHT - PLOT.bottom]
  const grid = [
    ...x.ticks.map((tick) => `<path class="grid" d="M${x.at(tick)} ${top}V${bottom}"/>${text(tickText(tick), x.at(tick), bottom + 17, 'middle')}`),
    ...y.ticks.map((tick) => `<path class="grid" d="M${left} ${y.at(tick)}H${right}"/>${text(tickText(tick), left - 7, y.at(tick) + 4, 'end')}`),
  ]
  const lines = series.map(({ points }, index) => {
    const colour = index % COLOURS
    const path = points.map((point, at) => `${at === 0 ? 'M' : 'L'}${x.at(point.x)} ${y.at(point.y)}`).join('')
    const dots = points.map((point) => `<circle class="p${colour}" cx="${x.at(point.x)}" cy="${y.at(point.y)}" r="3.5"/>`).join('')
    return `<path class="line s${colour}" d="${path}"/>${dots}`
  })
  const legend = series.map(({ name }, index) => {
    const at = top + 14 + index * 17
    return `<circle class="p${index % COLOURS}" cx="${left + 14}" cy="${at - 4}" r="4"/>${text(name, left + 24, at, 'start')}`
  })
  return [
    `<text class="title" x="${left}" y="22">${escaped(title)}</text>`,
    ...grid,
    `<path class="axis" d="M${left} ${top}V${bottom}H${right}" fill="none"/>`,
    ...lines,
    ...legend,
    text(xLabel, (left + right) / 2, HEIGHT - 14, 'middle'),
    `<text transform="translate(16 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
  ].join('\n')
}

interface Axis {
  readonly ticks: readonly number[]
  at(value: number): number
}

/** Log axes span whole decades; linear ones begin at zero and end at a round number. */
function axis(values: readonly number[], { scale, from, to }: { scale: Panel['scale']; from: number; to: number }): Axis {
  const highest = Math.max(...values)
  if (scale === 'log') {
    const low = Math.floor(Math.log10(Math.min(...values)))
    const high = Math.max(low + 1, Math.ceil(Math.log10(highest)))
    const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
    return { ticks, at: (value) => tenth(from + ((Math.log10(value) - low) / (high - low)) * (to - from)) }
  }
  const step = roundStep(highest / 5)
  const end = Math.ceil(highest / step) * step
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step)
  return { ticks, at: (value) => tenth(from + (value / end) * (to - from)) }
}

function roundStep(atLeast: number): number {
  const decade = 10 ** Math.floor(Math.log10(atLeast))
  return ([1, 2, 5, 10].find((factor) => factor * decade >= atLeast) ?? 10) * decade
}

function tickText(value: number): string {
  if (value >= 1_000) return value.toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

const text = (words: string, x: number, y: number, anchor: string): string =>
  `<text x="${tenth(x)}" y="${tenth(y)}" text-anchor="${anchor}">${escaped(words)}</text>`

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
