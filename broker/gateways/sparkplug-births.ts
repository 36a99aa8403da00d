/**
 * What Sparkplug's births told: for each edge node its session number, the last `seq`, and name and datatype of each metric by alias and
 * name. In memory only: a server that starts anew, or forgot a node, asks for a rebirth. It answers with the table that a record needs to
 * be read by itself. Births hold for the connection that told them: data of a new one waits for its own.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { SparkplugPayload } from '#kernel/sparkplug-payload.ts'

type BirthLimits = Pick<Limits, 'sparkplugEdges_MAX' | 'sparkplugMetrics_MAX' | 'sparkplugContextBytes_MAX' | 'sparkplugRebirthMs'>

interface Declared {
  readonly alias: number | undefined
  readonly name: string
  readonly datatype: number
}

interface Table {
  readonly byAlias: Map<number, Declared>
  readonly byName: Map<string, Declared>
}

interface Edge {
  bdSeq: number | undefined
  /** Undefined = no birth is known. */
  seq: number | undefined
  /** Tables by device, '' for the node itself. */
  readonly tables: Map<string, Table>
  metrics: number
  askedAtMs: number
  /** Whose birth is missing, '' for the node, whose count has a gap. Emptied by the birth, or when the node is asked for it. */
  readonly missing: Set<string>
  /** Ends the wait until the node may be asked again. */
  cancelWait: (() => void) | undefined
  /** Held weakly, since an edge outlives its connections. */
  connection: WeakRef<object> | undefined
}

const SEQ_COUNT = 256
/** Devices of an edge whose birth is missed by name; above it the node is asked whatever comes. */
const MISSING_MAX = 64

export interface SparkplugBirths {
  /** Told before each word of an edge but its death; what an earlier connection told is forgotten. */
  spoke(edge: string, connection: object): void
  /** The node (device '') or a device was born. */
  born(edge: string, device: string, payload: SparkplugPayload): void
  /** Data came; gives the context that its record carries. */
  heard(edge: string, device: string, payload: SparkplugPayload): string | undefined
  deviceDied(edge: string, device: string, payload: SparkplugPayload): void
  /** The node died: the devices that died with it; undefined when the death belongs to an older session. */
  nodeDied(edge: string, payload: SparkplugPayload): readonly string[] | undefined
  /** Told after each word of an edge: calls `ask` when a birth is missing, at once or when the last request is `sparkplugRebirthMs` ago. */
  askWhenMissing(edge: string, ask: () => void): void
  /** Nobody is asked any more. */
  stop(): void
}

