import { describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createIngest } from './ingest.ts'
import { createMemoryJournal } from './journals/memory-journal.ts'
import { decodeRecord } from './record.ts'

const message = (payload: Uint8Array): AcceptedMessage => ({
  tenant: 'home',
  device: 'ac-1',
  type: 'air_conditioner',
  kind: 'tele',
  payload,
  received_at_ms: epochMs(1),
  maxAgeDays: 30,
})

describe('ingest', () => {
  it('resolves when the journal holds the message, whatever its payload', async () => {
    const journal = createMemoryJournal()
    await journal.start()
    const ingest = createIngest({ journal, clock: new ManualClock(0), log: silentLog, limits })
    await ingest.accept(message(new Uint8Array([0xff, 0xfe])))
    const [record] = (await journal.read(0, 1_000)).records
    expect(record === undefined ? undefined : [...decodeRecord(record.body).payload]).toEqual([0xff, 0xfe])
    expect(ingest.statistics()).toMatchObject({ accepted: 1, refused: 0, payload_bytes: 2, waiting: 0 })
  })

  it('rejects and counts when the journal cannot write', async () => {
    const journal = createMemoryJournal()
    const ingest = createIngest({ journal, clock: new ManualClock(0), log: silentLog, limits })
    await expect(ingest.accept(message(new Uint8Array(1)))).rejects.toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' })
    expect(ingest.statistics()).toMatchObject({ accepted: 0, refused: 1, waiting: 0 })
  })

  it('counts what comes through a door as what comes by promise, and tells who waits', async () => {
    const journal = createMemoryJournal()
    const ingest = createIngest({ journal, clock: new ManualClock(0), log: silentLog, limits })
    const { payload: _p, received_at_ms: _r, ...source } = message(new Uint8Array(0))
    const ends: unknown[] = []
    const door = ingest.openDoor(source, { settled: ({ count, error }) => ends.push([count, error]) })
    expect(door.accept(new Uint8Array(1), epochMs(7))).toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' })
    expect([ingest.isWriting(), ingest.statistics()]).toMatchObject([false, { accepted: 0, refused: 1, waiting: 0 }])
    await journal.start()
    expect(door.accept(new Uint8Array([1, 2]), epochMs(8))).toBeUndefined()
    expect(ingest.statistics()).toMatchObject({ waiting: 1 })
    await new Promise((resolve) => setImmediate(resolve))
    const [record] = (await journal.read(0, 1_000)).records
    expect(record === undefined ? undefined : decodeRecord(record.body)).toMatchObject({ device: 'ac-1', kind: 'tele', received_at_ms: 8 })
    expect([ends, ingest.isWriting(), ingest.statistics()]).toMatchObject([[[1, undefined]], true, { accepted: 1, payload_bytes: 2, waiting: 0 }])
  })
})
