/**
 * Messages that another broker let in: what they say goes into the journal like that of our own doors. Rights are that broker's; what is
 * decided here is whether topic and device mean anything to us: topics of the contract, and topics that a mapping of the tenant claims. What
 * nobody claims, is too large or is of a device that nobody registered is kept with its raw bytes in the quarantine, not dropped, since the
 * other broker has acknowledged it to the device. It is kept with the tenant and device that the topic says, so that nobody else's tenant shows it.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { isId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { claimOwnTopic, type MappingPort } from '../forms/mapped-topics.ts'
import { parseUplink } from '../topics.ts'

export interface ForeignUplinkPorts {
  /** Devices that may send; undefined for one that nobody registered. */
  readonly find: (
    tenant: string,
    device: string,
  ) => { readonly type: string; readonly max_age_days: number; readonly revoked_at_ms: number | null } | undefined
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly mappings: MappingPort
  /** Whose mappings claim topics that name no tenant. */
  readonly tenant: string
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'packetBytes_MAX' | 'behindDays_MAX'>
}

/** Counts of what was not for us; such messages are acknowledged to the broker, or it would bring them for ever. */
export interface ForeignUplink {
  take(topic: string, payload: Uint8Array): Promise<void>
  statistics(): { readonly foreign_topics: number; readonly too_large: number; readonly revoked: number }
}

type Claimed = Pick<AcceptedMessage, 'tenant' | 'device' | 'kind' | 'commandId' | 'form' | 'context'>

type Owner = Pick<AcceptedMessage, 'tenant' | 'device'>

interface Kept {
  readonly topic: string
  readonly payload: Uint8Array
  readonly owner: Owner
}

const NO_BYTES = new Uint8Array(0)
/** Topics of which it is said in the log that nobody claims them; the others are counted. */
const TOLD_TOPICS_MAX = 100
/** Characters of a topic that a record keeps. */
const TOPIC_LENGTH_MAX = 512

export function createForeignUplink(ports: ForeignUplinkPorts): ForeignUplink {
  const { find, accept, clock, log, limits } = ports
  const counts = { foreign_topics: 0, too_large: 0, revoked: 0 }
  const told = new Set<string>()
  const tell = (topic: string, reason: string): void => {
    if (told.size >= TOLD_TOPICS_MAX || told.has(topic)) return
    told.add(topic)
    log.warn('a message of another broker is kept in the quarantine', { topic, reason })
  }
  /** Kept whole, or the first bytes of it; the context says why. */
  const keep = ({ topic, payload, owner }: Kept, why: { readonly bytes?: number }): Promise<void> =>
    accept({
      ...{ tenant: owner.tenant, device: owner.device, type: '', kind: 'tele', form: 'unclaimed' },
      ...{ received_at_ms: clock.now(), maxAgeDays: limits.behindDays_MAX },
      context: JSON.stringify({ topic: topic.slice(0, TOPIC_LENGTH_MAX), ...why }),
      payload: payload.length > limits.packetBytes_MAX ? payload.subarray(0, limits.packetBytes_MAX) : payload,
    })

  return {
    async take(topic, payload) {
      const isTooLarge = payload.length > limits.packetBytes_MAX
      // A payload that is too large is not read, not even for the name of its device.
      const claimed = claimOf(ports, topic, isTooLarge ? NO_BYTES : payload)
      const known = claimed === undefined ? undefined : find(claimed.tenant, claimed.device)
      if (known !== undefined && known.revoked_at_ms !== null) {
        counts.revoked++
        return undefined
      }
      if (isTooLarge) {
        counts.too_large++
        tell(topic, `${payload.length} bytes, the limit is ${limits.packetBytes_MAX}`)
        return keep({ topic, payload, owner: claimed ?? ownerOf(topic, ports.tenant) }, { bytes: payload.length })
      }
      if (claimed === undefined) {
        counts.foreign_topics++
        tell(topic, 'neither the contract nor a mapping claims this topic')
        return keep({ topic, payload, owner: ownerOf(topic, ports.tenant) }, {})
      }
      return accept({
        ...claimed,
        type: known?.type ?? '',
        payload,
        received_at_ms: clock.now(),
        maxAgeDays: known?.max_age_days ?? limits.behindDays_MAX,
      })
    },
    statistics: () => ({ ...counts }),
  }
}

/** Whose message it is and how it is read; undefined where nobody claims the topic, or its mapping finds no device. */
function claimOf({ find, mappings, tenant }: ForeignUplinkPorts, topic: string, payload: Uint8Array): Claimed | undefined {
  const uplink = parseUplink(topic)
  if (uplink !== undefined) return uplink
  const own = claimOwnTopic(topic, { mappings, typeOf: (owner, device) => find(owner, device)?.type ?? '' })
  if (own !== undefined) return own
  const route = topic.startsWith('mend/') ? undefined : mappings.route(tenant, topic, payload)
  // Nobody logged in here: only a topic or a payload can name the device.
  const device = route?.device.kind === 'named' ? route.device.device : undefined
  if (route === undefined || device === undefined || !isId(device)) return undefined
  return { tenant, device, kind: 'tele', form: 'mapped', context: route.reference }
}

/** Who a topic that nobody claims speaks of: below `mend/v1/` the tenant, even where the rest is not known here; else `tenant`. */
function ownerOf(topic: string, tenant: string): Owner {
  const [root, version, owner = ''] = topic.split('/', 4)
  return { tenant: root === 'mend' && version === 'v1' && isId(owner) ? owner : tenant, device: '' }
}
