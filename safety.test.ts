import { describe, expect, it } from 'vitest'
import { createRulesEngine } from './rules/engine.ts'
import { aReading, aRule, aType } from './rules/test-builders.ts'
import { Process, RETRY_MS, range, SNAPSHOT_MS, settle, started, World } from './safety-builders.ts'

describe('safety consumer', () => {
  it('decides in the same turn in which records become durable', async () => {
    const process = await started(new World())
    process.commit(1, 2, 5)
    expect(process.seen).toEqual([1, 2, 5])
    expect(process.safety.statistics()).toMatchObject({ position: 3, events: 1, failed: 0 })
  })

  it('reads after a restart what it had not seen, and goes on with its state', async () => {
    const world = new World()
    const first = await started(world)
    first.commit(1, 2, 3)
    await first.safety.stop()
    world.log.push(4, 5, 6)
    const second = await started(world)
    second.commit(7, 10)
    expect(second.seen).toEqual([4, 5, 6, 7, 10])
    await settle()
    expect(world.applied).toEqual(['5:15', '10:38'])
  })

  it('judges again after a crash what lies behind its snapshot, with the same keys', async () => {
    const world = new World()
    const first = await started(world)
    first.commit(1, 5)
    await settle()
    await (await started(world)).safety.stop()
    await settle()
    expect(world.applied).toEqual(['5:6', '5:6'])
  })

  it('misses and repeats nothing that is committed while it catches up', async () => {
    const world = new World()
    world.log.push(...range(1, 6))
    const process = new Process(world)
    let next = 7
    process.onRead = async () => {
      // Before the read and in the middle of it, as long as there is something left to catch up.
      if (next > 20) return
      process.commit(next++)
      await settle()
      process.commit(next++)
    }
    await process.safety.start()
    process.commit(next++)
    expect(process.seen).toEqual(range(1, next - 1))
  })

  it('reads the gap when a group does not follow on what it has', async () => {
    const world = new World()
    const process = await started(world)
    process.commit(1)
    world.log.push(2, 3)
    process.commit(4)
    await settle()
    process.commit(5)
    expect(process.seen).toEqual(range(1, 5))
  })

  it('judges what lies behind a stretch that cannot be read, without waiting for the next commit', async () => {
    const world = new World()
    world.log.push(1, 2, 5)
    const process = new Process(world)
    process.unreadable = 0
    await process.safety.start()
    expect(process.seen).toEqual([2, 5])
  })

  it('reads the journal from its beginning when its state is ahead of it', async () => {
    const world = new World()
    world.log.push(1, 5)
    world.snapshot = { position: 40, state: 7 }
    const process = await started(world)
    process.commit(10)
    expect(process.seen).toEqual([1, 5, 10])
  })

  it('tries a journal that cannot be read again', async () => {
    const world = new World()
    world.log.push(1, 2)
    const process = new Process(world)
    process.fail = { read: true }
    await process.safety.start()
    expect(process.seen).toEqual([])
    process.fail = {}
    process.clock.advance(RETRY_MS)
    await settle()
    expect(process.seen).toEqual([1, 2])
  })

  it('brings events to the hubs when they answer again', async () => {
    const world = new World()
    const process = await started(world)
    process.fail = { apply: true }
    process.commit(5)
    await settle()
    process.commit(6)
    expect(process.seen).toEqual([5, 6])
    expect(world.applied).toEqual([])
    process.fail = {}
    process.clock.advance(RETRY_MS)
    await settle()
    expect(world.applied).toEqual(['5:5'])
  })

  it('counts a record on which it fails and judges the next', async () => {
    const process = await started(new World())
    process.fail = { decode: 2 }
    process.commit(1, 2, 5)
    expect(process.seen).toEqual([1, 5])
    expect(process.safety.statistics()).toMatchObject({ position: 3, events: 1, failed: 1 })
  })

  it('saves its state more seldom where gathering it stops the thread for long', async () => {
    const world = new World()
    let value = 0
    const rules = {
      decide: () => [],
      completeHolds: () => [],
      nextHoldMs: () => Number.POSITIVE_INFINITY,
      snapshot: () => {
        slow.clock.advance(100)
        return value
      },
      restore: () => {},
    }
    const slow: Process = new Process(world, rules)
    await slow.safety.start()
    const savesAfter = async (ms: number): Promise<number> => {
      slow.commit(++value)
      slow.clock.advance(ms)
      await settle()
      return world.saves.length
    }
    expect(await savesAfter(1_000)).toBe(1)
    expect(await savesAfter(SNAPSHOT_MS)).toBe(1)
    expect(await savesAfter(250 * 100 - SNAPSHOT_MS)).toBe(2)
    await slow.safety.stop()
  })

  it('saves its state and lets go of the journal only behind applied events', async () => {
    const world = new World()
    const process = await started(world)
    process.fail = { apply: true }
    process.commit(1, 5)
    await settle()
    process.clock.advance(SNAPSHOT_MS)
    await settle()
    expect(world.saves).toEqual([])
    expect(world.released).toEqual([])
    process.fail = {}
    process.clock.advance(RETRY_MS)
    await settle()
    expect(world.saves).toEqual([{ position: 2, applied: 1 }])
    expect(world.released).toEqual([2])
  })

  it('saves soon after a start, so that kills in a row do not add up', async () => {
    const world = new World()
    const process = await started(world)
    process.commit(1)
    process.clock.advance(1_000)
    await settle()
    expect(world.saves).toHaveLength(1)
    process.commit(2)
    process.clock.advance(1_000)
    await settle()
    expect(world.saves).toHaveLength(1)
  })

  it('saves at its stop only when the save before has ended', async () => {
    const world = new World()
    const process = await started(world)
    process.commit(1)
    const ends: Array<() => void> = []
    process.onSave = () => new Promise((resolve) => ends.push(resolve))
    process.clock.advance(1_000)
    await settle()
    process.commit(2)
    const stopped = process.safety.stop()
    await settle()
    expect(ends).toHaveLength(1)
    ends[0]?.()
    await settle()
    expect(ends).toHaveLength(2)
    ends[1]?.()
    await stopped
    expect(world.saves.map(({ position }) => position)).toEqual([1, 2])
  })

  it('saves at its stop although the save before failed', async () => {
    const world = new World()
    const process = await started(world)
    process.commit(1)
    process.onSave = () => Promise.reject(new Error('ENOSPC'))
    process.clock.advance(1_000)
    await settle()
    process.onSave = async () => {}
    await process.safety.stop()
    expect(world.saves.map(({ position }) => position)).toEqual([1])
  })

  it('saves nothing while nothing has come', async () => {
    const world = new World()
    const process = await started(world)
    process.commit(1)
    process.clock.advance(SNAPSHOT_MS)
    await settle()
    process.clock.advance(SNAPSHOT_MS)
    await settle()
    expect(world.saves).toHaveLength(1)
  })

  it('stops although the hubs are away, and leaves their events to the next start', async () => {
    const world = new World()
    const first = await started(world)
    first.fail = { apply: true }
    first.commit(5)
    await settle()
    const stopped = first.safety.stop()
    first.clock.advance(RETRY_MS)
    await stopped
    expect(world.saves).toEqual([])
    await started(world)
    await settle()
    expect(world.applied).toEqual(['5:5'])
  })

  it('takes nothing more after its stop', async () => {
    const process = await started(new World())
    await process.safety.stop()
    process.commit(5)
    expect(process.seen).toEqual([])
  })

  it('starts from the beginning of the journal when its state cannot be restored', async () => {
    const world = new World()
    const first = await started(world)
    first.commit(1, 5)
    await first.safety.stop()
    const second = new Process(world)
    second.fail = { restore: true }
    await second.safety.start()
    expect(second.seen).toEqual([1, 5])
  })
})

