/**
 * From the mapping of the settings to the variables of a server: browse paths are walked, rules find their objects, and of each variable
 * the declared data type, the unit and whether history can be read are asked once. A node that cannot be used is told and left out; the
 * others go on.
 */
import { AccessLevelFlag, AttributeIds, BrowseDirection, type ClientSession, DataType, NodeClass, type ReferenceDescription } from 'node-opcua-client'
import { UNITS, type Unit } from '#kernel/units.ts'
import type { OpcuaChannel, OpcuaServerSettings } from './opcua-settings.ts'
import { unitName } from './opcua-units.ts'

/** A variable of the server that is a channel of a device. */
export interface ResolvedNode {
  /** Node id with the URI of its namespace: the same over restarts of the server. */
  readonly id: string
  /** Node id as this session calls it. */
  readonly nodeId: string
  readonly device: string
  readonly channel: string
  /** Built-in type that values must have; undefined when mapping and server leave it open. */
  readonly declared: string | undefined
  readonly unit: string | undefined
  /** The mapping's unit where the server names another. */
  readonly unitWanted: string | undefined
  readonly quality: string | undefined
  readonly hasHistory: boolean
}

export interface ResolveFault {
  readonly where: string
  readonly reason: string
}

export interface Resolved {
  readonly nodes: readonly ResolvedNode[]
  readonly faults: readonly ResolveFault[]
}

interface Wanted extends OpcuaChannel {
  readonly nodeId: string
  readonly device: string
}

/** Walks the mapping; throws what the session throws when the connection breaks. */
export async function resolveNodes(
  session: ClientSession,
  { nodes, rules }: Pick<OpcuaServerSettings, 'nodes' | 'rules'>,
  nodes_MAX: number,
): Promise<Resolved> {
  const faults: ResolveFault[] = []
  const namespaces = await session.readNamespaceArray()
  const wanted: Wanted[] = []
  for (const { node, path, ...rest } of nodes) {
    const found = node === undefined ? await walk(session, path ?? '') : localId(node, namespaces)
    if (found.kind === 'found') wanted.push({ ...rest, nodeId: found.nodeId })
    else faults.push({ where: node ?? path ?? '', reason: found.reason })
  }
  for (const rule of rules) wanted.push(...(await applyRule(session, rule, faults)))
  for (const { nodeId } of wanted.splice(nodes_MAX)) faults.push({ where: nodeId, reason: `more than ${nodes_MAX} variables` })
  const resolved: ResolvedNode[] = []
  for (const one of wanted) {
    const described = await describe(session, one, namespaces)
    if ('reason' in described) faults.push({ where: one.nodeId, reason: described.reason })
    else resolved.push(described)
  }
  return { nodes: resolved, faults }
}

type Found = { readonly kind: 'found'; readonly nodeId: string } | { readonly kind: 'absent'; readonly reason: string }

/** `nsu=<uri>;s=...` with the index that the URI has in this session. */
function localId(id: string, namespaces: readonly string[]): Found {
  const match = /^nsu=([^;]+);(.+)$/.exec(id)
  if (match === null) return { kind: 'found', nodeId: id }
  const index = namespaces.indexOf(match[1] ?? '')
  return index < 0 ? { kind: 'absent', reason: `the server has no namespace ${match[1]}` } : { kind: 'found', nodeId: `ns=${index};${match[2]}` }
}

/** Node id with the URI instead of the index; namespace 0 needs none. */
export function globalId(nodeId: string, namespaces: readonly string[]): string {
  const match = /^ns=(\d+);(.+)$/.exec(nodeId)
  const index = Number(match?.[1] ?? 0)
  return match === null || index === 0 ? nodeId : `nsu=${namespaces[index] ?? index};${match[2]}`
}

/** Children by hierarchical references, all pages of them. */
export async function children(session: ClientSession, nodeId: string): Promise<readonly ReferenceDescription[]> {
  const all: ReferenceDescription[] = []
  let result = await session.browse({
    nodeId,
    referenceTypeId: 'HierarchicalReferences',
    browseDirection: BrowseDirection.Forward,
    includeSubtypes: true,
    nodeClassMask: 0,
    resultMask: 63,
  })
  for (;;) {
    all.push(...(result.references ?? []))
    if (result.continuationPoint === undefined || result.continuationPoint === null || result.continuationPoint.length === 0) return all
    result = await session.browseNext(result.continuationPoint, false)
  }
}

const ROOT = 'i=84'

/** Walks names of browse names, `2:Name` where the namespace matters. */
async function walk(session: ClientSession, path: string, from = ROOT): Promise<Found> {
  let nodeId = from
  for (const step of path.split('/').filter((part) => part !== '')) {
    const matching = (await children(session, nodeId)).filter(({ browseName }) => browseName.name === step || browseName.toString() === step)
    const ids = new Set(matching.map((reference) => reference.nodeId.toString()))
    if (ids.size !== 1)
      return { kind: 'absent', reason: ids.size === 0 ? `${path}: there is no ${step}` : `${path}: ${step} names ${ids.size} nodes` }
    nodeId = [...ids][0] ?? ''
  }
  return { kind: 'found', nodeId }
}

