/**
 * Finds the names of an erased household and its devices in text and in bytes, and gives pseudonyms in their place. In bytes a name may stand as
 * UTF-8, as one byte or two bytes a letter (saved states), and within JSON with its escapes; each of these is looked for.
 */
import { createHmac, randomBytes } from 'node:crypto'

export interface ErasedNames {
  readonly mentions: (text: string) => boolean
  readonly mentionsBytes: (bytes: Uint8Array) => boolean
  readonly pseudonymise: (text: string) => string
  readonly pseudonymOf: (name: string) => string
}

export function createErasedNames(names: readonly string[]): ErasedNames {
  // The key is gone with the process: nobody can try names against a pseudonym.
  const key = randomBytes(32)
  const pseudonymOf = (name: string): string => `erased_${createHmac('sha256', key).update(name).digest('hex').slice(0, 20)}`
  const written = new Map(names.flatMap((name) => [name, inJson(name)].map((form) => [form, name] as const)))
  const inText = patternOf([...written.keys()])
  const inBytes = patternOf([...written.keys()].flatMap((form) => [form, asLatin1(form, 'utf8'), asLatin1(form, 'utf16le')]))
  return {
    mentions: (text) => text.search(inText) >= 0,
    mentionsBytes: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').search(inBytes) >= 0,
    pseudonymise: (text) => text.replace(inText, (form) => pseudonymOf(written.get(form) ?? form)),
    pseudonymOf,
  }
}

const inJson = (name: string): string => JSON.stringify(name).slice(1, -1)
const asLatin1 = (name: string, encoding: 'utf8' | 'utf16le'): string => Buffer.from(name, encoding).toString('latin1')

/** A name stands for itself only where it is whole: ac-1 is not ac-10. */
function patternOf(forms: readonly string[]): RegExp {
  const escaped = [...new Set(forms)].map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`(?<![A-Za-z0-9_-])(?:${escaped.join('|')})(?![A-Za-z0-9_-])`, 'g')
}
