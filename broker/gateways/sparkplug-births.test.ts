import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { SparkplugPayload } from '#kernel/sparkplug-payload.ts'
import { createSparkplugBirths } from './sparkplug-births.ts'

const { sparkplugRebirthMs } = limits
const EDGE = 'home/edge-1'

const payload = (seq: number, metrics: SparkplugPayload['metrics'] = []): SparkplugPayload => ({ seq, metrics }) as SparkplugPayload
const unknownAlias = [{ alias: 7, value: { kind: 'int', value: 1n } }] as unknown as SparkplugPayload['metrics']

/** An edge node whose birth was asked for at time 0, and which was born since. */
function asked() {
  const clock = new ManualClock(1_000_000)
  const births = createSparkplugBirths({ clock, limits })
  const connection = {}
  const state = { requests: 0 }
  const after = (word: () => unknown): void => {
    births.spoke(EDGE, connection)
    word()
    births.askWhenMissing(EDGE, () => state.requests++)
  }
  const data = (seq: number, device = 'd9', metrics: SparkplugPayload['metrics'] = []) =>
    after(() => births.heard(EDGE, device, payload(seq, metrics)))
  const born = (seq: number, device = '') => after(() => births.born(EDGE, device, payload(seq)))
  data(0)
  expect(state.requests).toBe(1)
  clock.advance(1_000)
  born(0)
  born(1, 'd9')
  return { clock, births, state, data, born, after }
}

describe('the request for a rebirth', () => {
  it('follows a gap soon after an earlier request when that one is long enough ago', () => {
    const { clock, state, data } = asked()
    data(2)
    data(4)
    data(5)
    expect(state.requests).toBe(1)
    clock.advance(sparkplugRebirthMs - 1_001)
    expect(state.requests).toBe(1)
    clock.advance(1)
    expect(state.requests).toBe(2)
    clock.advance(10 * sparkplugRebirthMs)
    data(6)
    expect(state.requests).toBe(2)
  })

  it('is one for several gaps', () => {
    const { clock, state, data } = asked()
    for (const seq of [3, 5, 7, 9]) data(seq)
    clock.advance(10 * sparkplugRebirthMs)
    expect(state.requests).toBe(2)
  })

  it('falls away when the node was born meanwhile, but not by the birth of a device', () => {
    const gapped = asked()
    gapped.data(4)
    gapped.born(5, 'd9')
    gapped.clock.advance(sparkplugRebirthMs)
    expect(gapped.state.requests).toBe(2)
    const reborn = asked()
    reborn.data(4)
    reborn.born(0)
    reborn.clock.advance(sparkplugRebirthMs)
    expect(reborn.state.requests).toBe(1)
  })

  it('for metrics without a birth falls away with the birth of their device', () => {
    const missing = asked()
    missing.data(2, 'd8', unknownAlias)
    missing.clock.advance(sparkplugRebirthMs)
    expect(missing.state.requests).toBe(2)
    const born = asked()
    born.data(2, 'd8', unknownAlias)
    born.born(3, 'd8')
    born.clock.advance(sparkplugRebirthMs)
    expect(born.state.requests).toBe(1)
  })

  it('falls away with the death of the node, a new connection, and the end of the program', () => {
    const dead = asked()
    dead.data(4)
    dead.after(() => dead.births.nodeDied(EDGE, payload(0)))
    const anew = asked()
    anew.data(4)
    anew.births.spoke(EDGE, {})
    const stopped = asked()
    stopped.data(4)
    stopped.births.stop()
    for (const { clock, state } of [dead, anew, stopped]) {
      clock.advance(10 * sparkplugRebirthMs)
      expect(state.requests).toBe(1)
    }
  })
})
