/**
 * The journal in memory, for tests and for a demonstration without a disk: the same promises as on disk except that nothing survives
 * the process. A record is committed in the turn after its append, so that callers meet the same order of events.
 */
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { limits as defaultLimits } from '#kernel/limits.ts'
import type { Journal, JournalRecord, Position, WaitingRecord } from '../journal.ts'
import { promised } from '../promised-record.ts'

const FRAME_BYTES = 8

interface Waiting {
  readonly record: JournalRecord
  readonly waiter: WaitingRecord
  readonly payloadBytes: number
}

/** Creates an empty journal. */
export function createMemoryJournal(limits: Pick<Limits, 'journalRecordBytes_MAX' | 'journalPendingBytes_MAX'> = defaultLimits): Journal {
  let records: JournalRecord[] = []
  let waiting: Waiting[] = []
  let appendEnd: Position = 0
  let durableEnd: Position = 0
  let state: 'new' | 'open' | 'stopped' = 'new'
  let waiters: Array<() => void> = []
  const listeners = new Set<Parameters<Journal['onCommit']>[0]>()

  const commit = (): void => {
    const group = waiting
    if (group.length === 0) return
    waiting = []
    for (const { record } of group) records.push(record)
    const before = durableEnd
    durableEnd = group.at(-1)?.record.next ?? durableEnd
    for (const listener of listeners)
      listener(
        group.map(({ record }) => record),
        before,
      )
    for (const { waiter, payloadBytes } of group) waiter.settled({ count: 1, payloadBytes, waitedMs: 0, error: undefined })
    for (const waiter of waiters.splice(0)) waiter()
  }

  const refusal = (bytes: number): MendlineError | undefined => {
    if (state !== 'open') return new MendlineError('MDL_JOURNAL_UNAVAILABLE', 'the journal is not open for writing', { retryable: true })
    if (bytes > 0 && bytes <= limits.journalRecordBytes_MAX) return undefined
    return new MendlineError('MDL_JOURNAL_RECORD_TOO_LARGE', 'a journal record has between 1 byte and the limit', { details: { bytes } })
  }

  const appendFor = (waiter: WaitingRecord): Position | MendlineError => {
    const body = Buffer.concat([waiter.head, waiter.payload])
    const refused = refusal(body.length)
    if (refused !== undefined) return refused
    const record = { position: appendEnd, next: appendEnd + FRAME_BYTES + body.length, body }
    appendEnd = record.next
    if (waiting.length === 0) setImmediate(commit)
    waiting.push({ record, waiter, payloadBytes: waiter.payload.length })
    return record.position
  }

  return {
    async start() {
      assert(state === 'new', 'a journal is started once')
      state = 'open'
      return { segments: 1, end: durableEnd, tornBytes: 0, corruptRecords: 0 }
    },
    found: () => (state === 'new' ? undefined : { segments: 1, end: 0, tornBytes: 0, corruptRecords: 0 }),
    append: (body) => promised(body, appendFor),
    appendFor,
    async read(from, maxBytes) {
      const first = records.findIndex((record) => record.position >= from)
      if (first === -1) return { records: [], next: Math.max(from, durableEnd), corrupt: 0 }
      const start = records[first]?.position ?? 0
      const found = records.slice(first).filter((record, index) => index === 0 || record.next - start <= maxBytes)
      return { records: found, next: found.at(-1)?.next ?? from, corrupt: 0 }
    },
    end: () => durableEnd,
    pendingBytes: () => appendEnd - durableEnd,
    async whenWritable() {
      if (appendEnd - durableEnd >= limits.journalPendingBytes_MAX) await new Promise<void>((resolve) => waiters.push(resolve))
    },
    onCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async release(position) {
      records = records.filter((record) => record.next > position)
    },
    async stop() {
      commit()
      state = 'stopped'
      waiters = []
    },
  }
}
