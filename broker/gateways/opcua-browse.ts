/**
 * Looks at the address space of an OPC UA server for somebody who writes a mapping: variables below the Objects folder with their types,
 * units and history, and a proposal of the mapping. Objects of one type that hold the same variables become a rule.
 */
import { AccessLevelFlag, AttributeIds, type ClientSession, NodeClass } from 'node-opcua-client'
import { children, declaredType, globalId, unitOf } from './opcua-nodes.ts'

export interface BrowsedVariable {
  /** Browse names from the root. */
  readonly path: readonly string[]
  /** Node id with the URI of its namespace. */
  readonly id: string
  readonly datatype: string | undefined
  readonly unit: string | undefined
  readonly hasHistory: boolean
  /** Browse name of the type of the object that holds it. */
  readonly objectType: string | undefined
}

export interface BrowseBounds {
  readonly depth_MAX: number
  readonly variables_MAX: number
}

const OBJECTS = 'i=85'

/** Variables outside namespace 0 below the Objects folder, breadth first. */
export async function browseVariables(session: ClientSession, { depth_MAX, variables_MAX }: BrowseBounds): Promise<readonly BrowsedVariable[]> {
  const namespaces = await session.readNamespaceArray()
  const typeNames = new Map<string, string | undefined>()
  const found: BrowsedVariable[] = []
  const seen = new Set<string>()
  let level: ReadonlyArray<{ readonly nodeId: string; readonly path: readonly string[]; readonly objectType: string | undefined }> = [
    { nodeId: OBJECTS, path: ['Objects'], objectType: undefined },
  ]
  for (let depth = 0; depth < depth_MAX && level.length > 0; depth++) {
    const next: Array<(typeof level)[number]> = []
    for (const { nodeId, path, objectType } of level) {
      for (const child of await children(session, nodeId)) {
        const id = child.nodeId.toString()
        // What is of namespace 0 is the server's own household.
        if (child.nodeId.namespace === 0 || seen.has(id)) continue
        seen.add(id)
        const below = [...path, child.browseName.name ?? '']
        if (child.nodeClass === NodeClass.Object)
          next.push({ nodeId: id, path: below, objectType: await typeName(session, child.typeDefinition.toString(), typeNames) })
        if (child.nodeClass !== NodeClass.Variable || child.browseName.namespaceIndex === 0) continue
        if (found.length >= variables_MAX) return found
        found.push({ path: below, id: globalId(id, namespaces), objectType, ...(await factsOf(session, id)) })
      }
    }
    level = next
  }
  return found
}

async function typeName(session: ClientSession, nodeId: string, known: Map<string, string | undefined>): Promise<string | undefined> {
  if (!known.has(nodeId)) {
    const { value } = await session.read({ nodeId, attributeId: AttributeIds.BrowseName })
    known.set(nodeId, (value?.value as { readonly name?: string | null } | undefined)?.name ?? undefined)
  }
  return known.get(nodeId)
}

async function factsOf(session: ClientSession, nodeId: string): Promise<Pick<BrowsedVariable, 'datatype' | 'unit' | 'hasHistory'>> {
  const { value } = await session.read({ nodeId, attributeId: AttributeIds.AccessLevel })
  const access = typeof value?.value === 'number' ? value.value : 0
  return {
    datatype: await declaredType(session, nodeId),
    unit: await unitOf(session, nodeId),
    hasHistory: (access & AccessLevelFlag.HistoryRead) !== 0,
  }
}

/** A mapping to begin with: a rule for each folder and object type, and single nodes for what stands alone. */
export interface ProposedMapping {
  readonly rules: ReadonlyArray<{
    readonly folder: string
    readonly type: string
    readonly device: string
    readonly channels: Readonly<Record<string, { readonly channel: string; readonly datatype?: string; readonly unit?: string }>>
  }>
  readonly nodes: ReadonlyArray<{
    readonly path: string
    readonly device: string
    readonly channel: string
    readonly datatype?: string
    readonly unit?: string
  }>
}

const BASE_TYPES = new Set(['BaseObjectType', 'FolderType'])

export function proposeMapping(variables: readonly BrowsedVariable[]): ProposedMapping {
  const rules = new Map<string, { folder: string; type: string; device: string; channels: ProposedMapping['rules'][number]['channels'] }>()
  const nodes: Array<ProposedMapping['nodes'][number]> = []
  for (const { path, objectType, datatype, unit } of variables) {
    const name = path.at(-1) ?? ''
    const facts = { channel: channelName(name, unit), ...(datatype === undefined ? {} : { datatype }), ...(unit === undefined ? {} : { unit }) }
    if (objectType === undefined || BASE_TYPES.has(objectType)) {
      nodes.push({ path: path.join('/'), device: idOf(path.at(-2) ?? 'device'), ...facts })
      continue
    }
    const folder = path.slice(0, -2).join('/')
    const rule = rules.get(`${folder}/${objectType}`) ?? { folder, type: objectType, device: '{name}', channels: {} }
    rules.set(`${folder}/${objectType}`, { ...rule, channels: { ...rule.channels, [name]: facts } })
  }
  return { rules: [...rules.values()], nodes }
}

/** Suffix of a channel's name by its unit, as our units are named. */
const SUFFIXES: Readonly<Record<string, string>> = {
  Cel: '_c',
  K: '_k',
  Pa: '_pa',
  kPa: '_kpa',
  A: '_a',
  V: '_v',
  W: '_w',
  kW: '_w',
  'W.h': '_wh',
  'kW.h': '_kwh',
  Hz: '_hz',
  '{rpm}': '_rpm',
  'L/min': '_lpm',
  '%': '_pct',
}

function channelName(name: string, unit: string | undefined): string {
  const snake = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    .replace(/^[^a-z]+/, '')
  return `${snake === '' ? 'value' : snake}${unit === undefined ? '' : (SUFFIXES[unit] ?? '')}`
}

const idOf = (name: string): string => name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 64)
