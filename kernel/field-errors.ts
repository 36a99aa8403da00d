/** Errors of a schema as the API names them: the field as a path from the request, and the reason. Nothing here knows where the value came from. */
import { type ErrorCode, MendlineError } from './errors.ts'

export interface FieldError {
  readonly field: string
  readonly reason: string
}

/** A refusal that names its field, as a schema's would. */
export function fieldRefused(field: string, reason: string, code: ErrorCode = 'MDL_API_INVALID'): MendlineError {
  return new MendlineError(code, `${field}: ${reason}`, { details: { errors: [{ field, reason }] } })
}

/** A refusal that names each field at fault. */
export function fieldsRefused(errors: readonly FieldError[], code: ErrorCode = 'MDL_API_INVALID'): MendlineError {
  return new MendlineError(code, errors.map(({ field, reason }) => `${field}: ${reason}`).join('; '), { details: { errors } })
}

/** A refusal of a field of the body, which the sentence names as its sender knows it. */
export const bodyRefused = (field: string, reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `${field}: ${reason}`, { details: { errors: [{ field: `body.${field}`, reason }] } })

/** The same refusal about other fields; an error of another kind as it is. */
export function renamedFields(error: unknown, rename: (field: string) => string): unknown {
  const given = error instanceof MendlineError ? error.details.errors : undefined
  if (!(error instanceof MendlineError) || !Array.isArray(given)) return error
  const errors = (given as readonly FieldError[]).map(({ field, reason }) => ({ field: rename(field), reason }))
  const message = errors.map(({ field, reason }) => `${field}: ${reason}`).join('; ')
  return new MendlineError(error.code, message, { cause: error, retryable: error.retryable, details: { ...error.details, errors } })
}

/** What typebox says of one fault. */
interface SchemaFault {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

/** Fields whose errors are listed at most; a hostile body cannot make a larger answer. */
const FIELDS_MAX = 50

/** The faults of a value as fields below `root`, e.g. `body.data.outcome.minutes`; at most 50. */
export const fieldErrors = (faults: readonly SchemaFault[], root: string): FieldError[] =>
  faults
    .filter(({ keyword }) => keyword !== 'boolean')
    .slice(0, FIELDS_MAX)
    .map(({ instancePath, params, message }) => ({ field: fieldOf(root, instancePath, params), reason: message }))

/** `body[3].device` from the JSON pointer `/3/device`; a missing field is named itself. */
function fieldOf(root: string, pointer: string, params: object): string {
  const missing = (params as { requiredProperties?: readonly string[] }).requiredProperties?.[0]
  const extra = (params as { additionalProperties?: readonly string[] }).additionalProperties
  const last = missing ?? (Array.isArray(extra) ? String(extra[0]) : undefined)
  const steps = [...pointer.split('/').slice(1), ...(last === undefined ? [] : [last])]
  return root + steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
}
