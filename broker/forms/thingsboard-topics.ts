/**
 * ThingsBoard's topics: `v1/devices/me/...` speaks for the device that logged in, `v1/gateway/...` for the gateway's devices by name. A
 * gateway's payload is cut into the pieces of its devices, byte by byte as they came. Telemetry becomes readings, client attributes
 * become reported settings, connect and disconnect become states. Source: thingsboard.io/docs/reference/mqtt-api and .../gateway-api.
 */
import type { MessageKind } from '#kernel/accepted-message.ts'
import { isId } from '#kernel/ids.ts'
import type { Principal } from '../principal.ts'
import type { ForeignDecision, ForeignPublish, ForeignUplink } from './foreign-decision.ts'
import { jsonMembers } from './json-members.ts'

type Known = Exclude<Principal, { kind: 'anonymous' }>

const KINDS: ReadonlyMap<string, MessageKind> = new Map([
  ['telemetry', 'tele'],
  ['attributes', 'reported'],
])
/** Questions of ThingsBoard's clients (session limits, shared attributes); nobody answers them here. */
const QUESTION = /^v1\/(devices\/me\/(rpc|attributes)\/(request|response)\/\d+|gateway\/(rpc|attributes\/request|claim)|devices\/me\/claim)$/

export function decideThingsboard(principal: Principal, { topic, qos, payload }: ForeignPublish): ForeignDecision | undefined {
  const isDevice = topic.startsWith('v1/devices/me/')
  // Nobody in particular (`--dev`) has no device of its own: there the topics are plain MQTT.
  if ((!isDevice && !topic.startsWith('v1/gateway/')) || principal.kind === 'anonymous') return undefined
  if (qos > 1) return { kind: 'refuse' }
  if (QUESTION.test(topic)) return { kind: 'ignore' }
  const word = topic.slice(topic.lastIndexOf('/') + 1)
  const kind = KINDS.get(word)
  if (topic === `v1/devices/me/${word}` && kind !== undefined) return accept([ofDevice(principal, principal.id, { kind, payload })])
  if (topic !== `v1/gateway/${word}`) return { kind: 'refuse' }
  if (kind !== undefined) return accept(ofGateway(principal, kind, payload))
  return word === 'connect' || word === 'disconnect' ? accept([presenceOf(principal, word, payload)]) : { kind: 'refuse' }
}

const accept = (uplinks: readonly ForeignUplink[]): ForeignDecision => ({ kind: 'accept', uplinks })

interface Piece {
  readonly kind: MessageKind
  readonly payload: Uint8Array
}

function ofDevice(principal: Known, device: string, { kind, payload }: Piece): ForeignUplink {
  const { tenant } = principal
  if (!isId(device) || !principal.devices.has(device)) {
    return { tenant, device: principal.id, kind: 'tele', form: 'stray', context: device.slice(0, 64), payload }
  }
  return { tenant, device, kind, form: 'thingsboard', payload }
}

/** `{"Device A": ..., "Device B": ...}`; what is no such object goes whole to the gateway's quarantine. */
function ofGateway(principal: Known, kind: MessageKind, payload: Uint8Array): readonly ForeignUplink[] {
  const members = jsonMembers(payload)
  if (members === undefined) return [{ tenant: principal.tenant, device: principal.id, kind: 'tele', form: 'stray', payload }]
  return members.map(({ name, from, to }) => ofDevice(principal, name, { kind, payload: payload.subarray(from, to) }))
}

/** `{"device": "Device A", "type"?: ...}` as a state message of the device. */
function presenceOf(principal: Known, word: 'connect' | 'disconnect', payload: Uint8Array): ForeignUplink {
  const { tenant, id } = principal
  const device = deviceNamedIn(payload)
  if (device === undefined || !principal.devices.has(device)) {
    return { tenant, device: id, kind: 'tele', form: 'stray', context: (device ?? '').slice(0, 64), payload }
  }
  return { tenant, device, kind: 'state', payload: Buffer.from(JSON.stringify({ online: word === 'connect' })) }
}

function deviceNamedIn(payload: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    const device = typeof value === 'object' && value !== null ? (value as { device?: unknown }).device : undefined
    return typeof device === 'string' ? device : undefined
  } catch {
    return undefined
  }
}
