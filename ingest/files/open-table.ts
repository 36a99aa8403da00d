/** Opens a file of readings by its first bytes: Parquet, gzip, else CSV. Names and content types are hints that may be wrong. */
import { open, stat } from 'node:fs/promises'
import type { MappingDocument } from '../mapping/mapping-document.ts'
import { type EngineOptions, openParquetTable } from '../stores/duckdb-files.ts'
import { openCsvTable } from './csv-table.ts'
import type { TableFile } from './table-file.ts'

export interface OpenOptions extends EngineOptions {
  readonly mapping: MappingDocument | undefined
  readonly recordBytes_MAX: number
}

/** @throws MendlineError MDL_IMPORT_INVALID */
export async function openTable(path: string, { mapping, recordBytes_MAX, ...engine }: OpenOptions): Promise<TableFile> {
  const magic = await firstBytes(path)
  if (magic.toString('latin1') === 'PAR1') return openParquetTable(path, engine)
  const { size } = await stat(path)
  return openCsvTable({
    path,
    bytes: size,
    isGzip: magic[0] === 0x1f && magic[1] === 0x8b,
    delimiter: mapping?.delimiter,
    hasHeader: mapping === undefined || mapping.header === true,
    recordBytes_MAX,
  })
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
