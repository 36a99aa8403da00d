/**
 * What can be understood of a text that is nearly JSON, for deciding on dangers only: bytes behind the end, a byte order mark, NaN of a printf, a
 * comma too many, a byte that is no UTF-8, an end that is missing. What cannot be understood is left out, and so is a word that the end of the text
 * cuts, for 4 may have been 40. Nothing here is stored, and nothing recurses, so no nesting overflows the stack.
 */
import { endOfString, putNamed } from './json-text.ts'

type Container = { readonly list: unknown[] } | { readonly record: Record<string, unknown>; name: string | undefined }

/** Ends of a word that is no string. */
const DELIMITERS = ',:]}[{"'
/** NUL of a buffer that was sent whole, the byte order mark, and what JSON calls white space. */
const isBlank = (char: string): boolean => char === '\0' || char === '\uFEFF' || char.trim() === ''

/** Values of a text, usually one; several stand where objects follow one another. */
export function understand(bytes: Uint8Array): readonly unknown[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const roots: unknown[] = []
  const stack: Container[] = []
  const put = (value: unknown): void => {
    const into = stack.at(-1)
    if (into === undefined) roots.push(value)
    else if ('list' in into) into.list.push(value)
    else if (into.name !== undefined) {
      putNamed(into.record, into.name, value)
      into.name = undefined
    }
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    const into = stack.at(-1)
    if (char === '"') {
      const end = endOfString(text, at)
      const own = stringOf(text.slice(at, end + 1))
      at = end
      if (into !== undefined && 'record' in into && into.name === undefined) into.name = own
      else if (end < text.length) put(own)
    } else if (char === '{' || char === '[') {
      const value = char === '{' ? {} : []
      put(value)
      stack.push(Array.isArray(value) ? { list: value } : { record: value, name: undefined })
    } else if (char === '}' || char === ']') stack.pop()
    else if (char === ',') {
      // A name whose value was not understood.
      if (into !== undefined && 'record' in into) into.name = undefined
    } else if (char !== ':' && !isBlank(char)) {
      let end = at
      while (end < text.length && !DELIMITERS.includes(text[end] ?? '') && !isBlank(text[end] ?? '')) end++
      const value = end < text.length ? wordOf(text.slice(at, end)) : undefined
      if (value !== undefined) put(value)
      at = end - 1
    }
  }
  return roots
}

/** A string as JSON reads it, or as it stands where it has what JSON does not allow. */
function stringOf(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted.slice(1, quoted.endsWith('"') && quoted.length > 1 ? -1 : undefined)
  }
}

/** A map, so that no word finds what every object has. */
const WORDS: ReadonlyMap<string, boolean | null | number> = new Map<string, boolean | null | number>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['-infinity', Number.NEGATIVE_INFINITY],
])

/** Undefined for what means nothing, NaN included. */
function wordOf(word: string): unknown {
  const known = WORDS.get(word.toLowerCase())
  if (known !== undefined) return known
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : undefined
}
