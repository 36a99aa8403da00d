import { describe, expect, it } from 'vitest'
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { ActiveTest, ApplianceType, Fault, RemoteStep, Rule } from './appliance-type.ts'
import { symptom } from './blocks/intake.ts'
import { hazard, life } from './blocks/makers.ts'
import type { CareTask } from './care.ts'
import { checkType } from './check-catalogue.ts'
import type { Intake, Symptom } from './intake.ts'
import { applianceTypes } from './registry.ts'
import { type SafeState, safeStateFor } from './safe-state.ts'

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

const withTest = (change: Partial<ActiveTest>): ApplianceType => ({
  ...airConditioner,
  activeTests: (airConditioner.activeTests ?? []).map((test, index) => (index === 0 ? { ...test, ...change } : test)),
})
const withRemoteStep = (change: Partial<RemoteStep>): ApplianceType => ({
  ...airConditioner,
  remoteSteps: (airConditioner.remoteSteps ?? []).map((step, index) => (index === 0 ? { ...step, ...change } : step)),
})
const withSafeState = (change: Partial<SafeState>): ApplianceType => ({
  ...airConditioner,
  safeStates: (airConditioner.safeStates ?? []).map((state, index) => (index === 0 ? { ...state, ...change } : state)),
})
const withCare = (change: Partial<CareTask>): ApplianceType => {
  const { counts = {}, tasks = [] } = airConditioner.care ?? {}
  return { ...airConditioner, care: { counts, tasks: tasks.map((task, index) => (index === 0 ? { ...task, ...change } : task)) } }
}
const en = { en: 'x', 'zh-CN': 'x' }
const speaksFor = (code: string): Symptom => symptom('odd', en, { [code]: 0.5 })
function withIntake(change: Partial<Intake> | undefined): ApplianceType {
  const { intake, ...rest } = airConditioner
  return change === undefined || intake === undefined ? rest : { ...rest, intake: { ...intake, ...change } }
}

const { safeStates: _, ...withoutSafeStates } = airConditioner

