/**
 * What a device says of its settings and of commands, read from parsed JSON: `reported` and `cmd/{id}/ack`. Pure, since two readers
 * must agree: the pipeline keeps what is wrong in the quarantine, the twin applies what is right. Nothing is converted.
 */
import type { AcceptedMessage } from './accepted-message.ts'
import { ACK_STATES, type AckState } from './command.ts'
import type { ErrorCode } from './errors.ts'
import { jsonFault, jsonField } from './json-text.ts'
import type { Limits } from './limits.ts'

export type JsonObject = { readonly [key: string]: unknown }

export interface Refusal {
  readonly kind: 'refused'
  readonly code: ErrorCode
  /** Path within the payload. */
  readonly field: string
  readonly reason: string
}

export interface ReportedMessage {
  readonly kind: 'reported'
  /** Device time, of receipt where it names none. */
  readonly atMs: number
  /** Version of the desired settings that it has taken in, where it says so. */
  readonly desiredVersion: number | undefined
  /** Settings as they are; null takes one away. Settings that are not named keep their value. */
  readonly settings: JsonObject
}

export interface AckMessage {
  readonly kind: 'ack'
  readonly state: AckState
  readonly reason: string | null
  readonly data: unknown
}

export interface TwinMessageLimits extends Pick<Limits, 'aheadMs_MAX' | 'twinDocumentBytes_MAX' | 'commandPayloadBytes_MAX'> {}

const DAY_MS = 86_400_000
const REASON_LENGTH_MAX = 500
const refused = (field: string, reason: string, code: ErrorCode = 'MDL_TWIN_INVALID'): Refusal => ({ kind: 'refused', code, field, reason })

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const field = (object: JsonObject, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined)
/** Length of a value as JSON, in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value) ?? '').length

/** Reads `{"ts"?, "desired_version"?, "reported": {...}}`; ThingsBoard's attributes are the settings themselves. */
export function readReported(
  value: unknown,
  message: Pick<AcceptedMessage, 'received_at_ms' | 'maxAgeDays' | 'form'>,
  limits: TwinMessageLimits,
): ReportedMessage | Refusal {
  if (!isObject(value)) return refused('', 'the payload is an object {ts, desired_version, reported}')
  const fault = jsonFault(value)
  if (fault !== undefined) return refused(jsonField('', fault.path), fault.reason)
  const { form, ...rest } = message
  if (form === 'thingsboard') return readReported({ reported: value }, rest, limits)
  if (form !== undefined) return refused('', `settings cannot come in the form ${form}`)
  const settings = field(value, 'reported')
  if (!isObject(settings)) return refused('reported', 'reported is an object of settings')
  if (Object.hasOwn(settings, '__proto__')) return refused('reported.__proto__', 'no setting has this name')
  const bytes = jsonBytes(settings)
  if (bytes > limits.twinDocumentBytes_MAX) return refused('reported', `${bytes} bytes, the limit is ${limits.twinDocumentBytes_MAX}`)
  const version = field(value, 'desired_version') ?? undefined
  if (version !== undefined && !isCount(version)) return refused('desired_version', 'desired_version is an integer of 0 or more')
  const ts = field(value, 'ts') ?? message.received_at_ms
  if (!isCount(ts)) return refused('ts', 'ts is epoch milliseconds, an integer')
  const aheadMs = ts - message.received_at_ms
  if (aheadMs > limits.aheadMs_MAX) return refused('ts', `device time ${ts} is ${aheadMs} ms ahead of receipt`, 'MDL_INGEST_TIME_AHEAD')
  if (-aheadMs > message.maxAgeDays * DAY_MS) return refused('ts', `device time ${ts} is ${-aheadMs} ms behind receipt`, 'MDL_INGEST_TIME_BEHIND')
  return { kind: 'reported', atMs: ts, desiredVersion: version, settings }
}

/** Reads `{"state": "accepted"|"done"|"refused", "reason"?, "data"?}`. */
export function readAck(value: unknown, limits: TwinMessageLimits): AckMessage | Refusal {
  if (!isObject(value)) return refused('', 'the payload is an object {state, reason, data}')
  const fault = jsonFault(value)
  if (fault !== undefined) return refused(jsonField('', fault.path), fault.reason)
  const said = field(value, 'state')
  const state = ACK_STATES.find((known) => known === said)
  if (state === undefined) return refused('state', `state is one of ${ACK_STATES.join(', ')}`)
  const reason = field(value, 'reason') ?? null
  if (reason !== null && (typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX)) {
    return refused('reason', `reason is a text of at most ${REASON_LENGTH_MAX} characters`)
  }
  const data = field(value, 'data') ?? null
  const bytes = jsonBytes(data)
  if (bytes > limits.commandPayloadBytes_MAX) return refused('data', `${bytes} bytes, the limit is ${limits.commandPayloadBytes_MAX}`)
  return { kind: 'ack', state, reason, data }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
