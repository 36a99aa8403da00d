/** The refusals of rules: each fault with its field and reason. */
import { MendlineError } from '#kernel/errors.ts'
import type { FieldFault } from './rule-document.ts'

/** Of a saved version that is to be put into force, whose fields are not in the request. */
export const weakerThanInForce = (version: number, faults: readonly FieldFault[]): MendlineError =>
  new MendlineError(
    'MDL_API_INVALID',
    `version ${version} warns less than the rule in force (roll that back first, down to the catalogue's): ${faults.map(({ field, reason }) => `${field} ${reason}`).join('; ')}`,
    { details: { errors: faults.map(({ field, reason }) => ({ field: 'body.version', reason: `${field} ${reason}` })) } },
  )

/** Of a document, by its fields. */
export const refused = (faults: readonly FieldFault[]): MendlineError =>
  new MendlineError('MDL_API_INVALID', `the rule cannot be: ${faults.map(({ field, reason }) => `${field} ${reason}`).join('; ')}`, {
    details: { errors: faults.map(({ field, reason }) => ({ field: `body.rule.${field}`, reason })) },
  })
