/** The worker's side of an import: chunk after chunk of the file, the next one read while the journal takes the one before. */
import { join } from 'node:path'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { systemClock } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { columnPlan } from '../ingest/files/column-plan.ts'
import { createConflictLook, type DeviceKeys, type ReadingKey } from '../ingest/files/conflicts.ts'
import { type ImportDevice, importChunks } from '../ingest/files/import-chunks.ts'
import { addCounts } from '../ingest/files/import-report.ts'
import { openTable } from '../ingest/files/open-table.ts'
import { openReport } from '../ingest/files/report-file.ts'
import { sameWhereKept } from '../ingest/kept-content.ts'
import { readMappingText } from '../ingest/mapping/mapping-document.ts'
import { rawDays } from '../ingest/reading-store.ts'
import { type DeviceAnswer, FILES_CALLS, type ImportProgress, type ImportResult, type ImportTask, type TakeChunk } from './files-calls.ts'
import type { Rpc } from './rpc.ts'

const DAY_MS = 86_400_000

/** @throws MendlineError MDL_IMPORT_INVALID, MDL_MAPPING_INVALID */
export async function runImport(task: ImportTask, main: Pick<Rpc, 'call'>): Promise<ImportResult> {
  const { directory, tenant, device, limits, isDryRun, retention } = task
  const types = new Map<string, ApplianceType>()
  const mapping = task.mapping === undefined ? undefined : readMappingText(task.mapping, 'mapping')
  const file = await openTable(join(directory, 'content'), {
    mapping,
    recordBytes_MAX: limits.importRecordBytes_MAX,
    scratchDirectory: join(directory, 'scratch'),
    memoryMib: limits.filesMemoryMib,
  })
  const report = await openReport(join(directory, 'report.ndjson'), task.progress.report, limits.importReport_MAX)
  try {
    const plan = columnPlan(file, { device, mapping })
    let progress: ImportProgress = task.progress
    let taken: Promise<unknown> = Promise.resolve()
    const options = { tenant, device, plan, skip: progress.rows_done, deviceOf: createDeviceLook(main, types), now: systemClock.now, limits }
    const isSame = sameWhereKept({ retention, types: (id) => types.get(id), clock: systemClock })
    const known = {
      suspects: (keys: readonly DeviceKeys[]) => main.call<readonly number[]>(FILES_CALLS.suspects, keys),
      stored: (keys: readonly ReadingKey[]) => main.call<ReadonlyMap<string, Reading>>(FILES_CALLS.stored, keys),
    }
    const conflicts = createConflictLook(known, { ...limits, isSame })
    const { raw_days } = retention
    let older = task.progress.older_than_raw?.readings ?? 0
    const conflictsOf: typeof conflicts = async (kept) => {
      const found = await conflicts(kept)
      const nowMs = systemClock.now()
      for (const own of kept) {
        const { type, observed_at_ms } = own.reading
        if (observed_at_ms < nowMs - rawDays(retention, type) * DAY_MS && !found.has(own)) older++
      }
      return found
    }
    for await (const chunk of importChunks(file, { ...options, conflictsOf })) {
      const { messages, counts, rowsDone, done } = chunk
      progress = {
        ...addCounts(progress, counts),
        rows_done: rowsDone,
        done,
        report: await report.add(chunk.report),
        older_than_raw: { readings: older, raw_days },
      }
      await taken
      taken = main.call(FILES_CALLS.take, { messages: isDryRun ? [] : messages, progress } satisfies TakeChunk)
      // A refusal is thrown by the await of the next turn, or by the one behind the last.
      taken.catch(() => {})
    }
    await taken
    return { ...progress, unused_columns: plan.unused }
  } finally {
    file.close()
    await report.close()
  }
}

/** Asks for each device once, and for each type once, so that the plan of a type is made once. */
function createDeviceLook(main: Pick<Rpc, 'call'>, byId: Map<string, ApplianceType>): (device: string) => Promise<ImportDevice> {
  const types = new Map<string, ApplianceType | undefined>()
  return async (device) => {
    const answer = await main.call<DeviceAnswer>(FILES_CALLS.device, device)
    if ('refused' in answer) return { kind: 'refused', code: 'MDL_INGEST_DEVICE_UNKNOWN', reason: answer.refused }
    const { type: typeName } = answer
    if (!types.has(typeName)) types.set(typeName, await main.call<ApplianceType | undefined>(FILES_CALLS.type, typeName))
    const type = types.get(typeName)
    if (type === undefined) return { kind: 'refused', code: 'MDL_INGEST_TYPE_UNKNOWN', reason: `nobody described the type ${typeName}` }
    byId.set(type.id, type)
    return { kind: 'known', typeName, type }
  }
}
