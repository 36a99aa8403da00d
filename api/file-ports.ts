/** What the API needs of imports and exports: begin one, send its bytes, read its record, its report and its file. */
export interface NewImport {
  readonly name: string
  /** Bytes of the whole file. */
  readonly bytes: number
  /** Device of every row, where no column names it. */
  readonly device?: string
  /** Type of the devices that are created. */
  readonly type?: string
  readonly dry_run?: boolean
  readonly create_devices?: boolean
  /** Mapping of columns, YAML. */
  readonly mapping?: string
}

/** Fields are the wire's. */
export interface ImportRecord {
  readonly import_id: string
  readonly tenant: string
  /** uploading, waiting, running, done or failed. */
  readonly state: string
  readonly name: string
  readonly dry_run: boolean
  readonly bytes: number
  readonly received_bytes: number
  readonly progress: object | null
  readonly report: object | null
  readonly created_at_ms: number
  readonly started_at_ms: number | null
  readonly ended_at_ms: number | null
}

export interface NewExport {
  readonly device?: string
  readonly type?: string
  readonly from_ms: number
  readonly to_ms: number
  readonly format: 'csv' | 'parquet'
  readonly tier: 'raw' | 'hourly' | 'daily'
}

export interface ExportRecord extends NewExport {
  readonly export_id: string
  readonly tenant: string
  readonly state: string
  readonly progress: object | null
  readonly report: object | null
  readonly created_at_ms: number
  readonly started_at_ms: number | null
  readonly ended_at_ms: number | null
}

interface ListQuery {
  readonly tenant: string
  readonly after?: string
  readonly limit: number
}
interface List<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export interface ImportPort {
  /** @throws MendlineError MDL_API_INVALID, MDL_MAPPING_INVALID, MDL_API_TOO_LARGE, MDL_JOB_TOO_MANY */
  create(tenant: string, wanted: NewImport, actor: string): Promise<ImportRecord>
  /** Takes the bytes from `from` on; the import begins with the last one. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_TOO_LARGE */
  append(
    tenant: string,
    id: string,
    piece: { readonly from: number; readonly bytes: AsyncIterable<Uint8Array>; readonly isWhole: boolean },
  ): Promise<ImportRecord>
  get(tenant: string, id: string): Promise<ImportRecord | undefined>
  list(query: ListQuery): Promise<List<ImportRecord>>
  /** Path of the report, NDJSON; undefined where there is no such import. */
  report(tenant: string, id: string): Promise<string | undefined>
  /** Ends a running one and drops record, upload and report. What was stored stays. @throws MendlineError MDL_API_NOT_FOUND */
  remove(tenant: string, id: string): Promise<void>
}

export interface ExportPort {
  /** @throws MendlineError MDL_API_INVALID, MDL_API_NOT_FOUND, MDL_JOB_TOO_MANY */
  create(tenant: string, wanted: NewExport, actor: string): Promise<ExportRecord>
  get(tenant: string, id: string): Promise<ExportRecord | undefined>
  list(query: ListQuery): Promise<List<ExportRecord>>
  /** Path of the file; undefined where there is no such export, or none that is done. */
  file(tenant: string, id: string): Promise<string | undefined>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  remove(tenant: string, id: string): Promise<void>
}
