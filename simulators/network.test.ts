import { describe, expect, it } from 'vitest'
import { CONFUSERS, type Confuser, createConfusion } from './confusers.ts'
import type { FleetMessage } from './fleet.ts'
import { createNetwork, type Delivery, type NetworkOptions } from './network.ts'

const startMs = Date.UTC(2026, 6, 1)
const MINUTE_MS = 60_000
const DEVICES = ['ac-0001', 'ac-0002', 'ac-0003', 'ac-0004', 'ac-0005']

function* made(hours: number): Generator<FleetMessage> {
  for (let minute = 0; minute < hours * 60; minute++) {
    for (const [index, device] of DEVICES.entries()) {
      const atMs = startMs + minute * MINUTE_MS + index * 1000
      yield { tenant: 'home', device, atMs, readings: 1, payload: `{"ts":${atMs},"seq":${minute},"boot":1,"v":{}}` }
    }
  }
}

function carry(confusers: readonly Confuser[], change: Partial<NetworkOptions> = {}, hours = 72) {
  const network = createNetwork({ seed: 'network', startMs, confusion: createConfusion(confusers, 2), ...change })
  const arrived = [...network.carry(made(hours))]
  const deliveries: Delivery[] = [...arrived, ...network.flush()]
  const seqs = new Set(deliveries.map(({ device, payload }) => `${device}/${JSON.parse(payload).seq}`))
  return { network, deliveries, seqs, counts: network.counts }
}

describe('a network', () => {
  it('gives the same deliveries for the same seed, and others for another', () => {
    const run = (seed: string): string => JSON.stringify(carry(CONFUSERS, { seed }, 24).deliveries)
    expect(run('a')).toBe(run('a'))
    expect(run('a')).not.toBe(run('b'))
  })

  it('delivers in order of arrival, and nothing before it was sent', () => {
    const { deliveries } = carry(CONFUSERS)
    let lastMs = 0
    for (const { arrivesMs, atMs } of deliveries) {
      expect(arrivesMs).toBeGreaterThanOrEqual(lastMs)
      expect(arrivesMs).toBeGreaterThanOrEqual(atMs)
      lastMs = arrivesMs
    }
  })

  it('loses no message at QoS 1, and some at QoS 0', () => {
    const whole = 72 * 60 * DEVICES.length
    expect(carry([], { lossShare: 0.2 }).seqs.size).toBe(whole)
    const once = carry([], { lossShare: 0.2, qos: 0 })
    expect(once.seqs.size).toBeLessThan(whole * 0.85)
    expect(once.counts.lost + once.seqs.size).toBe(whole)
  })

  it('sends again what was not acknowledged, with a later sending', () => {
    const { deliveries } = carry([], { lossShare: 0.2 })
    expect(deliveries.some(({ sending }) => sending > 1)).toBe(true)
    expect(deliveries.length).toBeGreaterThan(72 * 60 * DEVICES.length)
  })

  it('doubles, delays and overtakes under duplicate_late, and hardly without it', () => {
    const calm = carry([], { lossShare: 0 })
    expect(calm.counts.late + calm.counts.overtaken).toBe(0)
    const rough = carry(['duplicate_late'])
    expect(rough.counts.doubled).toBeGreaterThan(500)
    expect(rough.counts.late).toBeGreaterThan(200)
    expect(rough.counts.overtaken).toBeGreaterThan(200)
    expect(rough.network.spans(DEVICES, startMs + 720 * 60 * MINUTE_MS).length).toBeGreaterThan(0)
  })

  it('drifts and jumps clocks under clock_jump only, and says when', () => {
    const offsets = ({ deliveries }: ReturnType<typeof carry>): number[] => deliveries.map(({ payload, atMs }) => JSON.parse(payload).ts - atMs)
    expect(new Set(offsets(carry([])))).toEqual(new Set([0]))
    const moved = carry(['clock_jump'], {}, 30 * 24)
    const jumps = moved.network.spans(DEVICES, startMs + 30 * 24 * 60 * MINUTE_MS)
    expect(jumps.length).toBeGreaterThan(0)
    expect(new Set(jumps.map(({ confuser }) => confuser))).toEqual(new Set(['clock_jump']))
    expect(Math.max(...offsets(moved).map(Math.abs))).toBeGreaterThan(60_000)
    const drift = offsets(moved).filter((by) => Math.abs(by) < 60_000)
    expect(drift.some((by) => by !== 0)).toBe(true)
    const [first] = jumps
    if (first === undefined) throw new Error('there is a jump')
    const inside = moved.deliveries.find(({ device, atMs }) => device === first.name && atMs > first.from_ms && atMs < first.to_ms)
    expect(Math.abs(JSON.parse(inside?.payload ?? '{}').ts - (inside?.atMs ?? 0) - first.size * 1000)).toBeLessThan(30_000)
  })

  it('moves each reading of a batch', () => {
    const network = createNetwork({ seed: 'n', startMs, confusion: createConfusion(['clock_jump'], 60), lossShare: 0 })
    const atMs = startMs + 16 * 60 * MINUTE_MS
    const batch = { tenant: 'home', device: 'ac-0001', atMs, readings: 2, payload: `[{"ts":${atMs - 1000}},{"ts":${atMs}}]` }
    const [delivery] = [...network.carry([batch]), ...network.flush()]
    const [first, second]: ReadonlyArray<{ ts: number }> = JSON.parse(delivery?.payload ?? '[]')
    expect((second?.ts ?? 0) - (first?.ts ?? 0)).toBe(1000)
    expect(second?.ts).not.toBe(atMs)
  })
})
