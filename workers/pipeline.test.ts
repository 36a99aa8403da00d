import { describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs, systemClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import { Pipeline } from './pipeline.ts'
import type { PipelineParts, PipelineState } from './pipeline-parts.ts'
import type { Snapshot } from './snapshot-file.ts'

/** A window of the test is the sequence number that closed it: every tenth. */
interface World {
  readonly log: Uint8Array[]
  readonly stored: number[]
  readonly quarantined: QuarantineEntry[]
  readonly emitted: HubEvent[]
  snapshot: Snapshot<PipelineState<number>> | undefined
  storePosition: number
  /** Position of the store at its last checkpoint. */
  checkpoint: number
}

const newWorld = (): World => ({ log: [], stored: [], quarantined: [], emitted: [], snapshot: undefined, storePosition: 0, checkpoint: 0 })
const publish = (world: World, ...seqs: number[]): void => {
  for (const seq of seqs) world.log.push(new TextEncoder().encode(String(seq)))
}

const message = (body: Uint8Array): AcceptedMessage => ({
  tenant: 'home',
  device: 'd1',
  type: 'test',
  kind: 'tele',
  payload: body,
  received_at_ms: epochMs(0),
  maxAgeDays: 30,
})

const readingOf = (seq: number): Reading => ({
  tenant: 'home',
  device: 'd1',
  type: 'test',
  boot: 1,
  seq,
  observed_at_ms: epochMs(seq),
  received_at_ms: epochMs(seq),
  hist: false,
  fw: undefined,
  numbers: new Float64Array(),
  texts: [],
})

/** Parts that keep what they did in `world`, so that a second pipeline over the same world is a restart. */
function partsOf(world: World, change: Partial<PipelineParts<number>> = {}): PipelineParts<number> {
  let pending: number[] = []
  let seen = new Set<number>()
  let doubted = new Set<number>()
  let ruleSum = 0
  const events: HubEvent[] = []
  const windows: number[] = []
  let diagnosed: number[] = []
  let wake = (): void => {}
  return {
    journal: {
      async read(from) {
        const records = world.log.slice(from, from + 7).map((body, index) => ({ body, next: from + index + 1 }))
        return { records, next: from + records.length, corrupt: 0 }
      },
    },
    decodeRecord: message,
    decode: ({ payload }) => ({ readings: [readingOf(Number(new TextDecoder().decode(payload)))], quarantine: [] }),
    writer: {
      async take({ readings, quarantine }, next) {
        world.quarantined.push(...quarantine)
        // In a replay what is in the store is the reading itself; behind its position it is a resent one.
        const isFresh = ({ seq }: Reading): boolean => !seen.has(seq) && !(doubted.has(seq) && next > world.storePosition)
        const fresh = readings.filter(isFresh)
        // As the real writer: what dedup knows and the store lacks is put back.
        for (const { seq } of readings) if (seen.has(seq) && next > world.storePosition && !world.stored.includes(seq)) pending.push(seq)
        for (const { seq } of fresh) {
          seen.add(seq)
          if (next > world.storePosition) pending.push(seq)
        }
        return fresh
      },
      async flush(position) {
        world.stored.push(...pending)
        world.storePosition = position
        pending = []
      },
      pending: () => pending.length,
      recall: async () => {
        doubted = new Set(world.stored)
      },
      snapshot: () => [...seen],
      restore: (state) => {
        seen = new Set(state as number[])
      },
    },
    truth: {
      take({ seq }) {
        ruleSum += seq
        if (seq % 5 === 0) events.push({ kind: 'device_silent', key: `${seq}:${ruleSum}`, tenant: 'home', device: 'd1', at_ms: epochMs(seq) })
        if (seq % 10 === 0) windows.push(seq)
      },
      advance: () => {},
      isAmendmentDue: () => false,
      amend: async () => {},
      drain: () => ({ events: events.splice(0), windows: windows.splice(0), amendedWindows: [] }),
      commit: async () => {},
      recall: () => {},
      snapshot: () => ruleSum,
      restore: (state) => {
        ruleSum = state as number
      },
    },
    diagnoser: {
      async diagnose(windows) {
        diagnosed.push(...windows)
        return windows.map((window) => ({ diagnosis_id: `dg_${window}_${diagnosed.indexOf(window) + 1}` }) as Diagnosis)
      },
      amend: async () => [],
      snapshot: () => diagnosed,
      restore: (state) => {
        diagnosed = [...(state as number[])]
      },
    },
    store: {
      checkpoint: async () => {
        world.checkpoint = world.storePosition
      },
    },
    snapshots: {
      load: async () => structuredClone(world.snapshot),
      async save(snapshot) {
        world.snapshot = structuredClone(snapshot)
        return 0
      },
    },
    emit: async (events) => {
      world.emitted.push(...events)
    },
    onReleasable: () => {},
    waitForMore: (_position, timeoutMs) =>
      new Promise((resolve) => {
        wake = resolve
        systemClock.after(Math.min(timeoutMs, 5), resolve)
      }),
    wake: () => wake(),
    clock: systemClock,
    log: silentLog,
    limits,
    ...change,
  }
}

async function runToEnd(world: World, change: Partial<PipelineParts<number>> = {}): Promise<Pipeline<number>> {
  const pipeline = new Pipeline(partsOf(world, change))
  await pipeline.start(world.storePosition)
  await pipeline.storedUpTo(world.log.length, 5_000)
  return pipeline
}

const idle = { amend: async () => [], snapshot: () => [], restore: () => {} }
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('Pipeline', () => {
  it('stores each reading once, in order, and tells the hubs', async () => {
    const world = newWorld()
    publish(world, ...range(1, 20), 3, 4)
    const pipeline = await runToEnd(world)
    await pipeline.stop()
    expect(world.stored).toEqual(range(1, 20))
    expect(world.emitted.filter(({ kind }) => kind === 'device_silent').map(({ key }) => key)).toEqual(['5:15', '10:55', '15:120', '20:210'])
    expect(world.emitted.filter(({ kind }) => kind === 'diagnosis_made')).toHaveLength(2)
  })

  it.each([3, 8, 10, 14, 20])('comes to the same result when it is killed after %d records', async (killedAfter) => {
    const whole = newWorld()
    publish(whole, ...range(1, 30))
    await (await runToEnd(whole)).stop()

    const broken = newWorld()
    publish(broken, ...range(1, killedAfter))
    // The first process stores and is killed without a snapshot: the world keeps what was durable.
    await runToEnd(broken)
    publish(broken, ...range(killedAfter + 1, 30))
    const again = { ...broken, emitted: [], snapshot: undefined }
    await (await runToEnd(again)).stop()

    expect(again.stored).toEqual(whole.stored)
    expect(again.emitted.map(({ key }) => key).sort()).toEqual(whole.emitted.map(({ key }) => key).sort())
  })

  it('goes on from its snapshot after a clean stop', async () => {
    const world = newWorld()
    publish(world, ...range(1, 12))
    await (await runToEnd(world)).stop()
    publish(world, 12, ...range(13, 20))
    await (await runToEnd(world)).stop()
    expect(world.stored).toEqual(range(1, 20))
    expect(world.emitted.filter(({ kind }) => kind === 'device_silent').map(({ key }) => key)).toEqual(['5:15', '10:55', '15:120', '20:210'])
  })

  it('puts back into a store that lost its own log what lies before the snapshot', async () => {
    const world = newWorld()
    publish(world, ...range(1, 12))
    await (await runToEnd(world)).stop()
    const emitted = world.emitted.length
    world.stored.length = 4
    world.storePosition = 4
    publish(world, 13)
    await (await runToEnd(world)).stop()
    expect(world.stored).toEqual(range(1, 13))
    expect(world.emitted).toHaveLength(emitted)
  })

  it('stores nothing twice when its snapshot and the beginning of the journal are gone', async () => {
    const world = newWorld()
    publish(world, ...range(1, 12))
    await (await runToEnd(world)).stop()
    world.snapshot = undefined
    world.log.fill(new TextEncoder().encode('1'), 0, 12)
    publish(world, 3, 13)
    await (await runToEnd(world)).stop()
    expect(world.stored).toEqual(range(1, 13))
  })

  it('lets go of the journal only behind a snapshot and a checkpoint of the store', async () => {
    const world = newWorld()
    publish(world, ...range(1, 6))
    const released: Array<readonly [position: number, checkpoint: number]> = []
    const { snapshots } = partsOf(world)
    const change = {
      snapshots: { ...snapshots, save: (snapshot: Snapshot<PipelineState<number>>) => snapshots.save(snapshot).then(() => snapshot.position) },
      onReleasable: (position: number) => released.push([position, world.checkpoint]),
    }
    await (await runToEnd(world, change)).stop()
    expect(released).toEqual([[6, 6]])

    publish(world, 7)
    const failing = { checkpoint: () => Promise.reject(new MendlineError('MDL_STORE_UNAVAILABLE', 'busy', { retryable: true })) }
    await (await runToEnd(world, { ...change, store: failing })).stop()
    expect(released).toEqual([[6, 6]])
    expect(world.stored).toEqual(range(1, 7))
  })

  it.each(['truth', 'diagnoser', 'writer'] as const)('starts although the saved state of its %s cannot be read', async (name) => {
    const world = newWorld()
    publish(world, ...range(1, 12))
    await (await runToEnd(world)).stop()
    publish(world, 12, ...range(13, 20))
    const parts = partsOf(world)
    const restore = (): never => {
      throw new Error('another version')
    }
    const pipeline = new Pipeline({ ...parts, [name]: { ...parts[name], restore } })
    await pipeline.start(world.storePosition)
    await pipeline.storedUpTo(world.log.length, 5_000)
    await pipeline.stop()
    expect(world.stored).toEqual(range(1, 20))
  })

  it('goes on without a snapshot when the disk takes none', async () => {
    const world = newWorld()
    publish(world, ...range(1, 6))
    const snapshots = { load: async () => undefined, save: () => Promise.reject(new Error('ENOSPC')) }
    const released: number[] = []
    const pipeline = await runToEnd(world, {
      snapshots,
      onReleasable: (position) => released.push(position),
      limits: { ...limits, snapshotRecords: 1 },
    })
    publish(world, 7)
    await pipeline.storedUpTo(7, 5_000)
    await pipeline.stop()
    expect(world.stored).toEqual(range(1, 7))
    expect(released).toEqual([])
  })

  it('stops although the hubs are away, and leaves their events to the next start', async () => {
    const world = newWorld()
    publish(world, ...range(1, 10))
    let attempts = 0
    const emit = (): Promise<never> => Promise.reject(new Error(`away ${++attempts}`))
    const clock = { ...systemClock, after: (_delayMs: number, task: () => void) => systemClock.after(1, task) }
    const pipeline = new Pipeline(partsOf(world, { emit, clock }))
    await pipeline.start(0)
    await expect.poll(() => attempts).toBeGreaterThan(2)
    await pipeline.stop()
    expect(world.snapshot).toBeUndefined()
    await (await runToEnd(world)).stop()
    expect(world.emitted.filter(({ kind }) => kind === 'device_silent').map(({ key }) => key)).toEqual(['5:15', '10:55'])
  })

  it('sets a record aside on which it fails twice, and goes on', async () => {
    const world = newWorld()
    publish(world, 1, 2, 3)
    const decode: PipelineParts<number>['decode'] = ({ payload }) => {
      const seq = Number(new TextDecoder().decode(payload))
      if (seq === 2) throw new TypeError('broken')
      return { readings: [readingOf(seq)], quarantine: [] }
    }
    const pipeline = await runToEnd(world, { decode })
    expect(pipeline.statistics().setAside).toBe(1)
    await pipeline.stop()
    expect(world.stored).toEqual([1, 3])
    expect(world.quarantined).toMatchObject([{ device: 'd1', code: 'MDL_INGEST_POISON' }])
  })

  it('stores and decides while a model hangs, and keeps its windows for the next start', async () => {
    const world = newWorld()
    publish(world, ...range(1, 20))
    await (await runToEnd(world, { diagnoser: { ...idle, diagnose: () => new Promise<never>(() => {}) } })).stop()
    expect(world.stored).toEqual(range(1, 20))
    expect(world.emitted.some(({ kind }) => kind === 'diagnosis_made')).toBe(false)
    const again = await runToEnd(world)
    await expect.poll(() => again.statistics().diagnoses).toBe(2)
    await again.stop()
    expect(world.emitted.filter(({ kind }) => kind === 'diagnosis_made').map(({ key }) => key)).toEqual(['dg_10_1', 'dg_20_2'])
  })

  it('gives a batch of windows up when the model fails on it twice', async () => {
    const world = newWorld()
    publish(world, ...range(1, 10))
    const pipeline = await runToEnd(world, { diagnoser: { ...idle, diagnose: () => Promise.reject(new MendlineError('MDL_MODEL_TIMEOUT', 'hung')) } })
    await expect.poll(() => pipeline.statistics()).toMatchObject({ windowsFailed: 1, windowsPending: 0 })
    await pipeline.stop()
  })

  it('tries again while the store is away, and loses nothing', async () => {
    const world = newWorld()
    publish(world, ...range(1, 9))
    const parts = partsOf(world)
    let failures = 1
    const flush = parts.writer.flush
    const writer = {
      ...parts.writer,
      flush: (position: number) =>
        failures-- > 0 ? Promise.reject(new MendlineError('MDL_STORE_UNAVAILABLE', 'away', { retryable: true })) : flush(position),
    }
    const pipeline = new Pipeline({ ...parts, writer })
    await pipeline.start(0)
    await pipeline.storedUpTo(9, 5_000)
    await pipeline.stop()
    expect(world.stored).toEqual(range(1, 9))
  })
})
