import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { createDiskGuard } from './disk-guard.ts'

const MIB = 2 ** 20

function setUp(free: number) {
  const world = { free: free * MIB, isBroken: false, reasons: [] as Array<string | undefined>, told: [] as HubEvent[], mayTell: true }
  const clock = new ManualClock(1_000)
  const guard = createDiskGuard({
    directory: '/data',
    refuse: (reason) => world.reasons.push(reason),
    async apply(events) {
      if (!world.mayTell) throw new Error('the operational store has no room left on its disk')
      world.told.push(...events)
    },
    freeBytes: async () => {
      if (world.isBroken) throw new Error('EIO')
      return world.free
    },
    clock,
    log: silentLog,
    limits: { diskReserveMib: 100, diskLookMs: 1_000 },
  })
  const pass = async (): Promise<void> => {
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { world, guard, pass }
}

const statesOf = (told: readonly HubEvent[]): unknown[] => told.map((event) => event.kind === 'system_alarm' && event.detail.state)

describe('createDiskGuard', () => {
  it('lets ingest take while there is room', async () => {
    const { world, guard, pass } = setUp(500)
    await guard.start()
    await pass()
    expect(world.reasons).toEqual([])
    expect(guard.finding()).toBe('')
  })

  it('stops ingest below the reserve within a second, says so once, and lets it go on by itself', async () => {
    const { world, guard, pass } = setUp(500)
    await guard.start()
    world.free = 99 * MIB
    await pass()
    expect(world.reasons.at(-1)).toBe('99 MiB are free on the disk, 100 MiB are kept in reserve')
    expect(guard.finding()).toMatch(/99 MiB/)
    await pass()
    world.free = 105 * MIB
    await pass()
    expect(guard.finding()).toMatch(/105 MiB/)
    world.free = 111 * MIB
    await pass()
    expect(world.reasons.at(-1)).toBeUndefined()
    expect(guard.finding()).toBe('')
    expect(statesOf(world.told)).toEqual(['full', 'room'])
    await guard.stop()
  })

  it('tells again what the operational store could not keep, the last change only', async () => {
    const { world, guard, pass } = setUp(50)
    world.mayTell = false
    await guard.start()
    await pass()
    world.mayTell = true
    await pass()
    await pass()
    expect(statesOf(world.told)).toEqual(['full'])
  })

  it('keeps its last word when the disk cannot be asked', async () => {
    const { world, guard, pass } = setUp(50)
    await guard.start()
    world.isBroken = true
    await pass()
    expect(guard.statistics()).toMatchObject({ is_full: 1, times_full: 1 })
  })
})
