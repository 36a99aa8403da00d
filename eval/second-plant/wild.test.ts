/** The second plants in conditions that no household has: wild supplies, outages, long steps and several faults at once. */
import { describe, expect, it } from 'vitest'
import { channels as fridgeChannels } from '#catalogue/fridge/sensors.ts'
import { channels as heaterChannels } from '#catalogue/gas-water-heater/sensors.ts'
import { ORDINARY } from '#catalogue/plant.ts'
import { channels as washerChannels } from '#catalogue/washing-machine/sensors.ts'
import { createRandom } from '#kernel/random.ts'
import { secondPlantModels } from './registry.ts'

describe('every second plant', () => {
  const channelsOf = new Map<string, readonly { readonly name: string }[]>([
    ['fridge', fridgeChannels],
    ['washing_machine', washerChannels],
    ['gas_water_heater', heaterChannels],
  ])
  it('is deterministic and finite in wild weather, outages and several faults at once', () => {
    for (const [type, channels] of channelsOf) {
      const model = secondPlantModels.get(type)
      if (model === undefined) throw new Error(`no plant of ${type}`)
      const [one, other] = [model.create(createRandom('same')), model.create(createRandom('same'))]
      const wild = createRandom(`wild-${type}`)
      const bad: string[] = []
      for (let step = 0; step < 1500; step++) {
        const use = {
          ...ORDINARY.use,
          ...{
            freshDoorOpenS: wild.chance(0.1) ? 40 : 0,
            freezerDoorOpenS: wild.chance(0.05) ? 30 : 0,
            drawLMin: wild.chance(0.3) ? wild.between(1, 22) : 0,
          },
          ...(wild.chance(0.1) && { wash: { loadKg: wild.between(1, 10), unbalance: wild.uniform(), programC: 60, detergentShare: 1 } }),
        }
        const supplies = {
          mainsV: wild.chance(0.03) ? 0 : wild.between(185, 260),
          gasPressureKpa: wild.between(0.8, 3),
          waterPressureKpa: wild.between(40, 600),
        }
        const around = {
          ...ORDINARY,
          ...supplies,
          indoorC: wild.between(5, 38),
          indoorHumidityPct: wild.between(20, 95),
          windMS: wild.between(0, 18),
          use,
        }
        const severities = new Map(model.faults.map((fault) => [fault, wild.chance(0.15) ? wild.uniform() : 0]))
        const periodMs = wild.pick([1_000, 60_000, 60_000, 600_000])
        one.advance(periodMs, around, severities)
        other.advance(periodMs, around, severities)
        expect([...other.values]).toEqual([...one.values])
        expect(other.events).toEqual(one.events)
        for (const { offsetMs, values } of one.events ?? []) {
          if (!(offsetMs >= 0 && offsetMs <= periodMs)) bad.push(`${type} offset ${offsetMs}`)
          for (const [name, value] of Object.entries(values)) {
            if (!Number.isFinite(value) || !channels.some((channel) => channel.name === name)) bad.push(`${type} ${name} ${value}`)
          }
        }
        one.values.forEach((value, index) => {
          if (Math.abs(value) === Number.POSITIVE_INFINITY || Math.abs(value) > 20_000) bad.push(`${type} ${channels[index]?.name} ${value}`)
        })
      }
      expect(bad).toEqual([])
    }
  })
})
