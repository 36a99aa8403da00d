/** Repair steps of the fridge with tools, minutes and the proof that a step was done. Minutes are design values (engineering judgement). */
import type { RepairStep } from '../appliance-type.ts'
import { step, words } from '../blocks/makers.ts'

export const steps: readonly RepairStep[] = [
  step(
    'FR-S01',
    words(
      'Find the leak: detector for the refrigerant of the plate, no flame; feel frost along the evaporator',
      '查漏：专用检漏仪，禁明火；检查蒸发器结霜分布',
    ),
    {
      tools: ['R600a leak detector', 'thermometer'],
      minutes: 30,
      proof: words('Photo of the place of the leak, or of the frost line', '泄漏点或结霜线照片'),
    },
  ),
  step(
    'FR-S02',
    words('Ventilate, recover the charge, repair, replace the drier, evacuate, charge by mass', '通风、回收、修复、换干燥器、抽真空、定量充注'),
    {
      tools: ['recovery unit', 'brazing set or press fittings', 'vacuum pump', 'charging scale', 'R600a leak detector'],
      minutes: 110,
      proof: words(
        'Vacuum held 10 minutes; mass charged; evaporator outlet within 5 K of its inlet',
        '真空保持 10 分钟；充注质量；蒸发器温差 5 K 内',
      ),
    },
  ),
  step('FR-S03', words('Measure heater, thermostat and fuse of the defrost; replace what is open', '测量化霜加热器、温控器与熔断器，更换断路件'), {
    tools: ['multimeter', 'screwdriver', 'steamer'],
    minutes: 50,
    proof: words('Current of a forced defrost, and its end by temperature', '强制化霜电流与温度终止'),
  }),
  step('FR-S04', words('Free evaporator and ducts of ice completely', '彻底清除蒸发器与风道冰霜'), {
    tools: ['steamer', 'towels'],
    minutes: 45,
    proof: words('Photo of the clean evaporator', '清冰后照片'),
  }),
  step('FR-S05', words('Warm and re-form the gasket, align the door, or replace the gasket', '加热整形门封、校正门体或更换门封'), {
    tools: ['hot-air gun', 'hex keys'],
    minutes: 35,
    proof: words('Paper strip holds at ten places around each door', '门封纸条测试十处均夹紧'),
  }),
  step('FR-S06', words('Vacuum the condenser, free the vents, check 5 cm of air behind', '清理冷凝器灰尘，疏通通风口，背后留 5 cm'), {
    tools: ['vacuum cleaner', 'brush'],
    minutes: 25,
    proof: words('Photo; condenser over room air back to normal', '照片；冷凝温差恢复'),
  }),
  step('FR-S07', words('Replace the condenser fan', '更换冷凝风机'), {
    tools: ['screwdriver'],
    minutes: 30,
    proof: words('Speed at full duty within 5 % of the rated one', '满占空比转速偏差 5 % 内'),
  }),
  step('FR-S08', words('Replace the evaporator fan; look why it iced', '更换蒸发风机并查明结冰原因'), {
    tools: ['screwdriver', 'steamer'],
    minutes: 45,
    proof: words('Speed and current at full duty as rated', '满占空比转速与电流正常'),
  }),
  step('FR-S09', words('Free or replace the damper, check its plug', '疏通或更换风门，检查插头'), {
    tools: ['screwdriver', 'multimeter'],
    minutes: 35,
    proof: words('The fresh temperature answers to the command both ways', '冷藏温度随风门双向响应'),
  }),
  step(
    'FR-S10',
    words('Measure mains under start, windings and insulation; replace relay or inverter board', '测启动电压、绕组与绝缘；更换继电器或变频板'),
    {
      tools: ['multimeter', 'clamp meter', 'insulation tester'],
      minutes: 40,
      proof: words('Three starts at the first attempt', '连续三次一次启动成功'),
    },
  ),
  step('FR-S11', words('Put each thermistor in ice water, compare, replace the one that is off', '冰水比对各传感器，更换超差者'), {
    tools: ['ice water', 'reference thermometer', 'multimeter'],
    minutes: 30,
    proof: words('All within 0.5 K of the reference', '全部偏差 0.5 K 内'),
  }),
]
