/** Care of the dryer by its dryings: lint and water, or earlier by air that no longer gets through. */
import { below, byHousehold, recorded, strays, tip } from '../blocks/care.ts'
import type { Care } from '../care.ts'

export const care: Care = {
  counts: { cycles: recorded('cycle_count') },
  tasks: [
    byHousehold(
      'DR-C01',
      ['Wash the lint filters', '清洗绒毛滤网'],
      [
        'Take both filters out, wash them with warm water, let them dry wholly; vacuum the lint before the heat exchanger.',
        '取出两层滤网，用温水清洗并完全晾干；吸除换热器前的绒毛。',
      ],
      { minutes: 20, every: { cycles: 25 }, sign: strays('air_rise_k', 2, 3), doneWith: ['DR-01'] },
    ),
    byHousehold(
      'DR-C02',
      ['Rinse the water tank', '冲洗储水盒'],
      ['Empty the tank, rinse it and its sieve, put it back until it clicks.', '倒空储水盒，冲洗盒与滤网，装回至卡紧。'],
      { minutes: 10, every: { cycles: 60, days: 365 }, doneWith: ['DR-02'] },
    ),
    tip(
      'DR-C03',
      ['Small loads', '衣物过少'],
      [
        'It mostly dries less than 2 kg. Two small loads take about half as much again as one of both.',
        '多次烘干不足 2 公斤。两次小量烘干比合并一次多耗电约一半。',
      ],
      { minutes: 5, sign: below('load_kg', 2, 4) },
    ),
  ],
}
