/**
 * Topic rights: which topic of `mend/v1/...` says what, and who may use it. Pure functions over names; the broker asks them for each
 * publish, will, subscription and delivery. A device publishes for itself only, hears only its own settings and commands, and uses no
 * wildcard but `cmd/#`. Outside `mend/` there is nothing in production, and plain MQTT with `--dev`.
 */
import type { MessageForm, MessageKind } from '#kernel/accepted-message.ts'
import { isId } from '#kernel/ids.ts'
import type { Principal } from './principal.ts'

/** What a device may say on a topic of the contract. */
export interface UplinkTopic {
  readonly tenant: string
  readonly device: string
  readonly kind: MessageKind
  /** Id of the command that an `ack` answers. */
  readonly commandId?: string
  /** Form of the payload; absent = the contract's JSON. */
  readonly form?: MessageForm
}

/** First level of every topic of the contract. */
const ROOT = 'mend/'
const UPLINKS: ReadonlySet<string> = new Set(['tele', 'event', 'state', 'reported'])
/** Readings in another form, by the last level of their topic. */
const FORMS: ReadonlyMap<string, MessageForm> = new Map([['senml', 'senml']])

/** First level of Sparkplug's topics. */
const SPARKPLUG = 'spBv1.0'
/** Topic of the state of the host application (Sparkplug 3.0, chapter 4). */
export const hostStateTopic = (hostId: string): string => `${SPARKPLUG}/STATE/${hostId}`
export const nodeCommandTopic = (tenant: string, edge: string): string => `${SPARKPLUG}/${tenant}/NCMD/${edge}`

/** Tells whether a topic or filter belongs to the contract. */
export const isContractTopic = (topic: string): boolean => topic === 'mend' || topic.startsWith(ROOT)

export const desiredTopic = (tenant: string, device: string): string => `mend/v1/${tenant}/${device}/desired`
export const commandTopic = (tenant: string, device: string, id: string): string => `mend/v1/${tenant}/${device}/cmd/${id}`

/** Reads a topic that a device publishes on; undefined for every other topic. */
export function parseUplink(topic: string): UplinkTopic | undefined {
  const [root, version, tenant, device, kind, id, ack, ...rest] = topic.split('/', 9)
  if (root !== 'mend' || version !== 'v1' || rest.length > 0) return undefined
  if (tenant === undefined || device === undefined || kind === undefined || !isId(tenant) || !isId(device)) return undefined
  if (UPLINKS.has(kind)) return id === undefined ? { tenant, device, kind: kind as MessageKind } : undefined
  const form = id === undefined ? FORMS.get(kind) : undefined
  if (form !== undefined) return { tenant, device, kind: 'tele', form }
  if (kind === 'cmd' && id !== undefined && isId(id) && ack === 'ack') return { tenant, device, kind: 'ack', commandId: id }
  return undefined
}

/** Tells whether the principal speaks for the device; nobody in particular (`--dev`) speaks for all. */
export const speaksFor = (principal: Principal, tenant: string, device: string): boolean =>
  principal.kind === 'anonymous' || (principal.tenant === tenant && principal.devices.has(device))

/**
 * What becomes of a publish: `accept` goes to ingest, `plain` only to subscribers, `refuse` closes the connection, and `ignore` is acknowledged
 * and goes to nobody.
 */
export type PublishDecision =
  | { readonly kind: 'accept'; readonly uplink: UplinkTopic }
  | { readonly kind: 'plain' }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse' }

/** Decides a publish or a will of QoS `qos`; QoS 2 exists only outside `mend/`, and topics with `$` are the broker's own (section 4.7.2). */
export function decidePublish(principal: Principal, { topic, qos, isDev }: { topic: string; qos: number; isDev: boolean }): PublishDecision {
  if (!isContractTopic(topic)) return { kind: isDev ? (topic.startsWith('$') ? 'ignore' : 'plain') : 'refuse' }
  const uplink = parseUplink(topic)
  if (uplink === undefined || qos > 1 || !speaksFor(principal, uplink.tenant, uplink.device)) return { kind: 'refuse' }
  return { kind: 'accept', uplink }
}

/** Tells whether a will may stand on `topic`: the state of a device that the principal speaks for, or with `--dev` outside `mend/`. */
export function mayHaveWill(principal: Principal, will: { topic: string; qos: number; isDev: boolean }): boolean {
  const [root, group, kind, edge, ...rest] = will.topic.split('/', 6)
  if (root === SPARKPLUG && principal.kind !== 'anonymous')
    return will.qos <= 1 && kind === 'NDEATH' && group === principal.tenant && edge === principal.id && rest.length === 0
  const decision = decidePublish(principal, will)
  return decision.kind === 'plain' || (decision.kind === 'accept' && decision.uplink.kind === 'state')
}

/**
 * Tells whether the principal may subscribe to `filter`: `desired`, `cmd/#`, `cmd/+` and single commands of its own devices.
 * `$share` is refused for all, since Aedes grants it and never delivers. With `--dev` nobody in particular may use any other filter.
 */
export function maySubscribe(principal: Principal, filter: string, isDev: boolean): boolean {
  if (filter.startsWith('$')) return false
  if (filter.startsWith(`${SPARKPLUG}/`) && principal.kind !== 'anonymous') return maySubscribeSparkplug(principal, filter)
  if (isDev && principal.kind === 'anonymous') return true
  if (!isContractTopic(filter)) return isDev && !filter.startsWith('#') && !filter.startsWith('+')
  const [, version, tenant, device, kind, id, ...rest] = filter.split('/', 8)
  if (version !== 'v1' || tenant === undefined || device === undefined || rest.length > 0 || !speaksFor(principal, tenant, device)) return false
  if (kind === 'desired') return id === undefined
  return kind === 'cmd' && id !== undefined && (id === '#' || id === '+' || isId(id))
}

/** Sparkplug's edge node hears commands to itself and its devices, and the state of host applications. */
function maySubscribeSparkplug({ tenant, id }: Exclude<Principal, { kind: 'anonymous' }>, filter: string): boolean {
  const [, group, kind, edge, device, ...rest] = filter.split('/', 7)
  if (group === 'STATE') return kind !== undefined && kind !== '#' && edge === undefined
  if (group !== tenant || edge !== id || rest.length > 0) return false
  return kind === 'NCMD' ? device === undefined || device === '#' : kind === 'DCMD' && device !== undefined
}

/** Tells whether a message may be delivered to the principal; the second look, after `maySubscribe`. */
export function mayReceive(principal: Principal, topic: string, isDev: boolean): boolean {
  return maySubscribe(principal, topic, isDev)
}
