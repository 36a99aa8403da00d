/** Times as verbs of the command line take them. */
import { MendlineError } from '#kernel/errors.ts'

/** Epoch ms of a flag that holds such or ISO 8601. @throws MendlineError MDL_API_INVALID that names the flag */
export function timeOf(flag: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(value)) throw new MendlineError('MDL_API_INVALID', `${flag} must be epoch ms or ISO 8601`)
  return value
}
