/** What a failed verb says, and with which code the process ends. */
import { type ErrorCode, MendlineError } from '#kernel/errors.ts'

/** Wrong use or configuration; everything else is a failure. */
const WRONG_USE: ReadonlySet<ErrorCode> = new Set([
  'MDL_CONFIG_INVALID',
  'MDL_CONFIG_MISSING',
  'MDL_CONFIG_UNSAFE',
  'MDL_REPLAY_INVALID',
  'MDL_MAPPING_INVALID',
  'MDL_IMPORT_INVALID',
  'MDL_EXPORT_INVALID',
])

export const exitCodeOf = (error: unknown): 1 | 2 => (error instanceof MendlineError && WRONG_USE.has(error.code) ? 2 : 1)

/** The message of an error of the world with its code; the stack of anything else. */
export function messageOf(error: unknown): string {
  if (error instanceof MendlineError)
    return `${error.code}: ${error.message.includes('\n') ? `\n  ${error.message.replaceAll('\n', '\n  ')}` : error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