describe('the catalogue', () => {
  for (const type of applianceTypes) {
    it(`holds every invariant for ${type.id}`, () => {
      expect(checkType(type)).toEqual([])
    })
  }

  it('holds the 37 faults of the domain: 34 of four types and three that each of them has', () => {
    const four = applianceTypes.filter(({ id }) => ['air_conditioner', 'fridge', 'washing_machine', 'gas_water_heater'].includes(id))
    const codes = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-0${index + 1}`)
    const wanted = [...codes('AC', 9), ...codes('FR', 8), ...codes('WM', 8), ...codes('GW', 9), ...codes('XX', 3)]
    expect([...new Set(four.flatMap(({ faults }) => faults.map(({ code }) => code)))].sort()).toEqual(wanted.sort())
    expect(four.filter(({ faults }) => codes('XX', 3).some((code) => !faults.some((fault) => fault.code === code)))).toEqual([])
  })

  it('names what is done at once for each danger to life or property of every described type', () => {
    const endangered = applianceTypes.filter(({ rules }) => rules.some(({ safetyClass }) => safetyClass === 'E0' || safetyClass === 'E1'))
    expect(endangered.filter(({ safeStates }) => safeStates === undefined).map(({ id }) => id)).toEqual([])
    const gas = applianceTypes.find(({ id }) => id === 'gas_water_heater')
    expect(safeStateFor(gas, { fault: 'GW-08', rule: 'GW-R08A' }).actions[0]).toBe('close_gas_valve')
    expect(safeStateFor(gas, { fault: null, rule: 'of-a-tenant' }).actions).toEqual(['stop'])
  })

  it('begins with guidance where the domain says so, and never tests for a gas leak', () => {
    const faults = applianceTypes.flatMap((type) => type.faults)
    const guided = ['AC-02', 'AC-03', 'FR-03', 'FR-04', 'WM-01', 'WM-06', 'GW-07']
    expect(guided.filter((code) => (faults.find((fault) => fault.code === code)?.remoteSteps ?? []).length === 0)).toEqual([])
    expect(faults.find(({ code }) => code === 'GW-08')?.activeTests).toBeUndefined()
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
    ['a fault that begins with guidance and has none', withFault({ skills: ['REM'] }), 'has no remote step'],
    [
      'a tool without words',
      { ...airConditioner, steps: airConditioner.steps.map((step) => ({ ...step, tools: ['odd thing'] })) },
      'the tool odd thing has no words',
    ],
    ['a type that nobody can report', withIntake(undefined), 'no household can report the appliance'],
    [
      'a fault that nothing said speaks for',
      withIntake({ codes: [], symptoms: [speaksFor('AC-01')], questions: [] }),
      'AC-05: nothing that can be said speaks for it',
    ],
    ['a likelihood of no fault', withIntake({ symptoms: [speaksFor('AC-99')] }), 'AC-99 is no fault'],
    ['an intake that asks for no danger', withIntake({ questions: [] }), 'no question asks for a danger'],
    ['a symptom that stands twice', withIntake({ symptoms: [speaksFor('AC-01'), speaksFor('AC-01')] }), 'stands twice'],
    ['a danger without a safe state', { ...airConditioner, safeStates: [] }, 'no safe state is named for it'],
    ['a danger of a type without safe states', withoutSafeStates, 'AC-R01: no safe state is named for it'],
    ['a safe state of nothing', withSafeState({ of: ['AC-99'] }), 'AC-99 is neither fault nor rule'],
    ['a safe state that does nothing', withSafeState({ actions: [] }), 'does nothing'],
    ['guidance without the skill', withFault({ remoteSteps: ['AC-H01'] }), 'not the skill REM'],
    ['a remote step that is not there', withFault({ remoteSteps: ['AC-H99'] }), 'remote step AC-H99 does not exist'],
    ['an active test that is not there', withFault({ activeTests: ['AC-T99'] }), 'active test AC-T99 does not exist'],
    ['a test for a danger to life', withFault({ safetyClass: 'E0' }), 'neither tested for nor guided'],
    ['a test that says nothing of its fault', withFault({ activeTests: ['AC-T03'] }), 'says nothing of it'],
    ['an escalation that is none', withFault({ escalations: [{ to: 'E4', when: en, by: 'people' }] }), 'is no escalation of E3'],
    ['an escalation by a rule of another fault', withFault({ escalations: [{ to: 'E1', when: en, by: { rule: 'AC-R08' } }] }), 'is no rule of it'],
    ['a life with a covariate of no hazard', withFault({ life: life(1, 1, [hazard('dust_level', 0, { reference: 1, per: 1 })]) }), 'no covariate'],
    ['a test that no safety channel guards', withTest({ guards: [] }), 'no safety channel guards it'],
    ['a guard in another unit', withTest({ guards: [{ channel: 'board_temperature_c', op: '<', value: 1, unit: 'k' }] }), 'is compared in k'],
    ['a test that reads another unit', withTest({ reads: { channel: 'power_w', as: 'last', unit: 'k' } }), 'which it is not'],
    ['a test with one answer', withTest({ answers: [] }), 'tells nothing'],
    [
      'a remote step that measures no feature',
      withRemoteStep({ remeasure: { feature: 'x_k', recovers: 1, afterMinutes: 1 } }),
      'which is no feature',
    ],
    ['a remote step without time', withRemoteStep({ minutes: 0 }), 'takes no time'],
    ['care that is done with no fault', withCare({ doneWith: ['AC-99'] }), 'done with AC-99, which is no fault'],
    ['care by what is not counted', withCare({ every: { litres: 9 } }), 'due by litres, which the type does not count'],
    ['care that is never due', withCare({ every: {} }), 'nothing makes it due'],
    ['a tip that is done with a repair', withCare({ kind: 'tip', doneWith: ['AC-03'] }), 'a tip is done with no repair'],
    ['a tip with an interval', withCare({ kind: 'tip' }), 'has a sign and no interval'],
    [
      'care by a residual that is none',
      withCare({ sign: { feature: 'running_ratio', as: 'z_score', op: '>=', value: 2, windows: 8 } }),
      'running_ratio has no residual',
    ],
    ['a channel named after another unit', withChannel('outdoor_temperature_k'), 'the name ends in k'],
  ]
  for (const [what, type, sentence] of broken) {
    it(`reports ${what}`, () => {
      expect(checkType(type).join('\n')).toContain(sentence)
    })
  }
})
