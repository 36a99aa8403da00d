/**
 * Sparkplug B 3.0 at the door: this platform is the host application, a gateway or device is an edge node (group = tenant, edge = its id), and
 * its devices are those it may speak for. Each message becomes a record with its raw bytes and, for data, the names and datatypes that the
 * births gave its aliases. What cannot be named, and gaps of `seq`, ask the node for a rebirth.
 */
import sparkplug from 'sparkplug-payload'
import { assert } from '#kernel/errors.ts'
import { isId } from '#kernel/ids.ts'
import { isOfTheNode, readSparkplug, type SparkplugPayload } from '#kernel/sparkplug-payload.ts'
import type { ForeignDecision, ForeignPublish, ForeignUplink } from '../forms/foreign-decision.ts'
import type { Principal } from '../principal.ts'
import { speaksFor } from '../topics.ts'
import type { SparkplugBirths } from './sparkplug-births.ts'

export interface SparkplugPorts {
  readonly births: SparkplugBirths
  /** Sends `Node Control/Rebirth` to an edge node. */
  readonly askForRebirth: (tenant: string, edge: string) => void
}

export type SparkplugDoor = (principal: Principal, publish: ForeignPublish) => ForeignDecision | undefined

const UPLINK = /^spBv1\.0\/([^/]+)\/(?:(NBIRTH|NDATA|NDEATH)\/([^/]+)|(DBIRTH|DDATA|DDEATH)\/([^/]+)\/([^/]+))$/

export function createSparkplugDoor({ births, askForRebirth }: SparkplugPorts): SparkplugDoor {
  return (principal, { topic, qos, payload, connection }) => {
    if (!topic.startsWith('spBv1.0/')) return undefined
    const match = UPLINK.exec(topic)
    const [, tenant = '', nodeKind, nodeEdge, deviceKind, deviceEdge, device = ''] = match ?? []
    const edge = nodeEdge ?? deviceEdge ?? ''
    if (match === null || qos > 1 || !isOwn(principal, tenant, edge))
      return principal.kind === 'anonymous' && match === null ? undefined : { kind: 'refuse' }
    const name = `${tenant}/${edge}`
    const read = readSparkplug(payload)
    // A will comes from the connection that ended, and must not end what a newer one said.
    if (nodeKind !== 'NDEATH') births.spoke(name, connection)
    const message = { principal, tenant, edge, device, payload, births, name }
    if (read === undefined) return accept(recordFor(message, { kind: 'tele' }))
    const decision = take(nodeKind ?? deviceKind ?? '', message, read)
    births.askWhenMissing(name, () => askForRebirth(tenant, edge))
    return decision
  }
}

const isOwn = (principal: Principal, tenant: string, edge: string): boolean =>
  isId(tenant) && isId(edge) && (principal.kind === 'anonymous' || (principal.tenant === tenant && principal.id === edge))

interface Arrived {
  readonly principal: Principal
  readonly tenant: string
  readonly edge: string
  /** '' = the node itself. */
  readonly device: string
  readonly payload: Uint8Array
  readonly births: SparkplugBirths
  readonly name: string
}

const accept = (uplinks: readonly ForeignUplink[]): ForeignDecision => (uplinks.length === 0 ? { kind: 'ignore' } : { kind: 'accept', uplinks })
const OFFLINE = Buffer.from('{"online":false}')

function take(kind: string, message: Arrived, read: SparkplugPayload): ForeignDecision {
  const { births, name, device } = message
  if (kind === 'NDEATH') {
    const died = births.nodeDied(name, read)
    const gone = died === undefined ? [] : ['', ...died]
    const records = gone.flatMap((each) => recordFor({ ...message, device: each }, { kind: 'state', presence: OFFLINE }, read))
    return accept(records)
  }
  if (kind === 'DDEATH') {
    births.deviceDied(name, device, read)
    return accept(recordFor(message, { kind: 'state', presence: OFFLINE }, read))
  }
  if (kind === 'NBIRTH' || kind === 'DBIRTH') {
    births.born(name, device, read)
    return accept(recordFor(message, { kind: 'tele' }, read))
  }
  const context = births.heard(name, device, read)
  return accept(recordFor(message, { kind: 'tele', ...(context === undefined ? {} : { context }) }, read))
}

/** The record of a message; none for a gateway's words about itself alone, and a stray one for a device that it does not speak for. */
function recordFor(
  { principal, tenant, edge, device, payload }: Arrived,
  { kind, context, presence }: { kind: 'tele' | 'state'; context?: string; presence?: Uint8Array },
  read?: SparkplugPayload,
): readonly ForeignUplink[] {
  const whose = device === '' ? edge : device
  if (isId(whose) && speaksFor(principal, tenant, whose)) {
    return [
      {
        tenant,
        device: whose,
        kind,
        form: 'sparkplug',
        payload,
        ...(context === undefined ? {} : { context }),
        ...(presence === undefined ? {} : { presence }),
      },
    ]
  }
  const isEmpty =
    device === '' && read !== undefined && (kind === 'state' || read.metrics.every(({ name }) => name !== undefined && isOfTheNode(name)))
  return isEmpty ? [] : [{ tenant, device: edge, kind: 'tele', form: 'stray', context: whose.slice(0, 64), payload }]
}

/** Payload of the NCMD that asks an edge node to send its births again. */
export function rebirthCommand(atMs: number): Buffer {
  const codec = sparkplug.get('spBv1.0')
  assert(codec !== null, 'the library knows Sparkplug B')
  const metrics = [{ name: 'Node Control/Rebirth', type: 'Boolean' as const, value: true, timestamp: atMs }]
  return Buffer.from(codec.encodePayload({ timestamp: atMs, metrics }))
}
