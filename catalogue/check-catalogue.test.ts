import { describe, expect, it } from 'vitest'
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { ApplianceType, Fault, Rule } from './appliance-type.ts'
import { checkType } from './check-catalogue.ts'
import { plantModels } from './physics-registry.ts'
import { applianceTypes } from './registry.ts'

const withFault = (change: Partial<Fault>): ApplianceType => ({
  ...airConditioner,
  faults: airConditioner.faults.map((fault, index) => (index === 0 ? { ...fault, ...change } : fault)),
})
const withRule = (change: Partial<Rule>): ApplianceType => ({
  ...airConditioner,
  rules: airConditioner.rules.map((rule, index) => (index === 0 ? { ...rule, ...change } : rule)),
})
const withChannel = (name: string): ApplianceType => ({
  ...airConditioner,
  channels: airConditioner.channels.map((channel, index) => (index === 0 ? { ...channel, name } : channel)),
})

describe('the catalogue', () => {
  for (const type of applianceTypes) {
    it(`holds every invariant for ${type.id}`, () => {
      expect(checkType(type)).toEqual([])
    })

    const plant = plantModels.get(type.id)
    if (plant === undefined) continue
    it(`has a plant for ${type.id} that shows every fault that telemetry can find`, () => {
      const wanted = type.faults.filter((fault) => fault.foundBy.length > 0).map((fault) => fault.code)
      expect(wanted.filter((code) => !plant.faults.includes(code))).toEqual([])
      expect(Object.keys(plant.noise).filter((name) => !type.channels.some((channel) => channel.name === name))).toEqual([])
    })
  }

  it('has a plant for no type that it does not list', () => {
    expect([...plantModels.keys()].filter((id) => !applianceTypes.some((type) => type.id === id))).toEqual([])
  })

  it('has no two types of one id', () => {
    expect(new Set(applianceTypes.map((type) => type.id)).size).toBe(applianceTypes.length)
  })
})

describe('checkType', () => {
  const broken: ReadonlyArray<readonly [string, ApplianceType, string]> = [
    ['a sign on no feature', withFault({ signs: [{ feature: 'nothing_k', direction: 1, text: { en: 'x', 'zh-CN': 'x' } }] }), 'which is no feature'],
    ['a part that is not there', withFault({ parts: [{ part: 'P-XX', quantity: 1, probability: 0.5 }] }), 'which is no part'],
    ['a probability above 1', withFault({ parts: [{ part: 'P-AC-001', quantity: 1, probability: 2 }] }), 'is no probability'],
    ['a step that is not there', withFault({ steps: ['AC-S99'] }), 'does not exist'],
    ['no question', withFault({ questions: [] }), 'no question'],
    ['no skill', withFault({ skills: [] }), 'no skill'],
    ['no Chinese text', withFault({ name: { en: 'x', 'zh-CN': '' } }), 'no text in zh-CN'],
    ['a model fault without sign', withFault({ signs: [] }), 'found by the model without a sign'],
    ['a code twice', withFault({ code: 'AC-02' }), 'stands twice'],
    ['a rule without its unit', withRule({ when: { channel: 'board_temperature_c', op: '>', value: 1, unit: 'k' } }), 'is compared in k, not c'],
    ['a rate in no unit', withRule({ when: { channel: 'power_w', rateOverMs: 1, op: '>', value: 1, unit: 'w' } }), 'no unit for the rate'],
    [
      'a difference of two units',
      withRule({ when: { channel: 'power_w', minus: 'mains_voltage_v', op: '>', value: 1, unit: 'w' } }),
      'differ in unit',
    ],
    ['a danger without a safety channel', withRule({ when: { channel: 'power_w', op: '>', value: 1, unit: 'w' } }), 'no safety channel'],
    ['a danger of another class than its fault', withRule({ safetyClass: 'E1' }), 'but its fault is E0'],
    ['a channel named after another unit', withChannel('outdoor_temperature_k'), 'the name ends in k'],
  ]
  for (const [what, type, sentence] of broken) {
    it(`reports ${what}`, () => {
      expect(checkType(type).join('\n')).toContain(sentence)
    })
  }
})
