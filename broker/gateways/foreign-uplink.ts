/**
 * Messages that another broker let in: what they say goes into the journal like that of our own doors. Rights are that broker's; what is
 * decided here is whether topic and device mean anything to us. A device that nobody registered is kept with its raw bytes in the
 * quarantine, not dropped, since the other broker has acknowledged it to the device.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import { parseUplink } from '../topics.ts'

export interface ForeignUplinkPorts {
  /** Devices that may send; undefined for one that nobody registered. */
  readonly find: (
    tenant: string,
    device: string,
  ) => { readonly type: string; readonly max_age_days: number; readonly revoked_at_ms: number | null } | undefined
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly clock: Clock
  readonly limits: Pick<Limits, 'packetBytes_MAX' | 'behindDays_MAX'>
}

/** Counts of what was not for us; such messages are acknowledged to the broker, or it would bring them for ever. */
export interface ForeignUplink {
  take(topic: string, payload: Uint8Array): Promise<void>
  statistics(): { readonly foreign_topics: number; readonly too_large: number; readonly revoked: number }
}

export function createForeignUplink({ find, accept, clock, limits }: ForeignUplinkPorts): ForeignUplink {
  const counts = { foreign_topics: 0, too_large: 0, revoked: 0 }
  return {
    async take(topic, payload) {
      const uplink = parseUplink(topic)
      if (uplink === undefined) {
        counts.foreign_topics++
        return
      }
      if (payload.length > limits.packetBytes_MAX) {
        counts.too_large++
        return
      }
      const { tenant, device, kind, commandId, form } = uplink
      const known = find(tenant, device)
      if (known !== undefined && known.revoked_at_ms !== null) {
        counts.revoked++
        return
      }
      await accept({
        tenant,
        device,
        type: known?.type ?? '',
        kind,
        payload,
        received_at_ms: clock.now(),
        maxAgeDays: known?.max_age_days ?? limits.behindDays_MAX,
        ...(commandId === undefined ? {} : { commandId }),
        ...(form === undefined ? {} : { form }),
      })
    },
    statistics: () => ({ ...counts }),
  }
}
