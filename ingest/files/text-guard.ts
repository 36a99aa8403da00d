/**
 * CSV injection: spreadsheets take a cell that begins with `=`, `+`, `-` or `@` for a formula, and texts of channels come from devices that
 * we do not control. Such a text is written with an apostrophe before it, which the importer takes off again, so the round trip is
 * exact; a text that begins with an apostrophe gets one, too. Numbers are not texts: `-3.5` stays as it is.
 */
const DANGEROUS = /^[=+\-@\t\r']/
const GUARDED = /^'[=+\-@\t\r']/

/** The text as a cell that no spreadsheet calculates. */
export const guarded = (text: string): string => (DANGEROUS.test(text) ? `'${text}` : text)

/** The text of a cell. */
export const unguarded = (cell: string): string => (GUARDED.test(cell) ? cell.slice(1) : cell)
