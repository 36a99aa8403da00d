/** Names in SQL: how a type, a channel and a path become part of a statement. */

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** DuckDB takes `A` and `a` for one name: what is not a small letter, digit or underscore is written as `$` and its code. */
export const namePart = (type: string): string => type.replaceAll(/[^a-z0-9_]/g, (letter) => `$${letter.charCodeAt(0).toString(16)}`)
