/** Care of the air conditioner: filter and outdoor coil by running hours, or earlier by the temperatures that dirt moves. */
import { above, byEngineer, byHousehold, runningHours, strays, tip } from '../blocks/care.ts'
import type { Care } from '../care.ts'

export const care: Care = {
  counts: { running_h: runningHours },
  tasks: [
    byHousehold(
      'AC-C01',
      ['Clean the indoor filter', '清洗室内滤网'],
      [
        'Switch it off, open the front, take the filter out, rinse it with cool water, let it dry in the shade and put it back.',
        '关机，打开面板，取出滤网，用冷水冲洗，阴干后装回。',
      ],
      { minutes: 15, every: { running_h: 250, days: 365 }, sign: strays('evaporating_below_return_k', 2, 8), doneWith: ['AC-03'] },
    ),
    byEngineer(
      'AC-C02',
      ['Wash the outdoor coil', '清洗室外盘管'],
      ['An engineer washes the outdoor coil and looks at the fan and its guard.', '工程师清洗室外盘管，并检查风机与网罩。'],
      { minutes: 60, every: { running_h: 2_000, days: 1_095 }, sign: strays('condensing_over_outdoor_k', 2, 8), doneWith: ['AC-02'] },
    ),
    tip(
      'AC-C03',
      ['It hardly ever stops', '几乎不停机'],
      [
        'It ran nearly all of the last week. Close doors and windows, draw the curtains on the sunny side, and set it a degree warmer: a degree saves about a twentieth of its energy.',
        '过去一周几乎一直在运行。请关好门窗，向阳侧拉上窗帘，设定调高一度：每调高一度约省电二十分之一。',
      ],
      { minutes: 5, sign: above('running_ratio', 0.95, 24) },
    ),
  ],
}
