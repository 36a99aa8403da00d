/** Ports of imports and exports for the API's tests: answer from memory and note what they were asked. */
import { MendlineError } from '#kernel/errors.ts'
import type { ExportPort, ExportRecord, ImportPort, ImportRecord, NewExport, NewImport } from './file-ports.ts'

export function memoryFiles(note: (port: string, argument: unknown) => void, nowMs: number): { imports: ImportPort; exports: ExportPort } {
  const times = { created_at_ms: nowMs, started_at_ms: null, ended_at_ms: null }
  const progress = { progress: null, report: null }
  const imported = ({ name, bytes, dry_run = false }: NewImport): ImportRecord => ({
    ...{ import_id: 'job_1', tenant: 'home', state: 'uploading', name, dry_run, bytes, received_bytes: 0, ...progress, ...times },
  })
  const exported = (wanted: NewExport): ExportRecord => ({ export_id: 'job_2', tenant: 'home', state: 'waiting', ...wanted, ...progress, ...times })
  const whole = { name: 'a.csv', bytes: 3 }
  const raw = { from_ms: 0, to_ms: nowMs, format: 'csv', tier: 'raw' } as const
  const refuse = async (tenant: string, id: string): Promise<void> => {
    if (tenant !== 'home' || !id.startsWith('job_')) throw new MendlineError('MDL_API_NOT_FOUND', `there is no ${id}`)
  }
  return {
    imports: {
      async create(tenant, wanted, actor) {
        note('createImport', { tenant, wanted, actor })
        return imported(wanted)
      },
      async append(tenant, id, { from, bytes, isWhole }) {
        await refuse(tenant, id)
        const chunks: Uint8Array[] = []
        for await (const chunk of bytes) chunks.push(chunk)
        note('appendImport', { id, from, isWhole, text: Buffer.concat(chunks).toString() })
        return { ...imported(whole), received_bytes: from + Buffer.concat(chunks).length }
      },
      get: async (tenant, id) => (tenant === 'home' && id === 'job_1' ? imported(whole) : undefined),
      async list(query) {
        note('imports', query)
        return { items: [imported(whole)], next: null }
      },
      report: async () => undefined,
      remove: refuse,
    },
    exports: {
      async create(tenant, wanted, actor) {
        note('createExport', { tenant, wanted, actor })
        return exported(wanted)
      },
      get: async (tenant, id) => (tenant === 'home' && id === 'job_2' ? exported(raw) : undefined),
      async list(query) {
        note('exports', query)
        return { items: [exported(raw)], next: null }
      },
      file: async () => undefined,
      remove: refuse,
    },
  }
}
