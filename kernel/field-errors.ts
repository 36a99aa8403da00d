/** Errors of a schema as the API names them: the field as a path from the request, and the reason. Nothing here knows where the value came from. */
export interface FieldError {
  readonly field: string
  readonly reason: string
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
