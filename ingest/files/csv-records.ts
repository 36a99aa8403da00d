/**
 * Strict reading of CSV (RFC 4180) from a stream of bytes: UTF-8 with or without a byte order mark, LF or CRLF, a delimiter of `,` `;` or
 * tab, quotes that hold delimiters and line breaks, doubled quotes. Nothing is guessed and nothing converted: a record that is not well
 * formed is given with the reason, with the line that it begins in, and the next one is read. Memory is bounded by the longest record.
 */
import { isUtf8 } from 'node:buffer'
import { MendlineError } from '#kernel/errors.ts'

export interface CsvRecord {
  /** Line of the file that it begins in, from 1. */
  readonly line: number
  readonly cells: readonly string[]
  /** Why its cells cannot be read. */
  readonly fault?: string
}

/** Bytes of a record's line and its number. */
interface Piece {
  readonly line: number
  readonly bytes: Buffer
}

export interface CsvOptions {
  /** Sniffed from the first record where it is absent. */
  readonly delimiter?: string
  /** Bytes of one record; a longer one ends the reading, since a quote was not closed. */
  readonly recordBytes_MAX: number
}

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const BOM = [0xef, 0xbb, 0xbf]

/** Records in order, empty lines left out, some at a time. @throws MendlineError MDL_IMPORT_INVALID for a record without an end */
export async function* csvRecords(bytes: AsyncIterable<Uint8Array>, options: CsvOptions): AsyncGenerator<readonly CsvRecord[]> {
  let delimiter = options.delimiter
  let isHeader = true
  for await (const pieces of csvLines(bytes, options)) {
    const records: CsvRecord[] = []
    for (const { line, bytes: own } of pieces) {
      if (own.length === 0) continue
      const text = own.toString('utf8')
      if (isHeader && hasBareCr(text)) throw new MendlineError('MDL_IMPORT_INVALID', CR_REASON, { details: { line } })
      isHeader = false
      delimiter ??= sniffDelimiter(text)
      if (text.includes('\ufffd') && !isUtf8(own)) records.push({ line, cells: [], fault: 'the line is not UTF-8' })
      else records.push({ line, ...cellsOf(text, delimiter) })
    }
    if (records.length > 0) yield records
  }
}

const CR_REASON = 'the lines end with CR alone, as in "CSV (Macintosh)"; a line ends with LF or CRLF'

/** Whether a carriage return stands outside quotes; that of CRLF is off already. */
const hasBareCr = (text: string): boolean => text.replaceAll(/"[^"]*"/g, '').includes('\r')

/** Cuts bytes into the lines of records; a line break inside quotes belongs to the record. */
async function* csvLines(bytes: AsyncIterable<Uint8Array>, { recordBytes_MAX }: CsvOptions): AsyncGenerator<readonly Piece[]> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 1
  let isFirst = true
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    if (isFirst && rest.length >= BOM.length) {
      if (BOM.every((byte, index) => rest[index] === byte)) rest = rest.subarray(BOM.length)
      isFirst = false
    }
    const cut = cutLines(rest, line)
    if (cut.pieces.length > 0) yield cut.pieces
    rest = rest.subarray(cut.used)
    line = cut.line
    if (rest.length > recordBytes_MAX) {
      const reason = `the record of line ${line} is longer than ${recordBytes_MAX} bytes; a quote may not be closed`
      throw new MendlineError('MDL_IMPORT_INVALID', reason, { details: { line } })
    }
  }
  if (rest.length > 0) yield [{ line, bytes: withoutCr(rest) }]
}

function cutLines(bytes: Buffer, firstLine: number): { readonly pieces: readonly Piece[]; readonly used: number; readonly line: number } {
  const pieces: Piece[] = []
  let line = firstLine
  let used = 0
  let isQuoted = false
  let breaks = 0
  let quote = bytes.indexOf(QUOTE)
  for (let at = 0; ; ) {
    const end = bytes.indexOf(LF, at)
    if (end < 0) return { pieces, used, line }
    for (; quote >= 0 && quote < end; quote = bytes.indexOf(QUOTE, quote + 1)) isQuoted = !isQuoted
    at = end + 1
    breaks++
    if (isQuoted) continue
    pieces.push({ line, bytes: withoutCr(bytes.subarray(used, end)) })
    line += breaks
    breaks = 0
    used = at
  }
}

const withoutCr = (bytes: Buffer): Buffer => (bytes[bytes.length - 1] === CR ? bytes.subarray(0, -1) : bytes)

const DELIMITERS = [',', ';', '\t'] as const

/** The delimiter that stands most often outside of quotes in the first record. */
export function sniffDelimiter(text: string): string {
  const bare = text.replaceAll(/"[^"]*"/g, '')
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ','
}

/** Cells of a record, strict about quotes. */
export function cellsOf(text: string, delimiter: string): { readonly cells: readonly string[]; readonly fault?: string } {
  if (!text.includes('"')) return { cells: text.split(delimiter) }
  const cells: string[] = []
  for (let at = 0; ; at++) {
    if (text.charAt(at) !== '"') {
      const next = text.indexOf(delimiter, at)
      const cell = next < 0 ? text.slice(at) : text.slice(at, next)
      if (cell.includes('"')) return { cells: [], fault: `a quote stands inside the unquoted cell ${cells.length + 1}` }
      cells.push(cell)
      if (next < 0) return { cells }
      at = next
      continue
    }
    const { cell, end } = quotedCell(text, at)
    if (end > text.length) return { cells: [], fault: `the quote of cell ${cells.length + 1} is not closed` }
    if (end < text.length && text.charAt(end) !== delimiter) return { cells: [], fault: `text follows the closing quote of cell ${cells.length + 1}` }
    cells.push(cell)
    if (end === text.length) return { cells }
    at = end
  }
}

/** The cell that begins with a quote at `from`; `end` lies behind the text where the quote is not closed. */
function quotedCell(text: string, from: number): { readonly cell: string; readonly end: number } {
  let cell = ''
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return { cell, end: text.length + 1 }
    cell += text.slice(at, quote)
    if (text.charAt(quote + 1) !== '"') return { cell, end: quote + 1 }
    cell += '"'
    at = quote + 2
  }
}
