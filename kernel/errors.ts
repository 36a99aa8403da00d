/**
 * Errors of the world (bad input, full disks, absent peers) as one class with a code from one list. Programmer's errors
 * are `assert`ed and not caught. `docs/errors.md` is generated from the list; a test holds them equal. Codes are never reused.
 */
export const ERROR_CODES = {
  MDL_CONFIG_INVALID: 'The configuration has faults; all of them are listed.',
  MDL_CONFIG_MISSING: 'There is no configuration or no initialised data folder here; `mendline init` makes one.',
  MDL_CONFIG_PORT: 'A port of the settings cannot be listened on, most often because another program has it.',
  MDL_CONFIG_UNSAFE: 'The configuration would open an unprotected door (a public address without TLS and credentials).',
  MDL_CA_EXISTS: 'There is a certificate authority in the folder already.',
  MDL_CA_MISSING: 'There is no certificate authority in the folder; `mendline ca init` makes one.',
  MDL_CA_INVALID: 'A name, request or serial number that the certificate authority cannot use.',
  MDL_BROKER_BAD_CREDENTIALS: 'User name, client id and secret do not belong together.',
  MDL_BROKER_LOCKED_OUT:
    'Too many failed logins; further ones are refused unchecked for a while. The client sees the same answer as for a wrong secret.',
  MDL_CLAIM_REFUSED: 'The claim token or code is unknown, used, expired or of another device.',
  MDL_CLAIM_LOCKED: 'Too many failed claims of this caller; wait a little.',
  MDL_BROKER_TOPIC_REFUSED: 'The principal may not publish or subscribe to this topic.',
  MDL_BROKER_PACKET_TOO_LARGE: 'An MQTT packet is larger than the limit.',
  MDL_BROKER_PACKET_MALFORMED: 'Bytes that are not MQTT 3.1.1.',
  MDL_BROKER_TOO_SLOW: 'A packet or the CONNECT did not arrive within its deadline.',
  MDL_BROKER_TOO_MANY: 'A limit of connections, subscriptions or messages was reached.',
  MDL_JOURNAL_UNAVAILABLE: 'The journal cannot write; nothing is acknowledged until it can.',
  MDL_JOURNAL_CORRUPT: 'A record of the journal fails its checksum.',
  MDL_JOURNAL_RECORD_TOO_LARGE: 'A record is larger than the journal accepts.',
  MDL_INGEST_UNREADABLE: 'The payload is not UTF-8 JSON of a known form.',
  MDL_INGEST_TOO_MANY_READINGS: 'The array holds more readings than one payload may.',
  MDL_INGEST_FIELD_INVALID: 'A field of the envelope (ts, seq, boot, hist, fw, v) has the wrong type or range.',
  MDL_INGEST_CHANNEL_UNKNOWN: 'The appliance type has no channel of this name.',
  MDL_INGEST_VALUE_TYPE: 'The value has another type than the channel; it is not converted.',
  MDL_INGEST_VALUE_RANGE: 'The value is not finite or outside the physical range of the channel.',
  MDL_INGEST_TIME_AHEAD: 'The device time lies further ahead of the time of receipt than the device may be.',
  MDL_INGEST_TIME_BEHIND: 'The device time lies further behind the time of receipt than the device may be.',
  MDL_INGEST_CONFLICT:
    'The key (tenant, device, boot, seq) is stored with other content, or two values of one payload claim the same channel at one time.',
  MDL_INGEST_TYPE_UNKNOWN: 'The device is of a type that is neither in the catalogue nor registered.',
  MDL_INGEST_UNIT: 'The unit is not that of the channel and does not convert to it by a declared factor.',
  MDL_INGEST_MAPPING_UNKNOWN: 'No mapping is for this device or topic, or the version that the record names is not there.',
  MDL_INGEST_BIRTH_UNKNOWN: 'A Sparkplug metric whose birth certificate is not known here; the edge node was asked for a rebirth.',
  MDL_INGEST_VALUE_QUALITY: 'The sender itself marks the value as bad or stale.',
  MDL_INGEST_VALUE_UNCERTAIN: 'The sender marks the value as uncertain, or as certain again; it is stored, and the entry says since when.',
  MDL_INGEST_GAP: 'Values of a channel that never came and cannot be had; the entry says from when to when.',
  MDL_INGEST_DEVICE_UNKNOWN: 'The sender speaks for no device of this name; its part of the payload is kept.',
  MDL_INGEST_POISON: 'A consumer failed twice on this record; it is set aside and the consumer went on.',
  MDL_OPCUA_UNTRUSTED: 'The certificate of an OPC UA server is not trusted; `mendline opcua trust URL` shows its fingerprint.',
  MDL_OPCUA_UNAVAILABLE: 'The OPC UA server does not answer, or refuses the session.',
  MDL_OPCUA_NODE: 'A node of the mapping is not there, is no variable, or its path names more than one.',
  MDL_TWIN_INVALID: 'A message about settings or a command (reported, ack) has a field of the wrong type or range, or makes too long a document.',
  MDL_TWIN_TOO_MANY: 'The device has as many open commands as it may have.',
  MDL_TWIN_COMMAND_ENDED: 'The command is done, refused, expired or cancelled already.',
  MDL_STORE_UNAVAILABLE: 'The reading store does not answer.',
  MDL_STORE_SCHEMA: 'The store on disk was written by a version that this one cannot read.',
  MDL_MODEL_INVALID: 'A model artefact fails its check (hash, size, inputs, outputs, operators).',
  MDL_MODEL_TRAINER: 'A model cannot be trained: no Python, or data that lack something.',
  MDL_MODEL_TIMEOUT: 'A model did not answer in time.',
  MDL_MODEL_PAUSED: 'A model failed again and again and is left alone for a while.',
  MDL_MODEL_WORSE: 'A model is not put into force, since it is worse than the live one or nobody knows yet; the reasons are in the answer.',
  MDL_HUBS_ILLEGAL_MOVE: 'The work order cannot move from its state in this way.',
  MDL_HUBS_OUTCOME_REQUIRED: 'The move needs a coded outcome.',
  MDL_HUBS_REASON_REQUIRED: 'The move needs a reason, a window or an explanation of each step that was left out.',
  MDL_HUBS_PROCESS_INVALID: 'The process of work orders has faults; all of them are listed.',
  MDL_HUBS_LINK_EXPIRED: 'The signed link is of an emergency that has long been over.',
  MDL_HUBS_CONSENT_REQUIRED: 'The household has to consent first: to a tag, a demand signal, or a remote step or test whose text it read.',
  MDL_HUBS_WEBHOOK_TARGET_REFUSED: 'The address of the webhook is private, malformed or not allowed.',
  MDL_HUBS_WEBHOOK_FAILED: 'The receiver did not answer with a 2xx in time.',
  MDL_HUBS_MAIL_FAILED: 'The mail server did not take a message in time, or none is set.',
  MDL_API_UNAUTHORISED: 'The API key is missing, unknown or revoked.',
  MDL_API_FORBIDDEN: 'The API key lacks the scope.',
  MDL_API_NOT_FOUND: 'There is no such record or route.',
  MDL_API_INVALID: 'The request fails its schema; `errors` names each field.',
  MDL_API_CONFLICT: 'The record exists already, or was changed by somebody else meanwhile.',
  MDL_API_IDEMPOTENCY_MISMATCH: 'The Idempotency-Key was used before with another body.',
  MDL_API_TOO_LARGE: 'The request body is larger than the limit.',
  MDL_API_INTERNAL: 'An unexpected fault; the log names it by the request id.',
  MDL_IMPORT_INVALID: 'The file cannot be imported as a whole: it is of no known form, has no usable columns, or a piece of the upload does not fit.',
  MDL_EXPORT_INVALID: 'The export asks for something that cannot be written into one file.',
  MDL_REPLAY_INVALID: 'The recording cannot be read, or a flag is wrong.',
  MDL_MAPPING_INVALID: 'The mapping has faults; all of them are listed.',
  MDL_JOB_TOO_MANY: 'As many jobs as there may be are not done yet.',
  MDL_JOB_BROKEN_OFF: 'The program ended while the job ran, and a job of this kind cannot go on; start it again.',
  MDL_BACKUP_TARGET: 'The folder for the backup or the restored data is not empty, not allowed or cannot be made.',
  MDL_BACKUP_INVALID: 'The folder is no whole backup: a file is missing, foreign or changed, or its format is unknown.',
  MDL_VERIFY_FAILED: 'Something that is stored is not whole; each fault is listed.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface MendlineErrorOptions {
  readonly retryable?: boolean
  readonly cause?: unknown
  readonly details?: Readonly<Record<string, unknown>>
}

/** An error of the world: code for programs, message for people, `retryable` for policy. */
export class MendlineError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: MendlineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MendlineError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
  }
}

/** Stops the process on a programmer's error: the condition was promised by our own code. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message)
}

/** Closes a switch over a union; adding a member makes the call a type error. */
export function assertNever(value: never): never {
  throw new AssertionFailure(`unexpected member ${JSON.stringify(value)}`)
}

/** A broken promise of our own code; never caught by policy. */
class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}
