/** The safety consumer with the real rules: a hold that is sent once and never taken back is completed by the clock, also over a restart. */
import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { createCarryForward } from '../../rules/carry-forward.ts'
import { isSafetyRule } from '../../rules/compile-rules.ts'
import { createRulesEngine } from '../../rules/engine.ts'
import { createSafety } from '../../safety.ts'
import type { Snapshot } from '../../workers/snapshot-file.ts'

const START_MS = 1_700_000_000_000
const SECOND_MS = 1_000
const layout = readingLayout(airConditioner)
/** Beyond the hold of a minute, for messages that are under way. */
const RAISED_MS = 61 * SECOND_MS

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What a device says at a second, by a clock that is `lag` seconds behind. */
function says(second: number, values: Readonly<Record<string, number>>, lag = 0): Reading {
  return {
    tenant: 'home',
    device: 'd1',
    type: 'air_conditioner',
    boot: 1,
    seq: second,
    observed_at_ms: epochMs(START_MS + (second - lag) * SECOND_MS),
    received_at_ms: epochMs(START_MS + second * SECOND_MS),
    hist: false,
    fw: undefined,
    numbers: Float64Array.from(layout.columns, (column) => values[column] ?? Number.NaN),
    texts: [],
  }
}

/** What outlives a process. */
class World {
  readonly clock = new ManualClock(START_MS)
  readonly journal: Reading[] = []
  readonly applied: HubEvent[] = []
  snapshot: Snapshot<unknown> | undefined

  alarms(): string[] {
    return this.applied.map((event) => `${event.kind}@${(this.clock.now() - START_MS) / SECOND_MS}`)
  }
}

async function start(world: World) {
  const types = () => airConditioner
  const engine = createRulesEngine({ types, filter: isSafetyRule })
  const carry = createCarryForward({ types, filter: isSafetyRule })
  let listener: (records: readonly { position: number; next: number; body: Uint8Array }[], before: number) => void = () => {}
  const record = (position: number) => ({ position, next: position + 1, body: Uint8Array.of(position) })
  const readingOf = (position: number): Reading => world.journal[position] ?? says(0, {})
  const safety = createSafety({
    journal: {
      read: async (from) => ({ records: world.journal.slice(from).map((_, index) => record(from + index)), next: world.journal.length }),
      onCommit: (given) => {
        listener = given
        return () => {
          listener = () => {}
        }
      },
      end: () => world.journal.length,
    },
    decodeRecord: (body) => ({ received_at_ms: readingOf(body[0] ?? 0).received_at_ms, seq: body[0] ?? 0 }) as unknown as AcceptedMessage,
    decodeForSafety: (message) => [readingOf((message as unknown as { seq: number }).seq)],
    rules: {
      ...engine,
      decide: (reading) => engine.decide(carry.fill(reading)),
      snapshot: () => [carry.snapshot(), engine.snapshot()],
      restore: (state) => {
        const [values, states] = state as [unknown, unknown]
        carry.restore(values)
        engine.restore(states)
      },
    },
    apply: async (events) => void world.applied.push(...events),
    snapshots: {
      load: async () => world.snapshot,
      save: async (snapshot) => {
        world.snapshot = structuredClone(snapshot)
        return snapshot.position
      },
    },
    onReleasable: () => {},
    clock: world.clock,
    log: silentLog,
  })
  await safety.start()
  return {
    safety,
    send: async (reading: Reading) => {
      world.journal.push(reading)
      listener([record(world.journal.length - 1)], world.journal.length - 1)
      await settle()
    },
  }
}

const cooling = { cooling_is_on: 1, condensate_float_is_closed: 0 }
const full = { condensate_float_is_closed: 1 }

async function advance(world: World, ms: number): Promise<void> {
  world.clock.advance(ms)
  await settle()
}

