/**
 * Errors as problem+json (RFC 9457): `type`, `title`, `status`, `detail`, and our members `code`, `request_id` and `errors`, which
 * names each field that failed with the reason. Unexpected faults say nothing of the inside; the log has them under the request id.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { ERROR_CODES, type ErrorCode, MendlineError } from '#kernel/errors.ts'
import { type FieldError, fieldErrors } from '#kernel/field-errors.ts'
import type { Log } from '#kernel/log.ts'
import { LocalTextSchema } from '#kernel/report.ts'

export const ProblemSchema = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String({ description: 'A code of docs/errors.md' }),
  request_id: Type.String(),
  errors: Type.Array(Type.Object({ field: Type.String(), reason: Type.String() })),
  details: Type.Optional(
    Type.Object(
      {
        from: Type.Optional(Type.String({ description: 'State of the order' })),
        to: Type.Optional(Type.String({ description: 'State that was asked for' })),
        allowed: Type.Optional(Type.Array(Type.String(), { description: 'States that may follow' })),
        guard: Type.Optional(Type.String({ description: 'Guard of the process that was not met' })),
        revision: Type.Optional(Type.Integer({ description: 'Revision of the record now' })),
        safety_advice: Type.Optional({ ...LocalTextSchema, description: 'What to do first: the refused report tells a danger' }),
        hazard: Type.Optional(Type.String({ description: 'What endangers the home, where a danger was told' })),
        safety_class: Type.Optional(Type.String({ description: 'Class of that danger' })),
        previous_until_ms: Type.Optional(Type.Integer({ description: 'Until when the secret before signs, too' })),
      },
      { description: 'Of a refused move or a conflict what would have been possible; of a refused report what to do about the danger that it tells' },
    ),
  ),
})

type Problem = Static<typeof ProblemSchema>

/** A request that fails its schema; carries every field at fault. */
class RequestInvalid extends Error {
  readonly errors: readonly FieldError[]
  constructor(errors: readonly FieldError[]) {
    super(errors.map(({ field, reason }) => `${field}: ${reason}`).join('; '))
    this.errors = errors
  }
}

/** HTTP status of each code that a route may answer with; those not named are 500. */
const STATUS: { readonly [Code in ErrorCode]?: number } = {
  MDL_API_UNAUTHORISED: 401,
  MDL_API_FORBIDDEN: 403,
  MDL_API_NOT_FOUND: 404,
  MDL_API_INVALID: 400,
  MDL_API_CONFLICT: 409,
  MDL_API_IDEMPOTENCY_MISMATCH: 422,
  MDL_API_TOO_LARGE: 413,
  MDL_CLAIM_REFUSED: 403,
  MDL_CLAIM_LOCKED: 429,
  MDL_HUBS_ILLEGAL_MOVE: 409,
  MDL_HUBS_OUTCOME_REQUIRED: 422,
  MDL_HUBS_REASON_REQUIRED: 422,
  MDL_HUBS_PROCESS_INVALID: 400,
  MDL_HUBS_CONSENT_REQUIRED: 422,
  MDL_HUBS_LINK_EXPIRED: 410,
  MDL_HUBS_WEBHOOK_TARGET_REFUSED: 400,
  MDL_INGEST_TYPE_UNKNOWN: 400,
  MDL_MAPPING_INVALID: 400,
  MDL_IMPORT_INVALID: 400,
  MDL_EXPORT_INVALID: 400,
  MDL_MODEL_INVALID: 400,
  MDL_MODEL_TRAINER: 400,
  MDL_MODEL_TIMEOUT: 400,
  MDL_MODEL_WORSE: 409,
  MDL_JOB_TOO_MANY: 429,
  MDL_TWIN_TOO_MANY: 429,
  MDL_TWIN_COMMAND_ENDED: 409,
  MDL_STORE_UNAVAILABLE: 503,
  MDL_JOURNAL_UNAVAILABLE: 503,
}

/**
 * Compiles a typebox schema for fastify. Path, query and headers are text and are converted to the schema's types; a body is not.
 */