export function createSparkplugBirths({ clock, limits }: { readonly clock: Clock; readonly limits: BirthLimits }): SparkplugBirths {
  const edges = new Map<string, Edge>()

  /** The edge, moved to the end of the map: the first is the one unused for longest. */
  const edgeOf = (name: string): Edge => {
    const known = edges.get(name)
    const edge = known ?? {
      bdSeq: undefined,
      seq: undefined,
      tables: new Map(),
      metrics: 0,
      askedAtMs: Number.NEGATIVE_INFINITY,
      missing: new Set<string>(),
      cancelWait: undefined,
      connection: undefined,
    }
    edges.delete(name)
    edges.set(name, edge)
    const oldest = edges.size > limits.sparkplugEdges_MAX ? edges.keys().next().value : undefined
    if (oldest !== undefined) drop(oldest)
    return edge
  }
  const drop = (name: string): void => {
    edges.get(name)?.cancelWait?.()
    edges.delete(name)
  }
  const ask = (edge: Edge, send: () => void): void => {
    edge.cancelWait = undefined
    if (edge.missing.size === 0) return
    edge.missing.clear()
    edge.askedAtMs = clock.monotonicMs()
    send()
  }

  return {
    spoke(name, connection) {
      const edge = edgeOf(name)
      if (edge.connection?.deref() === connection) return
      edge.connection = new WeakRef(connection)
      edge.tables.clear()
      edge.metrics = 0
      edge.seq = undefined
      edge.missing.clear()
    },
    born(name, device, payload) {
      const edge = edgeOf(name)
      if (device !== '') {
        if (isGap(edge, payload)) miss(edge, '')
        edge.missing.delete(device)
        return remember(edge, { device, payload, limits })
      }
      edge.missing.clear()
      edge.tables.clear()
      edge.metrics = 0
      edge.bdSeq = bdSeqOf(payload)
      edge.seq = payload.seq ?? 0
      remember(edge, { device: '', payload, limits })
    },
    heard(name, device, payload) {
      const edge = edgeOf(name)
      if (isGap(edge, payload)) miss(edge, '')
      const { context, isWhole } = contextOf(edge.tables.get(device), payload, limits)
      if (!isWhole) miss(edge, device)
      return context
    },
    deviceDied(name, device, payload) {
      const edge = edgeOf(name)
      forget(edge, device)
      if (isGap(edge, payload)) miss(edge, '')
    },
    nodeDied(name, payload) {
      const edge = edges.get(name)
      if (edge === undefined || edge.seq === undefined || bdSeqOf(payload) !== edge.bdSeq) return undefined
      drop(name)
      return [...edge.tables.keys()].filter((device) => device !== '')
    },
    askWhenMissing(name, send) {
      const edge = edges.get(name)
      if (edge === undefined || edge.missing.size === 0 || edge.cancelWait !== undefined) return
      const waitMs = edge.askedAtMs + limits.sparkplugRebirthMs - clock.monotonicMs()
      if (waitMs <= 0) ask(edge, send)
      else edge.cancelWait = clock.after(waitMs, () => ask(edge, send))
    },
    stop() {
      for (const edge of edges.values()) edge.cancelWait?.()
    },
  }
}

const miss = ({ missing }: Edge, device: string): unknown => missing.add(missing.size < MISSING_MAX ? device : '')

const bdSeqOf = ({ metrics }: SparkplugPayload): number | undefined => {
  const value = metrics.find(({ name }) => name === 'bdSeq')?.value
  return value?.kind === 'int' ? Number(value.value) : undefined
}

/** Follows `seq`, which counts 0 to 255 over all messages of the node; the same one again is a message sent twice. */
function isGap(edge: Edge, { seq }: SparkplugPayload): boolean {
  const last = edge.seq
  if (last === undefined) return true
  if (seq === undefined) return false
  edge.seq = seq
  return seq !== last && seq !== (last + 1) % SEQ_COUNT
}

function forget(edge: Edge, device: string): void {
  edge.metrics -= edge.tables.get(device)?.byName.size ?? 0
  edge.tables.delete(device)
}

function remember(edge: Edge, { device, payload, limits }: { device: string; payload: SparkplugPayload; limits: BirthLimits }): void {
  forget(edge, device)
  const table: Table = { byAlias: new Map(), byName: new Map() }
  edge.tables.set(device, table)
  for (const { name, alias, datatype } of payload.metrics) {
    if (name === undefined || datatype === undefined || edge.metrics >= limits.sparkplugMetrics_MAX) continue
    const declared = { alias, name, datatype }
    if (!table.byName.has(name)) edge.metrics++
    table.byName.set(name, declared)
    if (alias !== undefined) table.byAlias.set(alias, declared)
  }
}

/** Names and datatypes of the metrics of one payload, as far as they are known and fit. */
function contextOf(table: Table | undefined, { metrics }: SparkplugPayload, limits: BirthLimits) {
  const entries = new Set<string>()
  let bytes = 2
  let isWhole = true
  for (const { name, alias, datatype } of metrics) {
    const declared = name === undefined ? table?.byAlias.get(alias ?? -1) : table?.byName.get(name)
    if (declared === undefined) {
      isWhole &&= name !== undefined && datatype !== undefined
      continue
    }
    const entry = JSON.stringify([declared.alias ?? null, declared.name, declared.datatype])
    if (entries.has(entry)) continue
    bytes += Buffer.byteLength(entry) + 1
    if (bytes > limits.sparkplugContextBytes_MAX) break
    entries.add(entry)
  }
  return { context: entries.size === 0 ? undefined : `[${[...entries].join(',')}]`, isWhole }
}
