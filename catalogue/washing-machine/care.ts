/** Care of the washing machine by its cycles: drum, drain filter and heater, or earlier by drains that slow down and water that warms slowly. */
import { below, byHousehold, recorded, strays, tip } from '../blocks/care.ts'
import type { Care } from '../care.ts'

export const care: Care = {
  counts: { cycles: recorded('cycle_count') },
  tasks: [
    byHousehold(
      'WM-C01',
      ['Clean the drum', '清洁滚筒'],
      [
        'Run the drum program, or the hottest cotton program, empty and with a drum cleaner. Leave the door ajar behind it.',
        '空桶运行筒自洁或最高温棉织物程序，加入槽清洁剂；结束后让门微开。',
      ],
      { minutes: 5, every: { cycles: 40, days: 120 } },
    ),
    byHousehold(
      'WM-C02',
      ['Clean the drain filter', '清洗排水滤网'],
      [
        'Switch it off, put a flat bowl below, open the flap and let the water out, screw out the filter, rinse it, screw it in again.',
        '断电，下方放浅盆，打开小门放水，旋出滤网冲洗后旋回。',
      ],
      { minutes: 15, every: { cycles: 80, days: 365 }, sign: strays('drain_duration_s', 2, 5), doneWith: ['WM-01'] },
    ),
    byHousehold(
      'WM-C03',
      ['Descale the heater', '加热管除垢'],
      ['Run a hot program empty with a descaler for washing machines, as its label says.', '按说明加入洗衣机除垢剂，空桶运行高温程序。'],
      { minutes: 10, every: { cycles: 200, days: 730 }, sign: strays('heat_rate_k_per_min', -2, 5), doneWith: ['WM-05'] },
    ),
    tip(
      'WM-C04',
      ['Only cool programs', '长期低温洗涤'],
      [
        'No warm program ran lately. Once a month a program of 60 °C keeps bacteria and smell out of drum and hoses.',
        '近期没有使用高温程序。每月用一次 60°C 程序，可防止滚筒和管路滋生细菌与异味。',
      ],
      { minutes: 5, sign: below('program_temperature_c', 35, 15) },
    ),
  ],
}
