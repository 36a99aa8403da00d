/** The envelope of a reading: device time, boot and sequence number, `hist`, firmware. A reading without a key gets one made of its content. */
import { crc32 } from 'node:zlib'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { isRepeated, REPEATED_REASON } from '#kernel/json-text.ts'
import type { Reading } from '#kernel/reading.ts'
import type { Complain } from './decode-complaints.ts'
import { isRecord, type JsonRecord, ownField } from './decode-json.ts'
import type { KeyContent } from './forms/form-items.ts'

export interface Envelope {
  readonly ts: EpochMs
  readonly boot: number
  readonly seq: number
  readonly hist: boolean
  readonly fw: string | undefined
  /** `seq` by which versions before stored it, where its key is made of content. */
  readonly formerSeq?: number
}

export interface EnvelopeOptions {
  readonly complain: Complain
  readonly textLength_MAX: number
  /** What the key is made of without `seq`; absent = the item; `unneeded` = nobody keeps the reading. */
  readonly key?: KeyContent | 'unneeded' | undefined
}

/** `boot` of readings from a device that counts neither boots nor readings. */
export const KEYLESS_BOOT = -1

/** Stands for the key of a reading without `seq` where none is needed, since making one costs more than all the rest of the reading. */
export const NO_KEY = { boot: KEYLESS_BOOT, seq: 0 } as const

const UINT32_MAX = 0xffff_ffff
/** The last instant a JavaScript date can hold; beyond it nothing downstream could print the time. */
const INSTANT_MAX = 8_640_000_000_000_000
const HASH_BITS = 11

/** Reads the envelope; undefined when time or key are wrong, for then the reading has no place. A wrong `hist` or `fw` alone is left out. */
export function readEnvelope(item: JsonRecord, path: string, { complain, textLength_MAX, key: keyed }: EnvelopeOptions): Envelope | undefined {
  const at = (field: string): string => (path === '' ? field : `${path}.${field}`)
  const ts = ownField(item, 'ts')
  if (!isInstant(ts)) {
    complain('MDL_INGEST_FIELD_INVALID', at('ts'), onceOr(ts, 'ts is the device time as integer milliseconds since 1970'))
    return undefined
  }
  const key = readKey(item, ts, keyed)
  if ('wrong' in key) {
    complain('MDL_INGEST_FIELD_INVALID', at(key.wrong), onceOr(ownField(item, key.wrong), `${key.wrong} is an integer from 0 to ${UINT32_MAX}`), ts)
    return undefined
  }
  const hist = ownField(item, 'hist') ?? false
  if (typeof hist !== 'boolean') complain('MDL_INGEST_FIELD_INVALID', at('hist'), onceOr(hist, 'hist is true or false'), ts)
  const fw = ownField(item, 'fw') ?? undefined
  const isFirmware = typeof fw === 'string' && fw.length <= textLength_MAX
  if (fw !== undefined && !isFirmware)
    complain('MDL_INGEST_FIELD_INVALID', at('fw'), onceOr(fw, `fw is a text of at most ${textLength_MAX} characters`), ts)
  return { ts: epochMs(ts), ...key, hist: hist === true, fw: isFirmware ? fw : undefined }
}

/** Why a field is refused: that it stands twice, or else the reason given. */
export const onceOr = (value: unknown, reason: string): string => (isRepeated(value) ? REPEATED_REASON : reason)

type Key = Pick<Envelope, 'boot' | 'seq'>
/** A key of content, and the one that versions before made of the payload's own spelling; readings that they stored have that one. */
type ContentKey = Key & { readonly formerSeq: number }

/**
 * Key of a reading without `seq`: boot -1, and 53 bits of device time and a hash of the content, time first. So the same reading sent
 * twice is one, raw readings stay in order of time, and two different ones of the same millisecond meet once in 2,048 (then the second
 * is kept as a conflict). Exact until the year 2109. The content is the firmware and the values, in one spelling of all (`ContentText`).
 */
function contentKey(item: JsonRecord, ts: number): ContentKey {
  const fw = ownField(item, 'fw')
  const values = ownField(item, 'v')
  const text = new ContentText(fw)
  if (isRecord(values)) for (const name of Object.keys(values).sort()) text.add(name, values[name])
  return { ...keyOfContent(text.text, ts), formerSeq: keyOfContent(JSON.stringify(item), ts).seq }
}

/**
 * Content of a reading in one spelling, whatever form, order or way it came by: names in order of their code units, each with its value as JSON; what
 * is null or absent is not there, and `hist` says how it came, not what.
 */
export class ContentText {
  text: string

  constructor(fw: unknown) {
    this.text = typeof fw === 'string' ? JSON.stringify(fw) : ''
  }

  /** Names come in order. */
  add(name: string, value: unknown): void {
    if (value !== null && value !== undefined) this.text += `,${JSON.stringify(name)}:${spelled(value)}`
  }
}

/** JSON with the names of objects in order. */
function spelled(value: unknown): string {
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${spelled(value[name])}`).join(',')}}`
}

/** The key of a content in one spelling. */
export function keyOfContent(content: string | Uint8Array, ts: number): Key {
  const hash = crc32(content) >>> (32 - HASH_BITS)
  return { boot: KEYLESS_BOOT, seq: (ts % 2 ** (53 - HASH_BITS)) * 2 ** HASH_BITS + hash }
}

/** The same with one bit less of the hash, which tells the side. */
function sidedKey({ content, side }: KeyContent, ts: number): Key {
  const { boot, seq } = keyOfContent(JSON.stringify(content), ts)
  return { boot, seq: seq - (seq % 2) + side }
}

function readKey(item: JsonRecord, ts: number, keyed: KeyContent | 'unneeded' | undefined): Key | ContentKey | { readonly wrong: 'seq' | 'boot' } {
  const seq = ownField(item, 'seq') ?? undefined
  const boot = ownField(item, 'boot') ?? undefined
  if (boot !== undefined && !isUint32(boot)) return { wrong: 'boot' }
  if (seq === undefined) return keyed === 'unneeded' ? NO_KEY : keyed === undefined ? contentKey(item, ts) : sidedKey(keyed, ts)
  return isUint32(seq) ? { boot: boot ?? 0, seq } : { wrong: 'seq' }
}

const isUint32 = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= UINT32_MAX

/** Tells whether a value is an instant that the rest of the program can hold. */
export const isInstant = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= INSTANT_MAX

/** Joins what was decoded to the reading that the stages see. */
export function readingOf(
  message: AcceptedMessage,
  envelope: Envelope,
  row: { readonly type: string; readonly numbers: Float64Array; readonly texts: Reading['texts'] },
): Reading {
  const reading = {
    tenant: message.tenant,
    device: message.device,
    // The type's own id: a tenant's type has another id than the name by which its devices call it.
    type: row.type,
    boot: envelope.boot,
    seq: envelope.seq,
    observed_at_ms: envelope.ts,
    received_at_ms: message.received_at_ms,
    hist: envelope.hist,
    fw: envelope.fw,
    numbers: row.numbers,
    texts: row.texts,
  }
  return envelope.formerSeq === undefined ? reading : { ...reading, former_seq: envelope.formerSeq }
}
