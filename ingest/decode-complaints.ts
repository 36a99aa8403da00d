/** Complaints about a payload become quarantine entries, bounded, so that one hostile payload cannot fill the quarantine. */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { QuarantineEntry } from '#kernel/reading.ts'

export type DecodeLimits = Pick<
  Limits,
  | 'readingsPerPayload_MAX'
  | 'jsonDepth_MAX'
  | 'channelsPerReading_MAX'
  | 'textLength_MAX'
  | 'aheadMs_MAX'
  | 'quarantinePerPayload_MAX'
  | 'twinDocumentBytes_MAX'
  | 'commandPayloadBytes_MAX'
>

/** Tells the quarantine of a piece: code, path within the payload, sentence, device time where it is known. */
export type Complain = (code: ErrorCode, field: string, reason: string, observedAtMs?: number) => void

/** Gathers complaints up to the limit of a payload; the last entry then says how many more there were. */
export function complainInto(quarantine: QuarantineEntry[], message: AcceptedMessage, limits: DecodeLimits): Complain {
  let count = 0
  const entry = (code: string, field: string, reason: string, observed: EpochMs | undefined): QuarantineEntry => ({
    tenant: message.tenant,
    device: message.device,
    received_at_ms: message.received_at_ms,
    observed_at_ms: observed,
    code,
    field,
    reason,
    kind: message.kind,
    raw: message.payload,
  })
  return (code, field, reason, observedAtMs) => {
    count++
    const observed = observedAtMs === undefined ? undefined : epochMs(observedAtMs)
    if (count <= limits.quarantinePerPayload_MAX) {
      quarantine.push(entry(code, field, reason, observed))
      return
    }
    const more = count - limits.quarantinePerPayload_MAX + 1
    quarantine[limits.quarantinePerPayload_MAX - 1] = entry(code, '', `and ${more} more wrong pieces in this payload, the last: ${reason}`, observed)
  }
}
