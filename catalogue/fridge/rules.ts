/**
 * Rules of the fridge: overheating and water on the floor act by themselves, lost cooling tells the household in time to save the food,
 * the rest is evidence. Thresholds that cite no source are engineering judgement.
 */
import type { Rule } from '../appliance-type.ts'
import { electricalOverheating } from '../blocks/electrical-overheating.ts'
import { onRecords, words } from '../blocks/makers.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const shared = { version: 1, clearHoldMs: HOUR_MS, gapMs_MAX: 15 * MINUTE_MS } as const
const none = words('', '')

export const rules: readonly Rule[] = [
  ...electricalOverheating({
    prefix: 'FR',
    hot: 'board_temperature_c',
    ambient: 'ambient_temperature_c',
    current: 'compressor_current_a',
    current_MIN: 0.15,
    load: 'condenser_temperature_c',
  }),
  {
    ...shared,
    id: 'FR-R03',
    safetyClass: 'E1',
    fault: null,
    title: words('Water stands in the pan under the fridge', '冰箱底部接水盘溢水'),
    advice: words(
      'Water may run on the floor. Close the tap of the ice maker if there is one, put a towel before the fridge and lift what must stay dry.',
      '地面可能进水。如有制冰机请关闭水龙头，放置毛巾并移开怕水物品。',
    ),
    when: { channel: 'leak_pan_is_wet', op: '==', value: 1, unit: 'none' },
    holdMs: 2 * MINUTE_MS,
    opensWorkOrder: true,
    source: 'domain 6.2, leak pan; hold EJ',
  },
  {
    ...shared,
    id: 'FR-R01A',
    safetyClass: 'E2',
    fault: 'FR-01',
    title: words('Compressor runs for two hours and the evaporator stays warm', '压缩机运行两小时蒸发器仍不冷'),
    advice: words(
      'Keep the doors closed. If the plate inside says R600a: open a window and keep flames and switches away from the fridge until it was looked at.',
      '请保持门关闭。若铭牌为 R600a：请开窗通风，检修前远离明火与开关。',
    ),
    when: {
      all: [
        { channel: 'compressor_frequency_hz', op: '>', value: 0.5, unit: 'hz' },
        { channel: 'evaporator_temperature_c', op: '>', value: 0, unit: 'c', clearValue: -5 },
        { channel: 'defrost_is_on', op: '==', value: 0, unit: 'none' },
        { channel: 'freezer_door_is_open', op: '==', value: 0, unit: 'none' },
      ],
    },
    holdMs: 2 * HOUR_MS,
    opensWorkOrder: true,
    source: 'domain 6.2, FR-01: duty to 100 % and the evaporator warm; hold EJ: a first pull-down from room temperature takes less',
  },
  {
    ...shared,
    id: 'FR-R04',
    safetyClass: 'E2',
    fault: null,
    title: words('Food thaws: freezer above -9 °C for four hours', '食品解冻：冷冻室高于 -9 °C 四小时'),
    advice: words('Eat or cook what has thawed and do not freeze it again. Keep the doors closed.', '已解冻食品请尽快食用，勿再冷冻。请保持门关闭。'),
    when: { channel: 'freezer_temperature_c', op: '>', value: -9, unit: 'c', clearValue: -11 },
    holdMs: 4 * HOUR_MS,
    opensWorkOrder: false,
    source: 'food code: frozen food at -12 °C or below, -9 °C with sensor tolerance for a short time (EJ)',
  },
  {
    ...shared,
    id: 'FR-R07',
    safetyClass: 'E2',
    fault: 'FR-07',
    title: words('Compressor needs more than three attempts to start', '压缩机启动超过三次'),
    advice: none,
    when: {
      all: [
        { channel: 'start_attempts_count', op: '>', value: 3, unit: 'count' },
        { channel: 'mains_voltage_v', op: '>', value: 195, unit: 'v' },
      ],
    },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: false,
    source: 'domain 6.2, FR-07: failed starts; mains low is no fault of the fridge (EJ)',
  },
  {
    ...shared,
    id: 'FR-R21',
    safetyClass: 'E3',
    fault: 'XX-02',
    title: words('Condenser colder than the room while the compressor works', '压缩机工作时冷凝器低于环境'),
    advice: none,
    when: {
      all: [
        { channel: 'compressor_frequency_hz', op: '>', value: 0.5, unit: 'hz' },
        { channel: 'power_w', op: '>', value: 50, unit: 'w' },
        { channel: 'condenser_temperature_c', minus: 'ambient_temperature_c', op: '<', value: -4, unit: 'k' },
      ],
    },
    holdMs: HOUR_MS,
    opensWorkOrder: true,
    judgesSensor: true,
    source: 'A condenser gives heat to air that is colder than itself (second law)',
  },
]
