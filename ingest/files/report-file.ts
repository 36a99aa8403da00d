/** The report of an import as NDJSON: appended chunk by chunk and, after a break, cut back to the position from which the import goes on. */
import { open } from 'node:fs/promises'
import type { ReportEntry } from './import-report.ts'

/** How far the report was when a position was kept. */
export interface ReportPosition {
  readonly bytes: number
  /** Lines in the file, and those above the limit that are counted only. */
  readonly entries: number
  readonly dropped: number
}

export interface ReportFile {
  /** Adds lines; they are durable when it resolves. */
  add(entries: readonly ReportEntry[]): Promise<ReportPosition>
  close(): Promise<void>
}

/** Opens the report at a position; what was behind it goes. */
export async function openReport(path: string, from: ReportPosition, entries_MAX: number): Promise<ReportFile> {
  const file = await open(path, 'a+')
  await file.truncate(from.bytes)
  let position = from
  return {
    async add(entries) {
      if (entries.length === 0) return position
      const kept = entries.slice(0, Math.max(0, entries_MAX - position.entries))
      const text = Buffer.from(kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
      await file.appendFile(text)
      await file.datasync()
      position = {
        bytes: position.bytes + text.length,
        entries: position.entries + kept.length,
        dropped: position.dropped + entries.length - kept.length,
      }
      return position
    },
    close: () => file.close(),
  }
}
