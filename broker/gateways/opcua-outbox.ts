/**
 * From values of a server to records in the journal: one record per device and publish, split where it grows too large between two
 * instants. A record that the journal does not take is tried again until it does; meanwhile the records pile up to a bound, at which the
 * gateway stops asking for publishes. Progress moves when a record is durable, not before.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { OpcuaRecord } from '#kernel/opcua-record.ts'
import type { ForeignUplinkPorts } from './foreign-uplink.ts'
import type { ResolvedNode } from './opcua-nodes.ts'
import type { LastValue, OpcuaProgress } from './opcua-progress.ts'

/** A record of a variable, with what its progress is when it is durable; a gap has none. */
export interface Outgoing {
  readonly node: ResolvedNode
  readonly record: OpcuaRecord
  readonly ms: number
  readonly progress?: LastValue
}

export interface OpcuaOutbox {
  push(run: readonly Outgoing[]): void
  /** Resolves when fewer records wait than the bound. */
  whenWritable(): Promise<void>
  isFull(): boolean
  /** Gives up what is not durable; progress was not moved for it. */
  stop(): void
  statistics(): { readonly values: number; readonly records: number; readonly retries: number; readonly revoked: number; readonly pending: number }
}

export interface OpcuaOutboxPorts {
  readonly tenant: string
  readonly find: ForeignUplinkPorts['find']
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly progress: OpcuaProgress
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  /** Called when the bound is reached, and when there is room again. */
  readonly onPressure: (isFull: boolean) => void
}

interface Pack {
  readonly device: string
  readonly run: readonly Outgoing[]
  readonly payload: Uint8Array
}

export function createOpcuaOutbox(ports: OpcuaOutboxPorts): OpcuaOutbox {
  const { clock, log, limits, progress, onPressure } = ports
  const counts = { values: 0, records: 0, retries: 0, revoked: 0 }
  const queue: Pack[] = []
  const waiting: Array<() => void> = []
  let isWriting = false
  let isStopped = false
  let wasFull = false
  const isFull = (): boolean => queue.length >= limits.opcuaPending_MAX

  const pressure = (): void => {
    if (isFull() !== wasFull) {
      wasFull = !wasFull
      onPressure(wasFull)
    }
    if (!wasFull || isStopped) for (const resolve of waiting.splice(0)) resolve()
  }
  const write = async (pack: Pack): Promise<boolean> => {
    const { tenant } = ports
    const known = ports.find(tenant, pack.device)
    if (known !== undefined && known.revoked_at_ms !== null) {
      counts.revoked++
      return true
    }
    const maxAgeDays = known?.max_age_days ?? limits.behindDays_MAX
    const common = { tenant, device: pack.device, kind: 'tele', received_at_ms: clock.now(), maxAgeDays, form: 'opcua' } as const
    return ports.accept({ ...common, type: known?.type ?? '', payload: pack.payload }).then(
      () => true,
      (error: unknown) => {
        log.warn('the journal did not take values of an OPC UA server; they are tried again', { cause: String(error) })
        return false
      },
    )
  }
  const drain = async (): Promise<void> => {
    while (queue.length > 0 && !isStopped) {
      const packs = queue.slice(0, limits.opcuaPending_MAX)
      const durable = await Promise.all(packs.map(write))
      // Progress is in order, so what lies behind a record that is not durable waits for it.
      const failed = durable.indexOf(false)
      for (const { run } of queue.splice(0, failed < 0 ? packs.length : failed)) {
        counts.records++
        counts.values += run.length
        for (const { node, progress: moved } of run) if (moved !== undefined) progress.moved(node.id, moved)
      }
      pressure()
      if (failed < 0) continue
      counts.retries++
      await new Promise<void>((resolve) => void clock.after(limits.opcuaRetryMs, resolve))
    }
    isWriting = false
  }

  return {
    push(run) {
      for (const [device, ofDevice] of Map.groupBy(run, ({ node }) => node.device)) queue.push(...packsOf(device, ofDevice, limits))
      pressure()
      if (isWriting || queue.length === 0) return
      isWriting = true
      drain().catch((error: unknown) => log.error('values of an OPC UA server could not be written', { cause: String(error) }))
    },
    whenWritable: () => (isFull() && !isStopped ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    isFull,
    stop() {
      isStopped = true
      pressure()
    },
    statistics: () => ({ ...counts, pending: queue.length }),
  }
}

/** A record is closed here at the next instant, and at the second bound whatever its values say: every record fits the journal. */
const PACK_BYTES = 96 * 1024
const PACK_BYTES_MAX = 126 * 1024

function packsOf(device: string, run: readonly Outgoing[], { opcuaValuesPerRecord_MAX }: Limits): Pack[] {
  const packs: Pack[] = []
  let part: Outgoing[] = []
  let texts: string[] = []
  let bytes = 0
  const close = (): void => {
    if (part.length > 0) packs.push({ device, run: part, payload: Buffer.from(`[${texts.join(',')}]`) })
    part = []
    texts = []
    bytes = 0
  }
  for (const outgoing of run) {
    const text = JSON.stringify(outgoing.record)
    const size = Buffer.byteLength(text) + 1
    const isLarge = part.length >= opcuaValuesPerRecord_MAX || bytes + size > PACK_BYTES
    if ((isLarge && outgoing.ms !== part.at(-1)?.ms) || bytes + size > PACK_BYTES_MAX) close()
    part.push(outgoing)
    texts.push(text)
    bytes += size
  }
  close()
  return packs
}