describe('safety consumer with a rule that has levels', () => {
  const rule = aRule({
    safetyClass: 'E1',
    when: { channel: 'board_temperature_c', op: '>', value: 60, unit: 'c' },
    holdMs: 60_000,
    levels: [{ safetyClass: 'E0', afterMs: 60_000, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true }],
  })
  /** Each record tells the danger at the time that is its number. */
  const processOf = async (world: World): Promise<Process> => {
    const engine = createRulesEngine({ types: () => aType(rule), filter: () => true })
    const process = new Process(world, { ...engine, decide: ({ seq }) => engine.decide(aReading(seq, { board_temperature_c: 70 })) })
    await process.safety.start()
    return process
  }

  it('makes the alarm a graver one by the clock, and after a crash with the same keys', async () => {
    const world = new World()
    const first = await processOf(world)
    first.commit(0)
    first.clock.advance(120_999)
    await settle()
    expect(world.applied).toEqual([expect.stringMatching(/^alarm_raised:/)])
    first.clock.advance(1)
    await settle()
    expect(world.applied[1]).toMatch(/^alarm_changed:.*:120000:E0$/)
    const told = world.applied.splice(0)
    world.snapshot = undefined
    const second = await processOf(world)
    second.clock.advance(121_000)
    await settle()
    expect(world.applied).toEqual(told)
  })
})
