/**
 * The one front to all forms of payload: takes a message of a form other than the contract's and gives its readings as the contract has
 * them. Used by `decode.ts` and by `decode-safety.ts`, so that a danger in a foreign payload is a danger. A pure function of the record
 * and of the mapping version that the record names.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { assertNever } from '#kernel/errors.ts'
import { understand } from '#kernel/lenient-json.ts'
import { parsePayload } from '../decode-json.ts'
import type { FormItem, FormOptions } from './form-items.ts'
import { readOpcua } from './opcua.ts'
import { readSenml } from './senml.ts'
import { readSparkplugForm } from './sparkplug.ts'
import { readThingsboard } from './thingsboard.ts'

/** Reads the payload; undefined when it cannot be read at all, which is complained about. */
export function readForm(message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  const items = readerOf(message, options)
  if (items === undefined || items.length <= options.limits.readingsPerPayload_MAX) return items
  const reason = `${items.length} readings in one payload, the limit is ${options.limits.readingsPerPayload_MAX}`
  options.complain('MDL_INGEST_TOO_MANY_READINGS', '', reason)
  return undefined
}

function readerOf(message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  const { form } = message
  if (form === undefined) return undefined
  switch (form) {
    case 'thingsboard':
      return fromJson(message, options, readThingsboard)
    case 'senml':
      return fromJson(message, options, readSenml)
    case 'mapped':
      return fromJson(message, options, readMapped)
    case 'sparkplug':
      return readSparkplugForm(message, options)
    case 'opcua':
      return fromJson(message, options, readOpcua)
    case 'stray':
    case 'unclaimed':
      return undefined
    default:
      return assertNever(form)
  }
}

/** A payload by the mapping version that the record names. */
function readMapped(value: unknown, message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  const mapping = message.context === undefined ? undefined : options.mappingOf(message.tenant, message.context)
  if (mapping !== undefined) return mapping.read(value, message, options)
  const reason = message.context === undefined ? 'no mapping is for this device' : `there is no mapping ${message.context}`
  options.complain('MDL_INGEST_MAPPING_UNKNOWN', '', reason)
  return undefined
}

type JsonReader = (value: unknown, message: AcceptedMessage, options: FormOptions) => readonly FormItem[] | undefined

function fromJson(message: AcceptedMessage, options: FormOptions, read: JsonReader): readonly FormItem[] | undefined {
  const parsed = parsePayload(message.payload, options.limits.jsonDepth_MAX)
  if (parsed.kind === 'parsed') return read(parsed.value, message, options)
  if (options.isForSafety === true) return understand(message.payload).flatMap((value) => read(value, message, options) ?? [])
  options.complain('MDL_INGEST_UNREADABLE', '', parsed.reason)
  return undefined
}