describe('a hold that is sent once', () => {
  it('raises its alarm by the clock, at the time of the hold, with its evidence', async () => {
    const world = new World()
    const { send } = await start(world)
    await send(says(0, cooling))
    await send(says(0, full))
    await advance(world, RAISED_MS - 1)
    expect(world.applied).toEqual([])
    await advance(world, 1)
    expect(world.alarms()).toEqual(['alarm_raised@61'])
    const [event] = world.applied
    expect(event?.kind === 'alarm_raised' && event.alarm).toMatchObject({
      rule: 'AC-R08',
      began_at_ms: START_MS,
      raised_at_ms: START_MS + 60_000,
      evidence: [{ value: 1 }, { value: 1 }],
    })
  })

  it('goes by the clock of the platform where that of the device is behind', async () => {
    const world = new World()
    const { send } = await start(world)
    await send(says(0, { ...cooling, ...full }, 200))
    await advance(world, RAISED_MS)
    expect(world.alarms()).toEqual(['alarm_raised@61'])
  })

  it('raises nothing for what was taken back in time, and not for a new hold before its own time', async () => {
    const world = new World()
    const { send } = await start(world)
    await send(says(0, { ...cooling, ...full }))
    await advance(world, 30_000)
    await send(says(30, { condensate_float_is_closed: 0 }))
    await advance(world, 20_000)
    await send(says(50, full))
    await advance(world, 60_000)
    expect(world.applied).toEqual([])
    await advance(world, SECOND_MS)
    expect(world.alarms()).toEqual(['alarm_raised@111'])
  })

  it('tells once, whether a later message, a replay of the journal or the clock tells it', async () => {
    const world = new World()
    const { safety, send } = await start(world)
    await send(says(0, { ...cooling, ...full }))
    await advance(world, RAISED_MS)
    await send(says(62, full))
    await send(says(120, full))
    expect(world.applied).toHaveLength(1)
    await safety.stop()
    // Without the clock: what a message at the 62nd second raises has the same name.
    const byMessage = createRulesEngine({ types: () => airConditioner, filter: isSafetyRule })
    const told = [says(0, { ...cooling, ...full }), says(62, { ...cooling, ...full })].flatMap((reading) => byMessage.decide(reading))
    expect(told.map(({ key }) => key)).toEqual(world.applied.map(({ key }) => key))
    world.snapshot = undefined
    await start(world)
    await settle()
    expect(new Set(world.applied.map(({ key }) => key)).size).toBe(1)
  })

  it('tells in a replay what the clock told, though the next message takes it back', async () => {
    const world = new World()
    const { safety, send } = await start(world)
    await send(says(0, { ...cooling, ...full }))
    await advance(world, RAISED_MS)
    await advance(world, 39_000)
    await send(says(100, { condensate_float_is_closed: 0 }))
    await advance(world, 600_000)
    await send(says(700, cooling))
    const live = world.applied.splice(0)
    expect(live.map(({ kind }) => kind)).toEqual(['alarm_raised', 'alarm_cleared'])
    await safety.stop()
    world.snapshot = undefined
    await start(world)
    await settle()
    expect(world.applied).toEqual(live)
  })

  it.each([
    ['in time', 30],
    ['after it was due', 300],
  ])('survives a restart that ends %s', async (_, awaySeconds) => {
    const world = new World()
    const first = await start(world)
    await first.send(says(0, { ...cooling, ...full }))
    await first.safety.stop()
    await advance(world, awaySeconds * SECOND_MS)
    expect(world.applied).toEqual([])
    await start(world)
    await advance(world, Math.max(0, RAISED_MS - awaySeconds * SECOND_MS))
    expect(world.applied.map(({ kind }) => kind)).toEqual(['alarm_raised'])
  })

  it('saves what the clock raised, though no message came', async () => {
    const world = new World()
    const { send } = await start(world)
    await send(says(0, { ...cooling, ...full }))
    await advance(world, 10_000)
    const before = world.snapshot
    await advance(world, 51_000)
    await advance(world, 10_000)
    expect(world.snapshot).not.toEqual(before)
    await start(world)
    await advance(world, RAISED_MS)
    expect(world.applied).toHaveLength(1)
  })
})
