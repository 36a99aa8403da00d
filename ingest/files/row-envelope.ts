/** Time, key and firmware of a row. What is wrong with them is told; then the row has no place in the journal. */
import type { ErrorCode } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { isInstant } from '../decode-envelope.ts'
import type { ColumnPlan } from './column-plan.ts'
import { type Complaint, shown } from './import-report.ts'
import type { Cell, FileRow } from './table-file.ts'
import { unguarded } from './text-guard.ts'

interface EnvelopeCells {
  readonly ts: number
  readonly boot?: number
  readonly seq?: number
  readonly hist: true
  readonly fw?: string
}

const UINT32_MAX = 0xffff_ffff
/** 2100: what lies behind it as seconds was not meant as seconds. */
const SECONDS_UNTIL_MS = 4_102_444_800_000

/** Reads what all values of the row have in common; undefined where something of it is wrong, which is complained about. */
export function readEnvelopeCells(row: FileRow, plan: ColumnPlan, complain: (complaint: Complaint) => void): EnvelopeCells | undefined {
  const wrong = (column: string, cell: Cell | undefined, reason: string, code: ErrorCode = 'MDL_INGEST_FIELD_INVALID'): undefined => {
    complain({ line: row.line, column, value: shown(cell), code, reason })
    return undefined
  }
  const { index, column, format, read } = plan.time
  const time = row.cells[index] ?? null
  const ts = read(time)
  if (ts === 'repeated') return wrong(column, time, `the local time comes twice, since the clock is set back; write it with an offset (${format})`)
  if (ts === 'skipped') return wrong(column, time, `the local time does not exist, since the clock is set forward (${format})`)
  if (ts === undefined || !isInstant(ts)) return wrong(column, time, `the time is not ${format}`)
  if (ts < limits.importTimeMs_MIN) return wrong(column, time, tooEarly(ts, format), 'MDL_INGEST_TIME_BEHIND')
  const boot = countOf(row.cells[plan.boot ?? -1])
  const seq = countOf(row.cells[plan.seq ?? -1])
  if (boot === 'wrong') return wrong('boot', row.cells[plan.boot ?? -1], `boot is an integer from 0 to ${UINT32_MAX}`)
  if (seq === 'wrong') return wrong('seq', row.cells[plan.seq ?? -1], `seq is an integer from 0 to ${UINT32_MAX}`)
  if (boot !== undefined && seq === undefined) return wrong('seq', null, 'boot without seq is no key')
  const firmware = String(row.cells[plan.fw ?? -1] ?? '')
  return {
    ts,
    ...(boot === undefined ? {} : { boot }),
    ...(seq === undefined ? {} : { seq }),
    hist: true,
    ...(firmware === '' ? {} : { fw: plan.isGuarded ? unguarded(firmware) : firmware }),
  }
}

/** Seconds that are read as milliseconds stand in 1970. */
function tooEarly(ts: number, format: string): string {
  const floor = new Date(limits.importTimeMs_MIN).toISOString().slice(0, 10)
  const reason = `read as ${format} the time is ${new Date(ts).toISOString()}, before ${floor}`
  const inSeconds = ts * 1000
  if (format === 'epoch_s' || inSeconds < limits.importTimeMs_MIN || inSeconds >= SECONDS_UNTIL_MS) return reason
  return `${reason}; in seconds it is ${new Date(inSeconds).toISOString()}, which a mapping says: time: {format: epoch_s, column: ...}`
}

function countOf(cell: Cell | undefined): number | undefined | 'wrong' {
  if (cell === undefined || cell === null || cell === '') return undefined
  const value = typeof cell === 'string' && /^\d{1,10}$/.test(cell.trim()) ? Number(cell) : cell
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= UINT32_MAX ? value : 'wrong'
}
