/** Calls to a running server (`MENDLINE_URL`, `MENDLINE_API_KEY`), and their answers as a table or as JSON. */
import { MendlineError } from '#kernel/errors.ts'

const TIMEOUT_MS = 30_000
/** For a whole file. */
const FILE_TIMEOUT_MS = 3_600_000

export interface ClientFlags {
  readonly url?: string
  readonly key?: string
  readonly json?: boolean
}

export type Row = Readonly<Record<string, unknown>>

export interface Client {
  readonly url: string
  /** Sends one request; the answer is its JSON, or null without a body. @throws MendlineError with the server's words */
  send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>
  /** Sends bytes; the answer is its JSON. @throws MendlineError with the server's words */
  sendBytes(path: string, bytes: Uint8Array, headers: Readonly<Record<string, string>>): Promise<unknown>
  /** Asks for bytes, which the caller reads as they come. @throws MendlineError with the server's words */
  fetchBytes(path: string): Promise<ReadableStream<Uint8Array>>
}

/** Reads address and key from flags or environment. @throws MendlineError MDL_CONFIG_MISSING without a key */
export function createClient(flags: ClientFlags): Client {
  const url = (flags.url ?? process.env.MENDLINE_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '')
  const key = flags.key ?? process.env.MENDLINE_API_KEY
  if (key === undefined || key === '') {
    throw new MendlineError('MDL_CONFIG_MISSING', 'set MENDLINE_API_KEY (made by `mendline init`; `dev` in development mode)')
  }
  const authorization = `Bearer ${key}`
  const unreachable = (cause: unknown): never => {
    throw new MendlineError('MDL_API_INTERNAL', `${url} does not answer`, { cause, retryable: true })
  }
  return {
    url,
    async sendBytes(path, bytes, headers) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: 'PUT',
        headers: { authorization, 'content-type': 'application/octet-stream', ...headers },
        body: bytes as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch(unreachable)
      const text = await response.text()
      if (!response.ok) throw refusal(response.status, text)
      return JSON.parse(text)
    },
    async fetchBytes(path) {
      const response = await fetch(`${url}/api/v1${path}`, { headers: { authorization }, signal: AbortSignal.timeout(FILE_TIMEOUT_MS) }).catch(
        unreachable,
      )
      if (!response.ok || response.body === null) throw refusal(response.status, await response.text())
      return response.body
    },
    async send(method, path, body) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch(unreachable)
      const text = await response.text()
      if (!response.ok) throw refusal(response.status, text)
      return text === '' ? null : JSON.parse(text)
    },
  }
}

/** The server's problem as an error with its code and its fields. */
function refusal(status: number, text: string): MendlineError {
  try {
    const problem = JSON.parse(text) as { code: MendlineError['code']; detail?: string; title: string }
    return new MendlineError(problem.code, problem.detail || problem.title, { details: { status } })
  } catch {
    return new MendlineError('MDL_API_INTERNAL', `the server answered ${status}`, { details: { status } })
  }
}

/** Prints records: JSON as it came, or a table of the named columns. */
export function show(flags: ClientFlags, answer: unknown, columns: readonly string[]): void {
  if (flags.json === true) {
    console.log(JSON.stringify(answer, null, 2))
    return
  }
  const rows = rowsOf(answer)
  if (rows.length === 0) console.log('none')
  else console.log(table(rows, columns))
  const next = (answer as { next?: string | null } | null)?.next
  if (typeof next === 'string') console.log(`more: --cursor ${next}`)
}

function rowsOf(answer: unknown): readonly Row[] {
  const list = (answer as { items?: readonly Row[] } | null)?.items ?? answer
  return Array.isArray(list) ? (list as readonly Row[]) : list === null ? [] : [list as Row]
}

function table(rows: readonly Row[], columns: readonly string[]): string {
  const cells = [columns.map((column) => column.replace(/_ms$/, '')), ...rows.map((row) => columns.map((column) => cell(column, row[column])))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  return cells
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cell(column: string, value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'number' && (column.endsWith('_ms') || column === 't')) return new Date(value).toISOString()
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toPrecision(4)
  return Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value)
}
