/** The report of an import: each thing that was kept out, with its place in the file and the reason, and the counts of all of it. */

/** One line of the report; fields are the wire's. */
export interface ReportEntry {
  readonly line: number
  /** Name of the column; null where it is about the whole row. */
  readonly column: string | null
  /** What stood there, shortened. */
  readonly value: string | null
  readonly code: string
  readonly reason: string
  readonly device: string | null
}

/** What a row gives; the device is added where it is known. */
export type Complaint = Omit<ReportEntry, 'device'>

/** Counts of an import; fields are the wire's. */
export interface ImportCounts {
  /** Rows read, empty lines left out. */
  readonly rows: number
  /** Readings that were (or, in a dry run, would be) journalled. */
  readonly readings: number
  /** Rows without a reading because of a fault. */
  readonly bad_rows: number
  /** Single values that were left out of a reading. */
  readonly bad_values: number
  /** Rows without a key and without any value. */
  readonly empty_rows: number
  readonly messages: number
}

export const NO_COUNTS: ImportCounts = { rows: 0, readings: 0, bad_rows: 0, bad_values: 0, empty_rows: 0, messages: 0 }

export function addCounts(a: ImportCounts, b: ImportCounts): ImportCounts {
  return {
    rows: a.rows + b.rows,
    readings: a.readings + b.readings,
    bad_rows: a.bad_rows + b.bad_rows,
    bad_values: a.bad_values + b.bad_values,
    empty_rows: a.empty_rows + b.empty_rows,
    messages: a.messages + b.messages,
  }
}

const VALUE_CHARACTERS = 100

/** A value as the report shows it. */
export function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null
  // JSON has no NaN and no Infinity.
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length <= VALUE_CHARACTERS ? text : `${text.slice(0, VALUE_CHARACTERS)}…`
}
