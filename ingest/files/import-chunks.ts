/**
 * A file into messages of the contract: rows are read in chunks, become readings, are held against the rules of decoding, and go out as
 * arrays of one device. What decoding would set aside is taken out before and told in the report, so a file fills no quarantine. Chunks
 * end at positions from which the same file gives the same readings again, so that an import goes on after a break.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import { isId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import { type CheckLimits, checkLimits, checkReadings, conflictLine, payloadWithout } from './check-readings.ts'
import type { ColumnPlan } from './column-plan.ts'
import type { ConflictLook } from './conflicts.ts'
import { type Complaint, type ImportCounts, NO_COUNTS, type ReportEntry, shown } from './import-report.ts'
import { createRowReader, type RowReading } from './row-readings.ts'
import type { FileRow, TableFile } from './table-file.ts'

/** Payload of one device. */
export interface ImportMessage {
  readonly device: string
  /** Type as the device's messages name it. */
  readonly type: string
  readonly payload: Uint8Array
}

export interface ImportChunk {
  readonly messages: readonly ImportMessage[]
  readonly report: readonly ReportEntry[]
  readonly counts: ImportCounts
  /** Rows of the file that are done behind this chunk; the import goes on from here. */
  readonly rowsDone: number
  /** Share of the file, from 0 to 1. */
  readonly done: number
}

/** A device that rows name, or why they may not. */
export type ImportDevice =
  | { readonly kind: 'known'; readonly typeName: string; readonly type: ApplianceType }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string }

export interface ImportOptions {
  readonly tenant: string
  /** Device of every row where no column names it. */
  readonly device: string | undefined
  readonly plan: ColumnPlan
  /** Rows that were done before. */
  readonly skip: number
  readonly deviceOf: (device: string) => Promise<ImportDevice>
  /** Finds readings whose key stands for something else. */
  readonly conflictsOf: ConflictLook
  readonly now: () => EpochMs
  readonly limits: Limits
}

/** Devices remembered; above it they are forgotten behind the chunk, which still needs them, and asked for again. */
const DEVICES_MAX = 100_000

/** Messages of the file in chunks. @throws MendlineError MDL_IMPORT_INVALID when the file ends to be readable */
export async function* importChunks(file: TableFile, options: ImportOptions): AsyncGenerator<ImportChunk> {
  const { skip, limits } = options
  const work = new Chunker(options)
  let rowsRead = skip
  for await (const rows of file.rows(skip)) {
    for (const row of rows) {
      if (rowsRead - work.rowsDone >= limits.importChunkRows && work.canEnd(row)) yield await work.end(rowsRead, file.done())
      const asked = work.take(row, rowsRead)
      // A turn of the microtasks for each row would cost more than reading it.
      if (asked !== undefined) await asked
      rowsRead++
    }
  }
  yield await work.end(rowsRead, 1)
}

class Chunker {
  readonly #options: ImportOptions
  readonly #checkLimits: CheckLimits
  readonly #reader: ReturnType<typeof createRowReader>
  readonly #devices = new Map<string, ImportDevice>()
  readonly #named = new Set<string>()
  #complaints: Complaint[] = []
  #report: ReportEntry[] = []
  #readings = new Map<string, RowReading[]>()
  #open: RowReading | undefined
  #counts = { ...NO_COUNTS }
  rowsDone: number

  constructor(options: ImportOptions) {
    this.#options = options
    this.#checkLimits = checkLimits(options.limits)
    this.rowsDone = options.skip
    this.#reader = createRowReader(options.plan, (complaint) => this.#complaints.push(complaint))
  }

