/** Faults, parts and steps of the heat-pump dryer: a first few, all engineering judgement. */
import type { Fault, Part, RepairStep } from '../appliance-type.ts'
import { ask, down, hazard, life, need, same, step, up, words } from '../blocks/makers.ts'

export const parts: readonly Part[] = [
  { part: 'P-DR-001', name: words('Lint filter', '绒毛滤网') },
  { part: 'P-DR-010', name: words('Condensate pump', '冷凝水泵') },
  { part: 'P-DR-020', name: words('Drier and refrigerant charge', '干燥过滤器与制冷剂') },
]

export const steps: readonly RepairStep[] = [
  step('DR-S01', words('Clean filter, ducts and evaporator of lint', '清理滤网、风道与蒸发器绒毛'), {
    tools: ['vacuum cleaner', 'brush', 'fin comb'],
    minutes: 40,
    proof: words('Photo; air rise back to normal', '照片；温差恢复'),
  }),
  step('DR-S02', words('Clear sump and hose, replace the condensate pump', '清理水坑与水管，更换冷凝水泵'), {
    tools: ['screwdriver', 'wet vacuum'],
    minutes: 35,
    proof: words('Pump empties a litre within a minute', '一分钟内排空一升'),
  }),
  step('DR-S03', words('Find the leak, repair, evacuate, charge by mass', '查漏、修复、抽真空、定量充注'), {
    tools: ['R290 leak detector', 'recovery unit', 'vacuum pump', 'charging scale'],
    minutes: 110,
    proof: words('Mass charged; air rise back to normal', '充注质量；温差恢复'),
  }),
]

export const faults: readonly Fault[] = [
  {
    code: 'DR-01',
    name: words('Lint filter or evaporator clogged', '滤网或蒸发器绒毛堵塞'),
    safetyClass: 'E4',
    escalations: [{ to: 'E0', when: words('The air into the drum overheats', '进桶风温过热'), by: { rule: 'DR-R03' } }],
    customerSees: words('Takes long, smells warm', '烘干久、有热味'),
    signs: [
      up('air_rise_k', 'Less air is heated more', '风量少温升大'),
      down('drying_speed_ratio', 'Water comes out more slowly', '除水变慢'),
      up('cycle_energy_wh', 'A drying takes more energy', '耗电升高'),
    ],
    sources: ['EJ'],
    parts: [need('P-DR-001', 0.3)],
    skills: ['REM', 'BAS'],
    questions: [ask(['DR-03'], 'Is the air from the drum weak but hot? (a leak makes it cool)', '出风是否弱而热？（泄漏则偏凉）')],
    steps: ['DR-S01'],
    remoteSteps: ['DR-H01'],
    life: life(1.8, 2, [hazard('cycles_per_week', 1.4, { reference: 3, per: 2 })]),
    foundBy: ['model', 'rule'],
  },
  {
    code: 'DR-02',
    name: words('Condensate pump weak or its hose blocked', '冷凝水泵变弱或水管堵塞'),
    safetyClass: 'E3',
    customerSees: words('Stops and asks to empty a tank that is empty', '空盒仍提示倒水'),
    signs: [up('tank_full_ratio', 'The sump stays full', '水坑常满'), same('air_rise_k', 'The air is heated as usual', '温升正常')],
    sources: ['EJ'],
    parts: [need('P-DR-010', 0.7)],
    skills: ['BAS'],
    questions: [ask([], 'Is the tank really full?', '集水盒是否真的满？')],
    steps: ['DR-S02'],
    life: life(1.5, 8, [hazard('cycles_per_week', 1.3, { reference: 3, per: 2 })]),
    foundBy: ['model', 'rule'],
  },
  {
    code: 'DR-03',
    name: words('Refrigerant leak', '制冷剂泄漏'),
    safetyClass: 'E3',
    escalations: [{ to: 'E1', when: words('The refrigerant burns (R290)', '可燃制冷剂（R290）'), by: { fact: 'refrigerant', value: 'R290' } }],
    customerSees: words('Clothes stay damp', '衣物潮湿'),
    signs: [
      down('air_rise_k', 'The air is heated less', '温升下降'),
      down('compressor_current_a', 'Less current', '电流下降'),
      down('drying_speed_ratio', 'Water comes out more slowly', '除水变慢'),
    ],
    sources: ['EJ'],
    parts: [need('P-DR-020', 0.9)],
    skills: ['REF'],
    questions: [ask(['DR-01'], 'Is the filter clean and the air stream strong?', '滤网是否干净、风是否强？')],
    steps: ['DR-S03'],
    life: life(1.3, 16),
    foundBy: ['model'],
  },
]
