/** Care of the gas water heater: burner and exchanger are an engineer's, the inlet screen the household's. Litres are its flow over its burning hours. */
import { above, byEngineer, byHousehold, litresOf, runningHours, strays, tip } from '../blocks/care.ts'
import type { Care } from '../care.ts'

export const care: Care = {
  counts: { running_h: runningHours, litres: litresOf('draw_flow_lpm') },
  tasks: [
    byEngineer(
      'GW-C01',
      ['Yearly service of the burner', '燃烧器年度保养'],
      [
        'An engineer with the licence for gas cleans the burner, tests seals, flue and safety devices, and measures carbon monoxide.',
        '持证燃气工程师清洁燃烧器，检查密封、烟道与安全装置，并测量一氧化碳。',
      ],
      { minutes: 60, every: { days: 365, running_h: 500 }, sign: strays('draw_flue_co_ppm', 2, 5), doneWith: ['GW-03'] },
    ),
    byEngineer(
      'GW-C02',
      ['Descale the exchanger', '换热器除垢'],
      ['An engineer rinses the exchanger with descaler and measures the flow and the exhaust.', '工程师用除垢剂冲洗换热器，并测量流量与排烟。'],
      {
        ...{ minutes: 75, every: { litres: 60_000 }, sign: strays('exchanger_over_outlet_k', 2, 5) },
        ...{ parts: [{ part: 'P-GW-030', quantity: 1 }], doneWith: ['GW-04'] },
      },
    ),
    byHousehold(
      'GW-C03',
      ['Clean the inlet screen', '清洗进水滤网'],
      [
        'Switch it off, close the cold water, unscrew the screen at the inlet, rinse it, screw it in and look for drops.',
        '关机并关闭进水阀，旋下进水滤网冲洗，装回后检查有无滴漏。',
      ],
      { minutes: 15, every: { days: 365, litres: 40_000 }, doneWith: ['GW-07'] },
    ),
    tip(
      'GW-C04',
      ['Hotter than a shower needs', '出水温度偏高'],
      [
        'Water left at 50 °C or more all week. 42 °C are enough for a shower, scald nobody, and leave less scale.',
        '一周来出水温度均在 50°C 以上。淋浴 42°C 足够，不会烫伤，也少结垢。',
      ],
      { minutes: 5, sign: above('draw_outlet_temperature_c', 50, 7) },
    ),
  ],
}