  /** A chunk of a long file ends where a reading does, so that going on makes the same readings. */
  canEnd(next: FileRow): boolean {
    const { plan, device } = this.#options
    if (plan.form === 'wide' || this.#open === undefined) return true
    const own = plan.device === undefined ? device : String(next.cells[plan.device] ?? '')
    return own !== this.#open.device || plan.time.read(next.cells[plan.time.index] ?? null) !== this.#open.item.ts
  }

  /** Takes a row; resolves later only where its device is asked for. */
  take(row: FileRow, index: number): Promise<void> | undefined {
    const { plan } = this.#options
    this.#counts.rows++
    const device = plan.device === undefined ? (this.#options.device ?? '') : String(row.cells[plan.device] ?? '')
    const fault = row.fault ?? (plan.width === undefined || row.cells.length === plan.width ? undefined : widthFault(row.cells.length, plan.width))
    if (fault !== undefined) return this.#refuse(row, null, { code: 'MDL_INGEST_UNREADABLE', reason: fault }, undefined)
    const known = this.#devices.get(device)
    if (known === undefined) return this.#look(device).then((found) => this.#takeOf(row, { index, device, known: found }))
    return this.#takeOf(row, { index, device, known })
  }

  #takeOf(row: FileRow, { index, device, known }: { readonly index: number; readonly device: string; readonly known: ImportDevice }): undefined {
    if (known.kind === 'refused') return this.#refuse(row, device, known, 'device')
    if (!this.#named.has(known.typeName)) this.#nameColumns(known, index)
    const outcome = this.#reader.read(row, { device, type: known.type, open: this.#open })
    const complaints = this.#complaints.splice(0)
    for (const complaint of complaints) this.#report.push({ ...complaint, device })
    // A row of which nothing is left because of faults is a bad one, not an empty one.
    if (outcome.kind === 'refused' || (outcome.kind === 'empty' && complaints.length > 0)) this.#counts.bad_rows++
    else if (outcome.kind === 'empty') this.#counts.empty_rows++
    else this.#counts.bad_values += complaints.length
    if (outcome.kind !== 'reading') return
    this.#open = outcome.reading
    const own = this.#readings.get(device)
    if (own === undefined) this.#readings.set(device, [outcome.reading])
    else own.push(outcome.reading)
  }

  async #look(device: string): Promise<ImportDevice> {
    const known: ImportDevice = isId(device)
      ? await this.#options.deviceOf(device)
      : { kind: 'refused', code: 'MDL_INGEST_DEVICE_UNKNOWN', reason: 'a device is named by 1 to 64 letters, digits, _ or -' }
    this.#devices.set(device, known)
    return known
  }

  #refuse(row: FileRow, device: string | null, { code, reason }: { code: string; reason: string }, column: string | undefined): undefined {
    this.#counts.bad_rows++
    this.#report.push({ line: row.line, column: column ?? null, value: shown(device), code, reason, device })
    this.#open = undefined
  }

  /** A column that is no channel of the type is told once a type, with the first row of the file that has it. */
  #nameColumns({ typeName, type }: Extract<ImportDevice, { kind: 'known' }>, index: number): void {
    this.#named.add(typeName)
    if (index !== this.#counts.rows - 1) return
    for (const column of this.#reader.unknownColumns(type)) {
      const reason = `the type ${type.id} has no channel for this column; nothing of it is imported`
      this.#report.push({ line: 1, column, value: null, code: 'MDL_INGEST_CHANNEL_UNKNOWN', reason, device: null })
    }
  }

  /** Closes the chunk: what decoding would refuse, and what is in conflict, goes into the report, the rest into messages. */
  async end(rowsDone: number, done: number): Promise<ImportChunk> {
    const { tenant, plan, now, conflictsOf } = this.#options
    const limits = this.#checkLimits
    const checkedDevices = [...this.#readings].flatMap(([device, readings]) => {
      const known = this.#devices.get(device)
      if (known?.kind !== 'known') return []
      return { device, type: known.typeName, ...checkReadings(readings, { tenant, device, ...known, limits, plan, receivedAtMs: now() }) }
    })
    const conflicts = await conflictsOf(checkedDevices.flatMap(({ batches }) => batches.flatMap(({ kept }) => kept)))
    for (const [own, reason] of conflicts) {
      this.#report.push(conflictLine(own, reason))
      this.#counts.bad_rows += own.row.rows
    }
    const messages: ImportMessage[] = []
    for (const { device, type, batches, report, badValues, badRows } of checkedDevices) {
      for (const batch of batches) {
        const payload = payloadWithout(batch, conflicts)
        if (payload !== undefined) messages.push({ device, type, payload })
        this.#counts.readings += batch.kept.length
      }
      this.#report.push(...report)
      this.#counts.bad_values += badValues
      this.#counts.bad_rows += badRows
    }
    this.#counts.readings -= conflicts.size
    this.#counts.messages = messages.length
    const report = this.#report.sort((a, b) => a.line - b.line)
    const chunk = { messages, report, counts: this.#counts, rowsDone, done }
    this.#report = []
    this.#readings = new Map()
    if (this.#devices.size >= DEVICES_MAX) this.#devices.clear()
    this.#open = undefined
    this.#counts = { ...NO_COUNTS }
    this.rowsDone = rowsDone
    return chunk
  }
}

const widthFault = (count: number, width: number): string => `the row has ${count} cells, the header ${width}`