export function validatorCompiler({ schema, httpPart }: { readonly schema: unknown; readonly httpPart?: string | undefined }) {
  const typed = schema as TSchema
  const compiled = Compile(typed)
  return (value: unknown): { value: unknown } | { error: Error } => {
    const converted = httpPart === 'body' ? value : Value.Default(typed, Value.Convert(typed, value))
    if (compiled.Check(converted)) return { value: converted }
    const errors = fieldErrors(compiled.Errors(converted), httpPart ?? 'body')
    return { error: new RequestInvalid(errors) }
  }
}

/**
 * The same for the routes below `/api/v1`, which refuse a parameter that they do not know: who misspells a filter would take the whole list
 * for its answer. Pages that people open take whatever a mail program or a chat hangs onto their addresses.
 */
export function strictValidatorCompiler(part: Parameters<typeof validatorCompiler>[0]): ReturnType<typeof validatorCompiler> {
  const validate = validatorCompiler(part)
  if (part.httpPart !== 'querystring') return validate
  const { properties = {} } = part.schema as { readonly properties?: object }
  const known = Object.keys(properties)
  const reason = known.length === 0 ? 'the route takes no parameters' : `is no parameter of the route; it takes ${known.join(', ')}`
  return (value) => {
    const unknown = Object.keys((value ?? {}) as object).filter((name) => !Object.hasOwn(properties, name))
    if (unknown.length === 0) return validate(value)
    return { error: new RequestInvalid(unknown.slice(0, UNKNOWN_MAX).map((name) => ({ field: `querystring.${name}`, reason }))) }
  }
}

/** Parameters that one refusal names. */
const UNKNOWN_MAX = 20

/** Builds fastify's error handler. */
export function problemHandler(log: Log) {
  return (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = toProblem(error, request.id)
    if (problem.status >= 500) log.error('request failed', { request_id: request.id, method: request.method, route: request.routeOptions.url, error })
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="mendline"')
    return reply.code(problem.status).type('application/problem+json').send(problem)
  }
}

/** Each fault of a mapping (`fields.0.min: ...`) as a field below the text that it stands in. */
function mappingFaults({ code, details }: MendlineError): FieldError[] | undefined {
  if (code !== 'MDL_MAPPING_INVALID' || !Array.isArray(details.faults)) return undefined
  return details.faults.slice(0, 50).map((fault: unknown) => {
    const [, path, reason] = /^([\w.]+): (.*)$/s.exec(String(fault)) ?? []
    const steps = path === undefined || path === 'mapping' ? [] : path.split('.')
    const field = steps.reduce((name, step) => (/^\d+$/.test(step) ? `${name}[${step}]` : `${name}.${step}`), 'body.definition')
    return { field, reason: reason ?? String(fault) }
  })
}

/** Details of an error that leave the house; every other is for the log. */
const TOLD_DETAILS: ReadonlySet<string> = new Set(Object.keys(ProblemSchema.properties.details.properties))

function toProblem(error: FastifyError | Error, requestId: string): Problem {
  if (error instanceof RequestInvalid) return problem('MDL_API_INVALID', error.message, requestId, error.errors)
  if (error instanceof MendlineError) {
    const given = error.details.errors ?? mappingFaults(error)
    const named = error.code === 'MDL_HUBS_WEBHOOK_TARGET_REFUSED' ? [{ field: 'body.url', reason: error.message }] : []
    const fields = Array.isArray(given) ? given : named
    const told = problem(error.code, STATUS[error.code] === undefined ? '' : error.message, requestId, fields)
    const details = STATUS[error.code] === undefined ? [] : Object.entries(error.details).filter(([name]) => TOLD_DETAILS.has(name))
    return details.length === 0 ? told : { ...told, details: Object.fromEntries(details) }
  }
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return problem('MDL_API_TOO_LARGE', error.message, requestId, [{ field: 'body', reason: error.message }])
  if (status !== undefined && status >= 400 && status < 500) {
    return { ...problem('MDL_API_INVALID', error.message, requestId, [{ field: 'body', reason: error.message }]), status }
  }
  return problem('MDL_API_INTERNAL', '', requestId)
}

function problem(code: ErrorCode, detail: string, requestId: string, errors: readonly FieldError[] = []): Problem {
  const status = STATUS[code] ?? 500
  return { type: `urn:mendline:error:${code}`, title: ERROR_CODES[code], status, detail, code, request_id: requestId, errors: [...errors] }
}
