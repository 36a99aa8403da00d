/** The street of `npm start` with all its types, small: each is read, diagnosed or alarmed, and mended with the part that the order named. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { washingMachine } from '#catalogue/washing-machine/washing-machine.ts'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { loadConfig } from '../../config.ts'
import { createDemoView } from '../../demo-view.ts'
import { type Platform, startPlatform } from '../../main.ts'
import { createStreet, type Street } from '../../simulators/street.ts'

const ports = { log: silentLog, clock: systemClock }
/** Periods for which the models were made. */
const samplePeriodOf = ({ id }: ApplianceType): number => (id === 'fridge' ? 300_000 : 600_000)
const SURE: ReadonlyArray<readonly [type: ApplianceType, fault: string]> = [
  [airConditioner, 'AC-04'],
  [fridge, 'FR-06'],
  [washingMachine, 'WM-08'],
  [gasWaterHeater, 'GW-08'],
]

describe('the street', () => {
  let folder = ''
  let platform: Platform
  let street: Street

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-street-'))
    const flags = { data: join(folder, 'data'), dev: true, 'mqtt.port': 0, 'http.port': 0 }
    platform = await startPlatform(loadConfig({ environment: {}, flags }), ports)
    const { mqttUrl, httpUrl } = platform
    const shares = SURE.map(([type, fault]) => ({ type, units: 4, samplePeriodMs: samplePeriodOf(type), faultShare: 1, faults: [fault] }))
    const place = { mqttUrl, httpUrl, apiKey: 'dev', tenant: 'home', ...ports }
    street = createStreet({ shares, seed: 'types', weeksBack: 3, faultShare: 0, ...place })
  }, 60_000)
  afterEach(async () => {
    await street.stop()
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const list = async <Item>(path: string): Promise<Item[]> => {
    const response = await fetch(`${platform.httpUrl}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })
    expect(response.ok).toBe(true)
    return ((await response.json()) as { items: Item[] }).items
  }

  it('shows each type with readings, an order and a repair, and a danger as an emergency', { timeout: 240_000 }, async () => {
    await street.start()
    await expect.poll(() => street.status().isLive, { timeout: 180_000, interval: 200 }).toBe(true)

    const orders = await list<WorkOrder>('/work-orders?limit=200')
    const told: string[] = []
    const output = { write: (text: string) => told.push(text) }
    const { mqttUrl, httpUrl } = platform
    const view = createDemoView({ street, mqttUrl, httpUrl, apiKey: 'dev', clock: systemClock, output })
    view.start()
    await expect.poll(() => told.join(''), { timeout: 20_000 }).toContain('street time has come to now')
    view.stop()
    for (const [type, fault] of SURE) {
      const named = orders.filter((order) => order.type === type.id && order.fault === fault)
      expect(named.map(({ packet }) => packet.parts.length > 0)).toContain(true)
      const unit = street
        .status()
        .typeOf.entries()
        .find(([, id]) => id === type.id)?.[0]
      expect(await list(`/readings?device=${unit}&channels=mains_voltage_v&max_points=10`)).not.toEqual([])
      expect(told.join('')).toContain(type.id.replaceAll('_', ' '))
    }
    expect(orders.filter(({ fault, outcome }) => outcome !== null && outcome.cause === fault).length).toBeGreaterThan(3)
    const emergencies = await list<{ device: string; safety_class: string }>('/emergencies')
    const dangers = new Set(emergencies.map(({ device, safety_class }) => `${street.status().typeOf.get(device)} ${safety_class}`))
    expect(dangers).toEqual(new Set(['washing_machine E1', 'gas_water_heater E0']))
    expect(street.status().webhooks).toMatchObject({ refused: 0, duplicates: 0 })
    expect(Object.keys(street.status().confusers)).not.toEqual([])
  })
})
