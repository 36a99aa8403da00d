/**
 * Runs sections of an evaluation from the command line, prints their tables and one JSON line, and writes each into `docs/evaluation.md`
 * when it ran in full. `--only a,b` runs some, `--quick` takes less of everything, `--check` exits with 1 when a floor is missed, `--data DIR`
 * names the public data (default ../shared/data; what is absent is said and skipped).
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { putBlock } from './page.ts'
import { type EvalSection, type EvalTable, isFloorMissed, isGoalMissed, toMarkdown } from './table.ts'

const root = join(import.meta.dirname, '..', '..')

export interface SectionsToRun {
  /** Name in the JSON line. */
  readonly name: string
  readonly sections: readonly EvalSection[]
  /** Ids of all sections of the page, in its order. */
  readonly pageOrder: readonly string[]
}

/** Runs what the flags choose; exits with 2 when they name no section. */
export async function runSections({ name, sections, pageOrder }: SectionsToRun): Promise<void> {
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
    if (!flags.quick) putBlock(pageOrder, section.id, result.map(toMarkdown).join('\n'))
    console.log(`${section.id}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`)
  }
  const rows = tables.flatMap((table) => table.rows.map((row) => ({ table: table.id, ...row })))
  const missed = rows.filter(isFloorMissed).map(({ table, measure }) => `${table}: ${measure}`)
  const goalsMissed = rows.filter(isGoalMissed).map(({ table, measure }) => `${table}: ${measure}`)
  console.log(JSON.stringify({ eval: name, floors_missed: missed, goals_missed: goalsMissed, skipped, rows }))
  if (flags.check && missed.length > 0) process.exitCode = 1
}
