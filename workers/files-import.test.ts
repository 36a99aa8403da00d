import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { kettle, retention } from '../ingest/builders.ts'
import { FILES_CALLS, type ImportResult, NO_PROGRESS } from './files-calls.ts'
import { runImport } from './files-import.ts'

const DAY_MS = 86_400_000

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'files-import-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** Imports a kettle's readings of so many days ago. */
function importOf(daysAgo: readonly number[], days: { readonly raw_days: number; readonly type_days: Readonly<Record<string, number>> }) {
  const rows = daysAgo.map((ago) => `${systemClock.now() - ago * DAY_MS},${ago / 10}`)
  writeFileSync(join(directory, 'content'), ['ts,inlet_temperature_c', ...rows, ''].join('\n'))
  const answers: Readonly<Record<string, unknown>> = {
    [FILES_CALLS.device]: { type: 'kettle' },
    [FILES_CALLS.type]: kettle,
    [FILES_CALLS.suspects]: [],
    [FILES_CALLS.stored]: new Map(),
  }
  const task = { kind: 'import', directory, tenant: 'home', device: 'kettle-1', mapping: undefined, isDryRun: true, progress: NO_PROGRESS } as const
  const main = { call: async <Answer>(name: string): Promise<Answer> => answers[name] as Answer }
  return runImport({ ...task, limits, retention: { ...retention, ...days } }, main)
}
const older = ({ readings, older_than_raw }: ImportResult): unknown => [readings, older_than_raw?.readings]

describe('readings of an import that retention drops one by one', () => {
  it('are counted by the days of their type, where it has its own', async () => {
    const ages = [10, 50, 500]
    expect(older(await importOf(ages, { raw_days: 400, type_days: {} }))).toEqual([3, 1])
    expect(older(await importOf(ages, { raw_days: 400, type_days: { kettle: 2_000 } }))).toEqual([3, 0])
    expect(older(await importOf(ages, { raw_days: 400, type_days: { kettle: 30 } }))).toEqual([3, 2])
    expect(older(await importOf(ages, { raw_days: 400, type_days: { fridge: 30 } }))).toEqual([3, 1])
  })
})
