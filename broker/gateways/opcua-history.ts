/** Raw history of the variables of one device, merged in order of time, so that values of one instant stay together whoever asks. */
import {
  type ClientSession,
  type DataValue,
  type HistoryData,
  HistoryReadRequest,
  ReadRawModifiedDetails,
  TimestampsToReturn,
} from 'node-opcua-client'
import type { Limits } from '#kernel/limits.ts'
import type { ResolvedNode } from './opcua-nodes.ts'

export interface HistoryWanted {
  readonly node: ResolvedNode
  readonly fromMs: number
}

export interface HistoryValue {
  readonly node: ResolvedNode
  readonly value: DataValue
}

export interface HistoryOptions {
  readonly untilMs: number
  readonly limits: Pick<Limits, 'opcuaHistoryValues' | 'opcuaHistoryValues_MAX'>
  /** A variable whose history the server refuses, or has too much of. */
  readonly onRefused: (node: ResolvedNode, reason: string) => void
}

interface Cursor extends HistoryWanted {
  buffer: DataValue[]
  continuation: Buffer | undefined
  taken: number
  isDone: boolean
}

/** Gives runs of values in order of time; throws what the session throws when the connection breaks. */
export async function* readHistory(
  session: ClientSession,
  wanted: readonly HistoryWanted[],
  options: HistoryOptions,
): AsyncGenerator<HistoryValue[]> {
  const cursors = wanted.map((one): Cursor => ({ ...one, buffer: [], continuation: undefined, taken: 0, isDone: false }))
  while (cursors.some(({ isDone, buffer }) => !isDone || buffer.length > 0)) {
    for (const cursor of cursors) if (!cursor.isDone && cursor.buffer.length === 0) await fetchPage(session, cursor, options)
    // Behind the last value of an unfinished variable others may still come before ours.
    const safeMs = Math.min(...cursors.map(({ isDone, buffer }) => (isDone ? Number.POSITIVE_INFINITY : timeOf(buffer.at(-1)))))
    const run: HistoryValue[] = []
    for (const cursor of cursors) {
      const isReady = (value: DataValue): boolean => timeOf(value) < safeMs || cursors.every(({ isDone }) => isDone)
      const ready = cursor.buffer.filter(isReady)
      cursor.buffer = cursor.buffer.filter((value) => !isReady(value))
      run.push(...ready.map((value) => ({ node: cursor.node, value })))
    }
    if (run.length > 0) yield run.sort((one, other) => timeOf(one.value) - timeOf(other.value))
    else for (const cursor of cursors) if (!cursor.isDone) await fetchPage(session, cursor, options)
  }
}

async function fetchPage(session: ClientSession, cursor: Cursor, { untilMs, limits, onRefused }: HistoryOptions): Promise<void> {
  const { node, fromMs, continuation } = cursor
  const response = await session.historyRead(
    new HistoryReadRequest({
      historyReadDetails: new ReadRawModifiedDetails({
        isReadModified: false,
        startTime: new Date(fromMs),
        endTime: new Date(Math.max(untilMs, fromMs)),
        numValuesPerNode: limits.opcuaHistoryValues,
        returnBounds: false,
      }),
      nodesToRead: [{ nodeId: node.nodeId, ...(continuation === undefined ? {} : { continuationPoint: continuation }) }],
      releaseContinuationPoints: false,
      timestampsToReturn: TimestampsToReturn.Both,
    }),
  )
  const result = response.results?.[0]
  if (result === undefined || result.statusCode.isBad()) {
    cursor.isDone = true
    onRefused(node, `the server refused its history (${result?.statusCode.name ?? 'no result'})`)
    return
  }
  const values = (result.historyData as HistoryData | null)?.dataValues ?? []
  cursor.buffer.push(...values)
  cursor.taken += values.length
  const next = result.continuationPoint as Buffer | null | undefined
  cursor.continuation = next === null || next === undefined || next.length === 0 ? undefined : next
  cursor.isDone = cursor.continuation === undefined
  if (cursor.isDone || cursor.taken < limits.opcuaHistoryValues_MAX) return
  cursor.isDone = true
  onRefused(node, `its history has more than ${limits.opcuaHistoryValues_MAX} values`)
}

const timeOf = (value: DataValue | undefined): number => (value?.sourceTimestamp ?? value?.serverTimestamp)?.getTime() ?? 0
