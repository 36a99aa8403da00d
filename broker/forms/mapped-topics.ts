/**
 * Payloads that a user's mapping describes: on the device's own topic `mend/v1/{tenant}/{device}/mapped`, or on a topic of its own that a
 * mapping of the tenant names. Either way the sender must speak for the device. The record names the mapping's version of this moment.
 */
import { DEFAULT_TENANT, isId } from '#kernel/ids.ts'
import type { Principal } from '../principal.ts'
import { speaksFor } from '../topics.ts'
import type { ForeignDecision, ForeignPublish, ForeignUplink, TypeOf } from './foreign-decision.ts'

/** What the broker asks of the mappings. */
export interface MappingPort {
  route(
    tenant: string,
    topic: string,
    payload: Uint8Array,
  ):
    | { readonly reference: string; readonly device: { readonly kind: 'login' } | { readonly kind: 'named'; readonly device: string | undefined } }
    | undefined
  forDevice(tenant: string, device: string, type: string): string | undefined
}

export interface MappedPorts {
  readonly mappings: MappingPort
  /** Type of a device, by which a mapping may be chosen. */
  readonly typeOf: TypeOf
}

const OWN_TOPIC = /^mend\/v1\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})\/mapped$/

export function decideMapped(principal: Principal, publish: ForeignPublish, ports: MappedPorts): ForeignDecision | undefined {
  const { topic, qos, payload } = publish
  const own = claimOwnTopic(topic, ports)
  if (own !== undefined) return qos <= 1 && speaksFor(principal, own.tenant, own.device) ? accept({ ...own, payload }) : { kind: 'refuse' }
  const tenant = principal.kind === 'anonymous' ? DEFAULT_TENANT : principal.tenant
  const route = ports.mappings.route(tenant, topic, payload)
  if (route === undefined) return undefined
  if (qos > 1) return { kind: 'refuse' }
  const login = principal.kind === 'anonymous' ? undefined : principal.id
  const device = route.device.kind === 'login' ? login : route.device.device
  const isOwn = device !== undefined && isId(device) && speaksFor(principal, tenant, device)
  if (isOwn) return accept({ tenant, device, kind: 'tele', form: 'mapped', context: route.reference, payload })
  // A name in the payload may be wrong among right ones; a topic of another device is a matter of rights.
  if (login === undefined) return { kind: 'refuse' }
  return accept({ tenant, device: login, kind: 'tele', form: 'stray', context: (device ?? '').slice(0, 64), payload })
}

/** Device and mapping of a payload on a device's own topic for mapped ones, whoever sends it; undefined on any other topic. */
export function claimOwnTopic(topic: string, { mappings, typeOf }: MappedPorts): Omit<ForeignUplink, 'payload'> | undefined {
  const own = OWN_TOPIC.exec(topic)
  if (own === null) return undefined
  const [, tenant = '', device = ''] = own
  const context = mappings.forDevice(tenant, device, typeOf(tenant, device))
  return { tenant, device, kind: 'tele', form: 'mapped', ...(context === undefined ? {} : { context }) }
}

const accept = (uplink: ForeignUplink): ForeignDecision => ({ kind: 'accept', uplinks: [uplink] })