async function applyRule(session: ClientSession, rule: OpcuaServerSettings['rules'][number], faults: ResolveFault[]): Promise<Wanted[]> {
  const folder = await walk(session, rule.folder)
  if (folder.kind === 'absent') {
    faults.push({ where: rule.folder, reason: folder.reason })
    return []
  }
  const wanted: Wanted[] = []
  for (const { nodeId, browseName, nodeClass, typeDefinition } of await children(session, folder.nodeId)) {
    if (nodeClass !== NodeClass.Object) continue
    if (rule.type !== undefined && (await browseNameOf(session, typeDefinition.toString())) !== rule.type) continue
    const device = rule.device.replaceAll('{name}', browseName.name ?? '')
    for (const [path, channel] of Object.entries(rule.channels)) {
      const found = await walk(session, path, nodeId.toString())
      if (found.kind === 'found') wanted.push({ ...channel, device, nodeId: found.nodeId })
      else faults.push({ where: `${rule.folder}/${browseName.name}`, reason: found.reason })
    }
  }
  return wanted
}

async function browseNameOf(session: ClientSession, nodeId: string): Promise<string | null | undefined> {
  const { value } = await session.read({ nodeId, attributeId: AttributeIds.BrowseName })
  return (value?.value as { readonly name?: string | null } | undefined)?.name
}

async function describe(
  session: ClientSession,
  { nodeId, device, channel, datatype, unit, quality }: Wanted,
  namespaces: readonly string[],
): Promise<ResolvedNode | { readonly reason: string }> {
  const [nodeClass, accessLevel] = await session.read([
    { nodeId, attributeId: AttributeIds.NodeClass },
    { nodeId, attributeId: AttributeIds.AccessLevel },
  ])
  if (nodeClass === undefined || nodeClass.statusCode.isNotGood()) return { reason: `the server says ${nodeClass?.statusCode.name ?? 'nothing'}` }
  if (nodeClass.value.value !== NodeClass.Variable) return { reason: 'is no variable' }
  const serverUnit = await unitOf(session, nodeId)
  const access = typeof accessLevel?.value?.value === 'number' ? accessLevel.value.value : 0
  const isOtherUnit = unit !== undefined && serverUnit !== undefined && ucum(unit) !== serverUnit
  return {
    id: globalId(nodeId, namespaces),
    nodeId,
    device,
    channel,
    declared: datatype ?? (await declaredType(session, nodeId)),
    unit: serverUnit ?? unit,
    unitWanted: isOtherUnit ? unit : undefined,
    quality,
    hasHistory: (access & AccessLevelFlag.HistoryRead) !== 0,
  }
}

/** A unit by the catalogue's name stands for its UCUM code. */
const ucum = (unit: string): string => (Object.hasOwn(UNITS, unit) ? UNITS[unit as Unit].ucum : unit)

/** Built-in type that the variable's data type comes down to; undefined for an abstract one (Number, BaseDataType). */
export async function declaredType(session: ClientSession, nodeId: string): Promise<string | undefined> {
  const { value } = await session.read({ nodeId, attributeId: AttributeIds.DataType })
  const dataTypeId = value?.value as Parameters<ClientSession['getBuiltInDataType']>[0] | undefined
  if (dataTypeId === undefined || dataTypeId === null) return undefined
  const id = dataTypeId.namespace === 0 && typeof dataTypeId.value === 'number' ? dataTypeId.value : undefined
  if (id !== undefined && ABSTRACT.has(id)) return undefined
  if (id !== undefined && id < DataType.Variant && id > DataType.Null) return DataType[id]
  try {
    const builtIn = await session.getBuiltInDataType(dataTypeId)
    return builtIn === DataType.Null || builtIn === DataType.Variant ? undefined : DataType[builtIn]
  } catch {
    return undefined
  }
}

/** BaseDataType, Number, Integer, UInteger. */
const ABSTRACT = new Set([24, 26, 27, 28])

/** Unit of an AnalogItem or AnalogUnit variable. */
export async function unitOf(session: ClientSession, nodeId: string): Promise<string | undefined> {
  const property = (await children(session, nodeId)).find(
    ({ browseName }) => browseName.name === 'EngineeringUnits' && browseName.namespaceIndex === 0,
  )
  if (property === undefined) return undefined
  const { value } = await session.read({ nodeId: property.nodeId, attributeId: AttributeIds.Value })
  const unit = value?.value as { readonly unitId?: number; readonly displayName?: { readonly text?: string | null } } | null | undefined
  return unit === null || unit === undefined ? undefined : unitName({ unitId: unit.unitId ?? -1, displayName: unit.displayName?.text ?? '' })
}
