/**
 * ThingsBoard's telemetry: `{key: value}`, `{"ts": ms, "values": {...}}`, and lists of these. Keys are channels of the type. Without `ts`
 * the time of receipt counts, as on ThingsBoard's own server. There is no sequence number, so a reading is keyed by its time and
 * content. Source: thingsboard.io/docs/reference/mqtt-api/telemetry and .../gateway-api/telemetry.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { isRecord, type JsonRecord, ownField } from '../decode-json.ts'
import { at, type FormItem } from './form-items.ts'

/** Readings of a telemetry payload, in its order. */
export function readThingsboard(value: unknown, message: AcceptedMessage): readonly FormItem[] {
  if (!Array.isArray(value)) return [itemOf(value, '', message)]
  return value.map((entry, index) => itemOf(entry, at('', index), message))
}

function itemOf(entry: unknown, path: string, { received_at_ms }: AcceptedMessage): FormItem {
  if (!isRecord(entry)) return { item: entry, path }
  if (!hasValues(entry)) return { item: { ts: received_at_ms, v: entry }, path, fieldOf: (channel) => at(path, channel) }
  const ts = ownField(entry, 'ts') ?? received_at_ms
  return { item: { ts, v: ownField(entry, 'values') }, path, fieldOf: (channel) => at(at(path, 'values'), channel) }
}

/** `{ts?, values}` and nothing else; an object with other keys is `{key: value}`, whatever its keys are called. */
const hasValues = (entry: JsonRecord): boolean =>
  isRecord(ownField(entry, 'values')) && Object.keys(entry).every((key) => key === 'ts' || key === 'values')
