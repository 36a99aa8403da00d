import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { actionName } from '#catalogue/safe-state.ts'
import type { EmergencyBookRow } from './emergency-tables.ts'
import { noticeText } from './emergency-texts.ts'

const row = (given: Partial<EmergencyBookRow>) =>
  ({
    ...{ emergency_id: 'em_1', tenant: 'home', device: 'heater', type: 'gas_water_heater', safety_class: 'E0', raised_at_ms: 0, is_drill: 0 },
    ...{ title_en: 'Gas', title_zh: '燃气', advice_en: 'leave', advice_zh: '撤离', tells_household: 0 },
    ...{ actions: JSON.stringify(['close_gas_valve', 'own_action']), command_state: 'queued', ...given },
  }) as EmergencyBookRow
const facts = { place: {}, call: 1, link: undefined, reason: '' }
const told = (given: Partial<EmergencyBookRow>, locale: 'en' | 'zh-CN') => noticeText(row(given), locale, facts).body

describe('what people who are called read of the command', () => {
  it('names the actions in their language, and an own one by its id', () => {
    expect(told({}, 'zh-CN')).toContain('设备指令：关闭燃气阀、own_action（')
    expect(told({}, 'zh-CN')).not.toMatch(/close_gas_valve|queued/)
    expect(told({}, 'en')).toContain('close the gas valve, own_action (')
  })

  it('says of a command that reached nothing that it did not, and what the appliance said of one that did', () => {
    expect(told({}, 'zh-CN')).toMatch(/尚未送达/)
    expect(told({}, 'zh-CN')).not.toMatch(/已下发|已送达/)
    expect(told({}, 'en')).toMatch(/not sent yet/)
    expect(told({ command_state: 'done' }, 'zh-CN')).toContain('设备报告已完成')
    expect(told({ command_state: 'refused' }, 'en')).toContain('refused by the appliance')
    expect(told({ actions: null, command_state: null }, 'en')).not.toMatch(/Command/)
  })

  it('has a name for every action of the catalogue in both languages', () => {
    const actions = new Set(applianceTypes.flatMap(({ safeStates = [] }) => safeStates.flatMap((state) => state.actions)))
    expect(actions.size).toBeGreaterThan(10)
    expect([...actions, 'stop'].filter((action) => !/\p{Script=Han}/u.test(actionName(action)?.['zh-CN'] ?? ''))).toEqual([])
  })
})
