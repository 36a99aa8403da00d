import { describe, expect, it } from 'vitest'
import type { ActiveTest } from '#catalogue/appliance-type.ts'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import type { PendingTest } from './hubs/remote/remote-tests.ts'
import type { SaidValue } from './hubs/remote/test-guards.ts'
import { createRemoteJoin } from './remote-join.ts'

const NOW_MS = 1_000_000_000
const test = {
  guards: [{ channel: 'door_is_open', op: '==', value: 0, unit: 'none' }],
  reads: { channel: 'current_a', as: 'last', unit: 'a' },
} as unknown as ActiveTest
const accepted: PendingTest = {
  ...{ offer_id: 'rem_1', tenant: 'home', device: 'unit-1', state: 'accepted', test },
  ...{ until_ms: NOW_MS + 60_000, started_at_ms: null, due_at_ms: null, is_in_danger: false },
}
const running: PendingTest = { ...accepted, state: 'running', started_at_ms: NOW_MS - 60_000, due_at_ms: NOW_MS + 60_000 }

async function lookAt(pending: PendingTest, said: readonly SaidValue[], records: readonly object[] = []): Promise<unknown[]> {
  const calls: unknown[] = []
  const join = createRemoteJoin({
    tests: {
      pending: async () => [pending],
      begin: async (id) => void calls.push(['begin', id]),
      end: async (id, how) => void calls.push(['end', id, how]),
      read: async (id, values) => void calls.push(['read', id, values]),
    },
    sensors: {
      latest: async () => said,
      async *raw() {
        yield* records
      },
    },
    clock: new ManualClock(NOW_MS),
    log: silentLog,
  })
  await join.look()
  return calls
}

const door = (value: boolean): SaidValue[] => [{ channel: 'door_is_open', value, observed_at_ms: NOW_MS }]

describe('the look at units with a test', () => {
  it('begins a test whose guards hold, and waits while one does not', async () => {
    expect(await lookAt(accepted, door(false))).toEqual([['begin', 'rem_1']])
    expect(await lookAt(accepted, door(true))).toEqual([])
  })

  it('gives up a test that could not begin in time', async () => {
    const late = { ...accepted, until_ms: NOW_MS - 1 }
    expect(await lookAt(late, door(true))).toEqual([['end', 'rem_1', { state: 'blocked', reason: 'door_is_open == 0 does not hold' }]])
    expect(await lookAt(late, door(false))).toEqual([['end', 'rem_1', { state: 'blocked', reason: 'the consent is too old' }]])
  })

  it('breaks off a running test whose guard no longer holds', async () => {
    expect(await lookAt(running, door(false))).toEqual([])
    expect(await lookAt(running, door(true))).toEqual([['end', 'rem_1', { state: 'failed', reason: 'door_is_open == 0 does not hold' }]])
  })

  it('reads the channel of a test that is over, in order of device time', async () => {
    const record = (observed_at_ms: number, current_a: unknown) => ({ observed_at_ms, v: { current_a } })
    const records = [record(3, 0.3), record(1, 0.1), record(2, { min: 0, mean: 0.2, max: 1 }), { observed_at_ms: 4, v: {} }]
    expect(await lookAt({ ...running, due_at_ms: NOW_MS }, door(true), records)).toEqual([['read', 'rem_1', [0.1, 0.2, 0.3]]])
  })

  it('breaks off a test of a unit in danger, whatever the sensors say', async () => {
    const said = [{ channel: 'door_is_open', value: 0, observed_at_ms: NOW_MS }]
    const how = { state: 'failed', reason: 'a danger of the unit is not over' }
    expect(await lookAt({ ...running, is_in_danger: true }, said)).toEqual([['end', 'rem_1', how]])
    expect(await lookAt({ ...running, due_at_ms: NOW_MS - 1, is_in_danger: true }, said)).toEqual([['end', 'rem_1', how]])
  })
})
