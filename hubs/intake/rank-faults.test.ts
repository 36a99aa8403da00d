import { describe, expect, it } from 'vitest'
import { likelihoodOf } from '#catalogue/intake.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { chooseQuestion, rankFaults, saidDangers } from './rank-faults.ts'

const typeOf = (id: string) => {
  const type = applianceTypes.find((entry) => entry.id === id)
  if (type?.intake === undefined) throw new Error(`${id} has no intake`)
  return { type, intake: type.intake }
}
const said = (given: { code?: string; symptom?: string; answers?: Record<string, string> } = {}) => ({
  ...given,
  answers: new Map(Object.entries(given.answers ?? {})),
})

describe('the catalogue of what people say', () => {
  it('names only faults of its type, as chances, and has each text in both languages', () => {
    for (const type of applianceTypes.filter(({ intake }) => intake !== undefined)) {
      const known = new Set(type.faults.map(({ code }) => code))
      const { codes = [], symptoms = [], questions = [] } = type.intake ?? {}
      for (const entry of [...codes, ...symptoms, ...questions.flatMap(({ answers }) => answers)]) {
        for (const fault of Object.keys(entry.likelihood.faults)) expect(known.has(fault), `${type.id} ${fault}`).toBe(true)
        for (const fault of known) expect(likelihoodOf(entry.likelihood, fault)).toBeLessThanOrEqual(1)
        if (entry.danger !== undefined) expect(known.has(entry.danger.fault ?? '')).toBe(true)
        expect(entry.text.en !== '' && entry.text['zh-CN'] !== '').toBe(true)
      }
      expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length)
    }
  })
})

describe('ranking faults by what a person says', () => {
  const { type, intake } = typeOf('washing_machine')

  it('names the bearing when the spin roars, and less surely when nobody could say', () => {
    const sure = rankFaults(type, intake, said({ code: 'none', symptom: 'noisy_spin', answers: { 'WM-Q05': 'roars' } }))
    expect(sure[0]?.fault).toBe('WM-03')
    const unsure = rankFaults(type, intake, said({ answers: { 'WM-Q05': 'dont_know' } }))
    expect(unsure[0]?.probability ?? 1).toBeLessThan(sure[0]?.probability ?? 0)
    expect(sure.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1)
  })

  it('asks of a danger first where one is possible, then what tells filter from pump, and never more than five', () => {
    const leak = said({ symptom: 'slow_fill' })
    const water = said({ code: 'E21', symptom: 'water_left' })
    expect(
      chooseQuestion(
        intake,
        [
          { fault: 'WM-08', probability: 0.3 },
          { fault: 'WM-01', probability: 0.7 },
        ],
        leak,
      )?.question.id,
    ).toBe('WM-Q02')
    expect(['WM-Q03', 'WM-Q04']).toContain(chooseQuestion(intake, rankFaults(type, intake, water), water)?.question.id)
    const five = said({ answers: Object.fromEntries(['WM-Q01', 'WM-Q02', 'WM-Q03', 'WM-Q06', 'WM-Q10'].map((id) => [id, 'dont_know'])) })
    expect(chooseQuestion(intake, rankFaults(type, intake, five), five)).toBeUndefined()
  })

  it('sees the gravest danger in what was said, and none where there is none', () => {
    const gas = typeOf('gas_water_heater').intake
    expect(saidDangers(gas, said({ symptom: 'too_hot', answers: { 'GW-Q01': 'yes' } }))[0]?.fault).toBe('GW-08')
    expect(saidDangers(gas, said({ symptom: 'not_hot_enough', answers: { 'GW-Q01': 'no' } }))[0]).toBeUndefined()
  })

  it.each([
    ['燃气味，孩子头晕，快来人', 'GW-08'],
    ['There is a GAS SMELL in the kitchen', 'GW-08'],
    ['my daughter is dizzy', 'GW-03'],
    ['冒烟了', 'XX-01'],
    ['没有燃气味，水不热', undefined],
    ["I don't smell gas, the water is cold", undefined],
    ['no gas smell, but a lot of smoke', 'XX-01'],
    ['水不热', undefined],
    ['heater not working and smoke coming out', 'XX-01'],
    ['no heat and burning smell', 'XX-01'],
    ['no hot water gas smell', 'GW-08'],
    ['not sure but gas smell', 'GW-08'],
    ['it smells of rotten eggs in the kitchen', 'GW-08'],
    ['there is no sign of a gas leak', undefined],
    ['not only smoke', 'XX-01'],
    ['没热水有燃气味', 'GW-08'],
    ['没有热水还冒烟', 'XX-01'],
    ['无法启动有焦味', 'XX-01'],
    ['火没了燃气味很重', 'GW-08'],
    ['没闻到燃气味', undefined],
    ['it smells of perfumes', undefined],
    ['no\nsmell of gas', 'GW-08'],
    ['I can smell a lot of gas', 'GW-08'],
    ['strong gas odour in the kitchen', 'GW-08'],
    ['the whole flat is full of gas', 'GW-08'],
    ['I don’t smell any gas', undefined],
    ['my gas water heater drips and leaks', undefined],
    ['the burner of the gas heater does not light', undefined],
    ['闻到一股天然气的气味', 'GW-08'],
    ['燃 气 味', 'GW-08'],
    ['没有闻到燃气的味道', undefined],
    ['燃气热水器漏水', undefined],
    ['热水器打火但是点不着', undefined],
    ['the plug is smoking', 'XX-01'],
    ['there is a fire in it', 'XX-01'],
    ['摸到外壳麻手', 'XX-01'],
    ['my wife fainted in the bathroom', 'GW-03'],
    ['孩子恶心呕吐', 'GW-03'],
    ['the smoke detector battery is low', undefined],
    ['是不是煤气泄漏了', 'GW-08'],
    ['有没有燃气味？我闻着像', 'GW-08'],
    ['不是燃气味', undefined],
  ])('finds the danger in "%s"', (text, fault) => {
    expect(saidDangers(typeOf('gas_water_heater').intake, { ...said({}), text })[0]?.fault).toBe(fault)
  })
})
