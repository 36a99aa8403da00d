/**
 * A thread that simulates units of a city and gives their windows and alarms: readings go through the very windows and rules that serve.
 * Windows in which the unit did not run tell nothing and are left out.
 */
import { parentPort } from 'node:worker_threads'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { type ClosedWindow, createWindows } from '../../models/windows.ts'
import { createRulesEngine } from '../../rules/engine.ts'
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import { type CityPlan, cityTypes, fleetOfOne, QUARTER_START_MS } from '../../simulators/city/city-units.ts'
import { packStream, type StreamJob } from './stream-files.ts'

parentPort?.on('message', ({ plan, job }: { plan: CityPlan; job: StreamJob }) => {
  parentPort?.postMessage(packStream(simulate(plan, job)))
})

function simulate(plan: CityPlan, { type: id, home, kept }: StreamJob): { windows: ClosedWindow[]; alarms: HubEvent[] } {
  const type = cityTypes().find((one) => one.id === id)
  if (type === undefined) throw new Error(`the city has no ${id}`)
  const fleet = fleetOfOne(type, plan, { home, kept })
  const windows = createWindows({ types: () => type })
  const engine = createRulesEngine({ types: () => type, filter: () => true })
  const layout = readingLayout(type)
  const columns = type.channels.map((channel) => layout.indexOf.get(channel.name) ?? -1)
  const closed: ClosedWindow[] = []
  const alarms: HubEvent[] = []
  for (const { device, boot, seq, observed_at_ms, fw, values, texts } of fleet.readings(QUARTER_START_MS + plan.days * DAY_MS)) {
    const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
    columns.forEach((column, index) => {
      if (column >= 0) numbers[column] = values[index] ?? Number.NaN
    })
    const atMs = epochMs(observed_at_ms)
    const reading = {
      tenant: 'home',
      device,
      type: id,
      boot,
      seq,
      observed_at_ms: atMs,
      received_at_ms: atMs,
      hist: false,
      fw,
      numbers,
      texts: [...texts],
    }
    closed.push(...windows.observe(reading))
    alarms.push(...engine.decide(reading))
  }
  closed.push(...windows.closeAll())
  return { windows: closed.filter(({ running, isDiagnosable }) => running > 0 || isDiagnosable), alarms }
}
