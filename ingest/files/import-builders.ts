/** Builder for tests of imports: a file in a folder of its own, over a plug of a few channels, and what comes of it. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { readMappingText } from '../mapping/mapping-document.ts'
import { readingKey } from '../same-reading.ts'
import { columnPlan } from './column-plan.ts'
import { createConflictLook } from './conflicts.ts'
import { type ImportChunk, type ImportDevice, importChunks } from './import-chunks.ts'
import { openTable } from './open-table.ts'

/** Files of one test file, which removes it. */
export const folder = mkdtempSync(join(tmpdir(), 'files-import-'))
export const NOW = Date.UTC(2026, 0, 1)

const channel = (name: string, change: Partial<Channel> = {}): Channel => ({
  ...{ name, kind: 'number', unit: 'w', min: 0, max: 5_000, step: 0, isAggregated: false, isSafety: false },
  description: { en: name, 'zh-CN': name },
  ...change,
})
export const type: ApplianceType = {
  id: 'plug',
  version: '1',
  name: { en: 'plug', 'zh-CN': 'plug' },
  channels: [
    channel('power_w'),
    channel('supply_v', { unit: 'v', isAggregated: true, max: 400 }),
    channel('is_on', { kind: 'boolean', unit: 'none' }),
    channel('mode', { kind: 'text', unit: 'none' }),
  ],
  ...{ faults: [], parts: [], steps: [], rules: [], recipe: undefined },
}
const deviceOf = async (device: string): Promise<ImportDevice> =>
  device.startsWith('plug')
    ? { kind: 'known', typeName: 'plug', type }
    : { kind: 'refused', code: 'MDL_INGEST_DEVICE_UNKNOWN', reason: 'there is no such device' }

export interface ImportWish {
  readonly device?: string
  readonly mapping?: string
  readonly skip?: number
  readonly chunkRows?: number
  /** Readings that came before the file. */
  readonly before?: readonly Reading[]
  readonly keys_MAX?: number
}

let count = 0
/** Chunks of a file with this content. */
export async function chunksOf(
  content: string | Buffer,
  { device, mapping, skip = 0, chunkRows = 2_000, before = [], keys_MAX = 100 }: ImportWish = {},
): Promise<ImportChunk[]> {
  const path = join(folder, `${count++}`)
  writeFileSync(path, content)
  const document = mapping === undefined ? undefined : readMappingText(mapping, 'test')
  const file = await openTable(path, { mapping: document, recordBytes_MAX: 10_000, scratchDirectory: folder, memoryMib: 128 })
  try {
    const plan = columnPlan(file, { device, mapping: document })
    const chunks: ImportChunk[] = []
    const stored = new Map(before.map((reading) => [readingKey(reading), reading]))
    const conflictsOf = createConflictLook(
      {
        suspects: async (keys) =>
          keys
            .flatMap(({ tenant, device, boots, seqs }) => [...seqs].map((seq, at) => readingKey({ tenant, device, boot: boots[at] ?? 0, seq })))
            .flatMap((key, index) => (stored.has(key) ? [index] : [])),
        stored: async (keys) => new Map([...stored].filter(([name]) => keys.some((key) => readingKey(key) === name))),
      },
      { importKeys_MAX: keys_MAX },
    )
    const bounds = { ...limits, importChunkRows: chunkRows }
    const options = { tenant: 'home', device, plan, skip, deviceOf, conflictsOf, now: () => epochMs(NOW), limits: bounds }
    for await (const chunk of importChunks(file, options)) chunks.push(chunk)
    return chunks
  } finally {
    file.close()
  }
}

/** What is imported of it, what is told, and its counts as one number: bad rows, bad values, empty rows. */
export async function importOf(content: string | Buffer, options: ImportWish = {}) {
  const chunks = await chunksOf(content, options)
  const items = chunks.flatMap(({ messages }) =>
    messages.flatMap(({ device, payload }) => (JSON.parse(Buffer.from(payload).toString()) as object[]).map((item) => ({ device, ...item }))),
  )
  return {
    items,
    report: chunks.flatMap(({ report }) => report.map(({ line, column, value, code }) => [line, column, value, code.replace('MDL_INGEST_', '')])),
    reasons: chunks.flatMap(({ report }) => report.map(({ reason }) => reason)),
    counts: chunks.reduce((sum, { counts }) => sum + counts.bad_rows * 10_000 + counts.bad_values * 100 + counts.empty_rows, 0),
  }
}
