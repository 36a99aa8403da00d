import { describe, expect, it } from 'vitest'
import type { ChannelState } from '#kernel/channel-state.ts'
import { aReading, features, MIN, types } from './test-builders.ts'
import { type ClosedWindow, createWindows, type Windows } from './windows.ts'

const values = { speed_hz: 50, power_w: 500, inlet_c: 20, outlet_c: 30, ambient_c: 20 }
const state = (change: Partial<ChannelState>): ChannelState => ({
  tenant: 'home',
  device: 'd1',
  type: 'pump',
  channel: 'outlet_c',
  state: 'stuck',
  begin_ms: 0,
  found_ms: 0,
  end_ms: null,
  firmware: null,
  detail: {},
  ...change,
})

/** Runs the pump over minutes, with states that begin or end at a minute. */
function run(windows: Windows, minutes: readonly [from: number, to: number], changes: Readonly<Record<number, ChannelState>> = {}): ClosedWindow[] {
  const closed: ClosedWindow[] = []
  for (let minute = minutes[0]; minute < minutes[1]; minute++) {
    const change = changes[minute]
    closed.push(...windows.observe(aReading(minute, values), change === undefined ? [] : [change]))
  }
  return closed
}

const knows = (window: ClosedWindow | undefined, name: string): boolean =>
  !Number.isNaN(window?.features[features.findIndex((feature) => feature.name === name)] ?? Number.NaN)

describe('windows and states of channels', () => {
  it('do not know a feature of a channel that was in a bad state at some time of the window, and name the channel', () => {
    const windows = createWindows({ types })
    const closed = run(windows, [0, 320], {
      // Found in the second hour before the first is closed, wrong since the first; over in the third.
      65: state({ begin_ms: 50 * MIN }),
      130: state({ begin_ms: 50 * MIN, end_ms: 130 * MIN }),
    })
    expect(closed.map((window) => knows(window, 'lift_k'))).toEqual([false, false, false, true, true].slice(0, closed.length))
    expect(closed.map((window) => knows(window, 'power_w'))).toEqual(closed.map(() => true))
    expect(closed[0]?.distrusted).toEqual(['outlet_c'])
    expect(closed[3]?.distrusted).toBeUndefined()
  })

  it('goes on exactly so after a snapshot, while the state stands', () => {
    const first = createWindows({ types })
    run(first, [0, 90], { 80: state({ begin_ms: 70 * MIN }) })
    const second = createWindows({ types })
    second.restore(JSON.parse(JSON.stringify(first.snapshot())))
    const closed = run(second, [90, 260])
    expect(closed.map(({ distrusted }) => distrusted)).toEqual([['outlet_c'], ['outlet_c'], ['outlet_c']])
  })
})
