/**
 * `npm run eval`: runs the sections of the evaluation, prints their tables and one JSON line, and writes each into `docs/evaluation.md`
 * when it ran in full. `--only a,b` runs some, `--quick` takes less of everything, `--check` exits with 1 when a floor is missed, `--data DIR`
 * names the public data (default ../shared/data; what is absent is said and skipped). Seeds and plants of the evaluation are in no training.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { emergencySection } from '../system/emergency-section.ts'
import { putBlock } from './page.ts'
import { sections as diagnoses } from './sections.ts'
import { type EvalTable, isFloorMissed, isGoalMissed, toMarkdown } from './table.ts'

const sections = [...diagnoses, emergencySection]

const root = join(import.meta.dirname, '..', '..')
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    data: { type: 'string', default: join(root, '..', 'shared', 'data') },
  },
})
const chosen = flags.only?.split(',')
const unknown = chosen?.filter((id) => sections.every((section) => section.id !== id)) ?? []
if (unknown.length > 0) {
  console.error(`there is no section ${unknown.join(', ')}; there are ${sections.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

const tables: EvalTable[] = []
const skipped: Record<string, string> = {}
for (const section of sections.filter(({ id }) => chosen === undefined || chosen.includes(id))) {
  const startedMs = performance.now()
  const result = await section.run({ isQuick: flags.quick, dataFolder: flags.data })
  if (typeof result === 'string') {
    skipped[section.id] = result
    console.log(`${section.id}: skipped, ${result}\n`)
    continue
  }
  for (const table of result) {
    tables.push(table)
    console.log(`${toMarkdown(table)}`)
  }
  if (!flags.quick)
    putBlock(
      sections.map(({ id }) => id),
      section.id,
      result.map(toMarkdown).join('\n'),
    )
  console.log(`${section.id}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`)
}

const rows = tables.flatMap((table) => table.rows.map((row) => ({ table: table.id, ...row })))
const missed = rows.filter(isFloorMissed).map(({ table, measure }) => `${table}: ${measure}`)
const goalsMissed = rows.filter(isGoalMissed).map(({ table, measure }) => `${table}: ${measure}`)
console.log(JSON.stringify({ eval: 'all', floors_missed: missed, goals_missed: goalsMissed, skipped, rows }))
if (flags.check && missed.length > 0) process.exitCode = 1
