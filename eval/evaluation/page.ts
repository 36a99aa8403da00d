/**
 * `docs/evaluation.md`: one block a section, each replaced when its section has run in full, so that a part can be measured again by itself
 * and a run that was broken off keeps what it measured.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '..', '..', 'docs', 'evaluation.md')
const HEAD = `# Evaluation

Written by \`npm run eval\` and \`npm run eval:service\`, each section by itself with \`--only\`. Intervals are of the mean over three seeds (Student, 95 %) unless a note says
otherwise. Simulated figures are of the second plant and of units that no training saw ([how](../eval/second-plant/README.md)); simulated and real
figures never share a table. A missed goal stays with its figure.
`
const mark = (id: string): string => `<!-- section ${id} -->\n`
const MARK = /^<!-- section (\S+) -->\n/m

/** Blocks of a page by section. */
export function blocksOf(page: string): Map<string, string> {
  const parts = page.split(MARK).slice(1)
  return new Map(parts.flatMap((id, index) => (index % 2 === 0 ? [[id, (parts[index + 1] ?? '').trim()] as const] : [])))
}

/** The page of these blocks in the order of the sections; a section without one is named. */
export function pageOf(order: readonly string[], blocks: ReadonlyMap<string, string>): string {
  return [HEAD, ...order.map((id) => `${mark(id)}${blocks.get(id) ?? `- ${id}: not measured yet`}\n`)].join('\n')
}

/** Puts the block of a section into the page. */
export function putBlock(order: readonly string[], id: string, block: string): void {
  const blocks = existsSync(FILE) ? blocksOf(readFileSync(FILE, 'utf8')) : new Map<string, string>()
  blocks.set(id, block.trim())
  writeFileSync(FILE, pageOf(order, blocks))
}
