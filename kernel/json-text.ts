/**
 * What JSON.parse says nothing of: names that stand twice in one object, of which it keeps the last value without a word (RFC 8259 section 4
 * leaves that open), and numbers that no double holds, which become Infinity. Names are found by counting: a text has as many colons outside
 * its strings as its objects have names. Only where that differs is it read again, and the name then holds a list of all its values, marked
 * as such, which no reader takes for one of them. Nothing here recurses, so no nesting overflows the stack.
 */

/** Lists that stand for the values of one name. */
const repeated = new WeakSet<object>()

/** Tells whether a value of `parseJson` is the list of all values of a name that stands more than once. */
export const isRepeated = (value: unknown): value is readonly unknown[] => typeof value === 'object' && value !== null && repeated.has(value)

/**
 * JSON.parse, but a name that stands twice in an object holds a list that `isRepeated` knows.
 * @param colons those outside strings, where somebody counted them already
 * @throws SyntaxError
 */
export function parseJson(text: string, colons?: number): unknown {
  const value: unknown = JSON.parse(text)
  return hasRepeatedName(text, value, colons) ? parseRepeated(text) : value
}

/** Whether an object in `text`, whose value is `value`, has a name twice. */
export function hasRepeatedName(text: string, value: unknown, colons?: number): boolean {
  return typeof value === 'object' && value !== null && (colons ?? colonsIn(text)) !== namesIn(value)
}

export type JsonPath = ReadonlyArray<string | number>

/** Path of the first value for which `test` holds, in the order of the text; undefined where there is none. */
export function findInJson(root: unknown, test: (value: unknown) => boolean): JsonPath | undefined {
  interface Step {
    readonly value: unknown
    readonly step: string | number | undefined
    readonly parent: Step | undefined
  }
  const stack: Step[] = [{ value: root, step: undefined, parent: undefined }]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (test(at.value)) {
      const path: Array<string | number> = []
      for (let each: Step | undefined = at; each?.step !== undefined; each = each.parent) path.unshift(each.step)
      return path
    }
    const parent = at
    const { value } = at
    if (Array.isArray(value)) for (let index = value.length - 1; index >= 0; index--) stack.push({ value: value[index], step: index, parent })
    else if (typeof value === 'object' && value !== null)
      for (const [step, own] of Object.entries(value).toReversed()) stack.push({ value: own, step, parent })
  }
  return undefined
}

/** What is wrong with a value of `parseJson`: a name that stands twice, or a number that is not finite; undefined for nothing. */
export function jsonFault(value: unknown): { readonly path: JsonPath; readonly reason: string } | undefined {
  const path = findInJson(value, (own) => isRepeated(own) || (typeof own === 'number' && !Number.isFinite(own)))
  if (path === undefined) return undefined
  const found = path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], value)
  return { path, reason: isRepeated(found) ? REPEATED_REASON : 'the number is not finite: it is larger than a double can hold' }
}

export const REPEATED_REASON = 'the name stands there more than once, so nobody can tell which value is meant'

const STEP_CHARACTERS = 64

/** A path as fields are named: `body.desired.a`, `[3].v.power_w`; names of strangers are shortened. */
export const jsonField = (root: string, path: JsonPath): string =>
  path
    .reduce<string>((field, step) => (typeof step === 'number' ? `${field}[${step}]` : `${field}.${step.slice(0, STEP_CHARACTERS)}`), root)
    .replace(/^\./, '')

const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c]

function colonsIn(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === COLON) count++
    else if (code === QUOTE) at = endOfString(text, at)
  }
  return count
}

/** Place of the closing quote of the string that begins at `from`. */
export function endOfString(text: string, from: number): number {
  let at = from + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) break
  }
  return at
}

function namesIn(root: object): number {
  let count = 0
  const stack: object[] = [root]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (Array.isArray(at)) {
      for (const value of at) if (typeof value === 'object' && value !== null) stack.push(value)
      continue
    }
    const record = at as Readonly<Record<string, unknown>>
    // What JSON.parse made has own names only, so this is the quickest way over them.
    for (const name in record) {
      count++
      const value = record[name]
      if (typeof value === 'object' && value !== null) stack.push(value)
    }
  }
  return count
}

type Container = { readonly list: unknown[] } | { readonly record: Record<string, unknown>; name: string | undefined }

/** Reads a text that JSON.parse takes; the values of a name that stands more than once become a marked list. */
function parseRepeated(text: string): unknown {
  const stack: Container[] = []
  let root: unknown
  const put = (value: unknown): void => {
    const into = stack.at(-1)
    if (into === undefined) root = value
    else if ('list' in into) into.list.push(value)
    else if (into.name !== undefined) {
      putNamed(into.record, into.name, value)
      into.name = undefined
    }
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') {
      const end = endOfString(text, at)
      const own = JSON.parse(text.slice(at, end + 1)) as string
      at = end
      const into = stack.at(-1)
      if (into !== undefined && 'record' in into && into.name === undefined) into.name = own
      else put(own)
    } else if (char === '{' || char === '[') {
      const value = char === '{' ? {} : []
      put(value)
      stack.push(Array.isArray(value) ? { list: value } : { record: value, name: undefined })
    } else if (char === '}' || char === ']') stack.pop()
    else if (char !== ',' && char !== ':' && char.trim() !== '') {
      let end = at
      while (end < text.length && !',]} \t\r\n'.includes(text[end] ?? ',')) end++
      put(JSON.parse(text.slice(at, end)))
      at = end - 1
    }
  }
  return root
}

/** Puts a value under a name; those of a name that stands more than once become a marked list. */
export function putNamed(record: Record<string, unknown>, name: string, value: unknown): void {
  if (!Object.hasOwn(record, name)) {
    // As JSON.parse does: `__proto__` is an own name like any other.
    Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true })
    return
  }
  const before = record[name]
  if (isRepeated(before)) (before as unknown[]).push(value)
  else {
    const list = [before, value]
    repeated.add(list)
    record[name] = list
  }
}
