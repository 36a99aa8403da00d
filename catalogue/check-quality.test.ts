import { describe, expect, it } from 'vitest'
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { ApplianceType } from './appliance-type.ts'
import { checkQuality } from './check-quality.ts'
import { gasWaterHeater } from './gas-water-heater/gas-water-heater.ts'
import { washingMachine } from './washing-machine/washing-machine.ts'

const changed = (channel: string, quality: object): ApplianceType => ({
  ...airConditioner,
  channels: airConditioner.channels.map((known) => (known.name === channel ? { ...known, quality } : known)),
})

describe('checkQuality', () => {
  it('finds nothing wrong with the air conditioner', () => {
    expect(checkQuality(airConditioner)).toEqual([])
  })

  it.each([washingMachine, gasWaterHeater])(
    'leaves no channel of the $id to the default test for stuck values: it rests for days',
    ({ channels }) => {
      expect(channels.filter(({ kind, quality }) => kind === 'number' && quality === undefined)).toEqual([])
    },
  )

  it.each([
    [{ ratePerMin_MAX: 0 }, 'ratePerMin_MAX must be above zero'],
    [{ stuck: { afterMs: 0, drivers: [] } }, 'stuck needs a time above zero'],
    [{ stuck: { afterMs: 1, drivers: [{ channel: 'nothing_c', moves: 1 }] } }, 'nothing_c cannot drive it'],
    [{ stuck: { afterMs: 1, drivers: [{ channel: 'power_w', moves: 0 }] } }, 'must move by more than zero'],
  ])('refuses the section %j of a channel', (quality, reason) => {
    expect(checkQuality(changed('room_temperature_c', quality))).toEqual([expect.stringContaining(reason)])
  })

  it('refuses an identity of channels that are not there, of two channels, and a fault that nobody knows', () => {
    const [first] = airConditioner.identities ?? []
    const relation = {
      equal: [
        { channel: 'power_w', tolerance: 1 },
        { channel: 'mode', tolerance: 1 },
      ],
    }
    const wrong = checkQuality({
      ...airConditioner,
      identities: first === undefined ? [] : [{ ...first, relation }],
      sensorFaults: { stuck: 'XX-99' },
    })
    expect(wrong).toEqual([
      expect.stringContaining('mode is no channel'),
      expect.stringContaining('fewer than three'),
      expect.stringContaining('XX-99'),
    ])
  })

  it('refuses a fault of the machine where a state, an identity or a sensor rule names the fault of a sensor', () => {
    const faults = airConditioner.faults.map(({ isOfSensor: _isOfSensor, ...fault }) => fault)
    const wrong = checkQuality({ ...airConditioner, faults })
    expect(wrong).toEqual(
      expect.arrayContaining([
        'sensor fault of stuck: XX-02 is not marked as a fault of a sensor',
        'sensor fault of identity indoor-equal-at-rest: AC-07 is not marked as a fault of a sensor',
        'sensor fault of rule AC-R73: AC-07 is not marked as a fault of a sensor',
      ]),
    )
  })
})
