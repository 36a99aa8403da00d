/** Care of the fridge: condenser and gasket by time, or earlier by the heat that dust keeps in; tips on doors and set point. */
import { above, below, byHousehold, runningHours, strays, tip } from '../blocks/care.ts'
import type { Care } from '../care.ts'

export const care: Care = {
  counts: { running_h: runningHours },
  tasks: [
    byHousehold(
      'FR-C01',
      ['Dust the vents and the condenser', '清扫通风口与冷凝器'],
      [
        'Pull the plug, vacuum the vents at the back and below with a soft brush, leave a hand of space to the wall, plug it in again.',
        '拔下插头，用软毛吸头清扫背部和底部通风口，与墙保持一掌距离，再插上电源。',
      ],
      { minutes: 20, every: { running_h: 4_500, days: 365 }, sign: strays('condenser_over_ambient_k', 2, 12), doneWith: ['FR-04'] },
    ),
    byHousehold(
      'FR-C02',
      ['Wipe the door gaskets', '擦拭门封条'],
      [
        'Wipe the gaskets and their folds with warm water and a little soap, dry them, and see that each door closes by itself.',
        '用温水加少许洗涤剂擦拭门封及褶皱，擦干，确认门能自行关严。',
      ],
      { minutes: 10, every: { days: 180 }, doneWith: ['FR-03'] },
    ),
    tip(
      'FR-C03',
      ['The door is open for long', '开门时间较长'],
      [
        'The door stood open for more than ten minutes in six hours, day after day. Take out at once what is needed for a meal.',
        '近几天每六小时开门超过十分钟。请一次取齐一餐所需。',
      ],
      { minutes: 5, sign: above('fresh_door_open_s', 600, 12) },
    ),
    tip(
      'FR-C04',
      ['Colder than food needs', '设定过冷'],
      [
        'The fridge is set to 2 °C or less. 4 °C keep food as well and use less energy; vegetables do not freeze.',
        '冷藏设定在 2°C 以下。4°C 同样保鲜，更省电，蔬菜不会冻伤。',
      ],
      { minutes: 5, sign: below('fresh_set_point_temperature_c', 2, 12) },
    ),
  ],
}
