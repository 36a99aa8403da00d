/**
 * Rules of the gas water heater. Room carbon monoxide follows the alarm standard EN 50291 [E2]: each level has the time before which it
 * must not alarm and the one by which it must. The levels lie below the standard's by its tolerance of 10 %, except the lowest. The
 * appliance shuts itself off; these rules notify, verify and dispatch.
 */
import type { Rule } from '../appliance-type.ts'
import { electricalOverheating } from '../blocks/electrical-overheating.ts'
import { onRecords, words } from '../blocks/makers.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const shared = { version: 1, clearHoldMs: HOUR_MS, gapMs_MAX: 15 * MINUTE_MS, opensWorkOrder: true } as const
const none = words('', '')

/** A heater that tells its CO each 20 minutes, a little late, is no gap; the clock completes such a hold through more silence than that. */
const CO_GAP_MS = 30 * MINUTE_MS

const carbonMonoxide = (suffix: string, { fromPpm, afterMs }: { readonly fromPpm: number; readonly afterMs: number }): Rule => ({
  ...shared,
  gapMs_MAX: CO_GAP_MS,
  id: `GW-R03${suffix}`,
  safetyClass: 'E0',
  fault: 'GW-03',
  title: words(`Carbon monoxide in the room at ${fromPpm} ppm or more`, `室内一氧化碳达到 ${fromPpm} ppm`),
  advice: words(
    'Carbon monoxide in the room. The heater was shut off. Open windows and doors, everybody leaves, call the emergency number from outside. Do not use the heater again.',
    '室内一氧化碳超标，热水器已停机。请开窗开门，全员撤离，在室外拨打急救电话。请勿再使用。',
  ),
  when: { channel: 'room_co_ppm', op: '>=', value: fromPpm, unit: 'ppm', clearValue: fromPpm / 2 },
  holdMs: afterMs,
  source: 'EN 50291 [E2]: 30 ppm not before 120 min; 50 ppm 60 to 90 min; 100 ppm 10 to 40 min; 300 ppm within 3 min',
})

const gasAdvice = words(
  'Gas. Shut the gas cock if you can reach it. No switches, no phone, no flame in the room. Open windows, leave, call from outside.',
  '燃气泄漏。如可触及请关闭燃气阀。室内勿动开关、电话与明火。开窗撤离，在室外求助。',
)

export const rules: readonly Rule[] = [
  ...electricalOverheating({
    prefix: 'GW',
    hot: 'board_temperature_c',
    ambient: 'ambient_temperature_c',
    current: 'fan_current_a',
    current_MIN: 0.05,
    load: 'exchanger_temperature_c',
  }),
  carbonMonoxide('A', { fromPpm: 270, afterMs: 2 * MINUTE_MS }),
  carbonMonoxide('B', { fromPpm: 90, afterMs: 15 * MINUTE_MS }),
  carbonMonoxide('C', { fromPpm: 45, afterMs: 70 * MINUTE_MS }),
  carbonMonoxide('D', { fromPpm: 30, afterMs: 120 * MINUTE_MS }),
  {
    ...shared,
    id: 'GW-R08A',
    safetyClass: 'E0',
    fault: 'GW-08',
    title: words('Gas in the room, 10 % of the explosive limit', '室内燃气达到爆炸下限 10 %'),
    advice: gasAdvice,
    when: { channel: 'room_gas_lel_pct', op: '>=', value: 10, unit: 'lel_pct', clearValue: 5 },
    holdMs: 0,
    source: 'EN 50194: alarm between 3 and 20 % LEL; 10 % chosen (EJ)',
  },
  {
    ...shared,
    id: 'GW-R08B',
    safetyClass: 'E0',
    fault: 'GW-08',
    title: words('Flame with the gas valve off', '关阀仍有火焰信号'),
    advice: gasAdvice,
    when: {
      all: [
        { channel: 'flame_current_ua', op: '>', value: 1, unit: 'ua', clearValue: 0.5 },
        { channel: 'gas_valve_is_open', op: '==', value: 0, unit: 'none' },
      ],
    },
    holdMs: 15_000,
    source: 'flame seen while the gas valve is off = valve stuck or leaking [L25]; 15 s for the flame to die and the message to come (EJ)',
  },
  {
    ...shared,
    id: 'GW-R09',
    safetyClass: 'E1',
    fault: 'GW-09',
    title: words('Water hotter than 60 °C with the set point below', '出水超过 60 °C 而设定较低'),
    advice: words('Do not use hot water: it scalds. The heater was switched off.', '请勿使用热水，可能烫伤。热水器已关机。'),
    when: {
      all: [
        {
          any: [
            { channel: 'outlet_temperature_c', op: '>', value: 60, unit: 'c', clearValue: 55 },
            { channel: 'exchanger_temperature_c', op: '>', value: 70, unit: 'c', clearValue: 60 },
          ],
        },
        { channel: 'set_point_temperature_c', op: '<=', value: 55, unit: 'c' },
        { channel: 'water_flow_lpm', op: '>', value: 2, unit: 'lpm' },
      ],
    },
    holdMs: 20_000,
    source: 'water of 60 °C burns skin within seconds; hold EJ: an overshoot after a short break of the draw lasts less',
  },
  {
    ...shared,
    id: 'GW-R04',
    safetyClass: 'E1',
    fault: 'GW-04',
    title: words('Heat exchanger above 85 °C', '换热器超过 85 °C'),
    advice: words('Do not use hot water until the heater was looked at.', '检修前请勿使用热水。'),
    when: { channel: 'exchanger_temperature_c', op: '>', value: 85, unit: 'c', clearValue: 75 },
    holdMs: 5_000,
    source: 'domain 6.4, GW-04: overheat E1; 85 °C EJ, below the cut-out of about 95 °C',
  },
  {
    ...shared,
    id: 'GW-R06',
    safetyClass: 'E2',
    fault: 'GW-01',
    title: words('Ignition needs more than three attempts', '点火超过三次'),
    advice: none,
    when: { channel: 'ignition_attempts_count', op: '>', value: 3, unit: 'count' },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: false,
    source: 'domain 6.4, GW-01: attempts above 1 rising (EJ)',
  },
  {
    ...shared,
    id: 'GW-R21',
    safetyClass: 'E3',
    fault: 'XX-02',
    title: words('Exhaust colder than the water that enters, while it burns', '燃烧时排烟低于进水温度'),
    advice: none,
    when: {
      all: [
        { channel: 'flame_current_ua', op: '>', value: 2, unit: 'ua' },
        { channel: 'exhaust_temperature_c', minus: 'inlet_temperature_c', op: '<', value: -3, unit: 'k' },
      ],
    },
    holdMs: 3 * MINUTE_MS,
    judgesSensor: true,
    source: 'exhaust gas gives heat to colder water and not the other way round (second law)',
  },
]
