/** The quarantine entry of a record on which the pipeline failed twice: its bytes, and whose they are where that can be read. */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { QuarantineEntry } from '#kernel/reading.ts'

/** Makes the entry of the record `raw`. */
export function poisonEntry(
  raw: Uint8Array,
  error: unknown,
  { decodeRecord, clock }: { readonly decodeRecord: (body: Uint8Array) => AcceptedMessage; readonly clock: Clock },
): QuarantineEntry {
  const unknownSource = { tenant: '', device: '', kind: 'record', received_at_ms: clock.now(), payload: raw }
  let source: Pick<AcceptedMessage, 'tenant' | 'device' | 'received_at_ms' | 'payload'> & { readonly kind: string } = unknownSource
  try {
    source = decodeRecord(raw)
  } catch {
    // The record itself is unreadable: its bytes are kept without a source.
  }
  return {
    tenant: source.tenant,
    device: source.device,
    kind: source.kind,
    received_at_ms: source.received_at_ms,
    observed_at_ms: undefined,
    code: 'MDL_INGEST_POISON',
    field: '',
    reason: String(error),
    raw: source.payload,
  }
}
