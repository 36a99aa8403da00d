import { describe, expect, it } from 'vitest'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { withModel } from './section.ts'
import { sharesOf } from './sensor-faults-section.ts'

describe('faults of sensors beside faults of the machine', () => {
  it('are told as such by the pipeline, and no fault of the machine as one', async () => {
    const shares = await withModel(fridge, (model) => sharesOf(model, 'sensor-test', { units: 6, days: 14 }))
    expect(shares).toMatchObject({ sensorAsMachine: 0, machineAsSensor: 0, sensorAsTwo: 0 })
    expect(typeof shares === 'string' ? 0 : shares.sensorAsSensor).toBeGreaterThan(0.5)
  }, 120_000)
})
