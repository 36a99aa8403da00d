/** What a household can say of a washing machine. Likelihoods are engineering judgement. */
import { WATER_WORDS } from '../blocks/danger-words.ts'
import { burningQuestion, burningSymptom, choice, dangerQuestion, displayed, says, symptom, yesNo } from '../blocks/intake.ts'
import { words } from '../blocks/makers.ts'
import type { Intake, SaidDanger } from '../intake.ts'

const flood: SaidDanger = {
  safetyClass: 'E1',
  hazard: 'water',
  fault: 'WM-08',
  advice: words(
    'Close the tap now, pull the plug with dry hands, and put a tray and towels down.',
    '请立即关闭水龙头，干手拔下插头，并放置托盘和毛巾。',
  ),
  words: { ...WATER_WORDS, words: [...WATER_WORDS.words, 'leaking', 'leaks'] },
}

export const intake: Intake = {
  codes: [
    displayed('E21', words('Does not drain', '排水异常'), { 'WM-01': 0.55, 'WM-02': 0.6 }),
    displayed('E10', words('No water comes', '进水异常'), { 'WM-04': 0.5 }),
    displayed('E60', words('Does not heat', '加热异常'), { 'WM-05': 0.45, 'XX-02': 0.15 }),
    displayed('E40', words('Door lock', '门锁异常'), { 'WM-07': 0.6 }),
    displayed('EUB', words('Unbalanced load', '负载不平衡'), { 'WM-06': 0.35, 'WM-03': 0.08 }),
    { ...displayed('EC0', words('Water in the base', '底部积水'), { 'WM-08': 0.5, 'WM-04': 0.1 }), danger: flood },
    displayed('E90', words('Sensor', '传感器异常'), { 'XX-02': 0.4 }),
  ],
  symptoms: [
    symptom('water_left', words('Water stays in the drum', '桶内积水'), { 'WM-01': 0.7, 'WM-02': 0.7 }),
    symptom('noisy_spin', words('Roars in the spin', '脱水轰鸣'), { 'WM-03': 0.8, 'WM-06': 0.15, 'WM-02': 0.08 }),
    symptom('walks_bangs', words('Walks or bangs', '移位、撞击'), { 'WM-06': 0.75, 'WM-03': 0.05 }),
    symptom('slow_fill', words('Takes long to fill, or no water comes', '进水慢或不进水'), { 'WM-04': 0.65 }),
    symptom('water_stays_cold', words('The water stays cold, clothes not clean', '水不热、洗不净'), { 'WM-05': 0.65 }),
    symptom('door_fails', words('Does not start, or the door does not open', '不启动或打不开门'), { 'WM-07': 0.85 }),
    symptom('water_on_floor', words('Water on the floor', '地面有水'), { 'WM-08': 0.85, 'WM-01': 0.05 }, flood),
    symptom('wrong_display', words('The display says what is not so', '显示与实际不符'), { 'XX-02': 0.5 }),
    burningSymptom(),
  ],
  questions: [
    burningQuestion('WM-Q01', { 'WM-05': 0.05 }),
    dangerQuestion('WM-Q02', words('Does water come out onto the floor?', '是否有水流到地面？'), {
      otherwise: 0.02,
      faults: { 'WM-08': 0.85, 'WM-01': 0.06, 'WM-04': 0.06 },
      danger: flood,
    }),
    choice('WM-Q03', words('What do you hear when it should drain?', '排水时听到什么？'), [
      says('hums_no_water', words('A hum, hardly any water', '嗡嗡响，几乎不出水'), 0.02, { 'WM-02': 0.65, 'WM-01': 0.25 }),
      says('slow', words('It pumps, but slowly', '能排水但很慢'), 0.05, { 'WM-01': 0.6, 'WM-02': 0.2 }),
      says('as_usual', words('As usual', '正常'), 0.93, { 'WM-01': 0.15, 'WM-02': 0.15 }),
    ]),
    choice('WM-Q04', words('Was the filter at the bottom cleaned in the last months?', '近几个月清洗过底部滤网吗？'), [
      says('not_cleaned', words('No', '没有'), 0.5, { 'WM-01': 0.8, 'WM-02': 0.35 }),
      says('cleaned', words('Yes, and nothing changed', '清洗过，无变化'), 0.5, { 'WM-01': 0.2, 'WM-02': 0.65 }),
    ]),
    choice('WM-Q05', words('How does it sound in the spin?', '脱水时声音如何？'), [
      says('roars', words('Roars, louder the faster it turns', '轰鸣，越快越响'), 0.05, { 'WM-03': 0.85, 'WM-06': 0.12 }),
      says('bangs', words('Bangs or walks at low speed', '低速撞击或移位'), 0.05, { 'WM-06': 0.8, 'WM-03': 0.06 }),
      says('as_usual', words('As usual', '正常'), 0.9, { 'WM-03': 0.09, 'WM-06': 0.08 }),
    ]),
    yesNo('WM-Q06', words('Does it rock when you press on a corner?', '按压一角时是否晃动？'), 0.15, { 'WM-06': 0.6 }),
    choice('WM-Q07', words('How does the water come in?', '进水情况如何？'), [
      says('slow', words('Slowly, other taps are strong', '慢，但其他龙头水压正常'), 0.04, { 'WM-04': 0.7 }),
      says('when_off', words('Also when it is off', '关机时也进水'), 0.01, { 'WM-04': 0.2, 'WM-08': 0.03 }),
      says('as_usual', words('As usual', '正常'), 0.95, { 'WM-04': 0.1 }),
    ]),
    yesNo('WM-Q08', words('Is the glass of the door cold in a 60 °C wash?', '60 °C 洗涤时门玻璃是否不热？'), 0.06, { 'WM-05': 0.75, 'XX-02': 0.25 }),
    yesNo('WM-Q09', words('Does the door click several times, or not lock or open?', '门锁是否多次咔嗒、锁不上或打不开？'), 0.04, { 'WM-07': 0.85 }),
    yesNo('WM-Q10', words('Does the kettle scale, and is no descaler used?', '水壶是否结垢且未用除垢剂？'), 0.35, { 'WM-05': 0.65 }),
  ],
  checks: ['WM-H90'],
  eventsPerYear: {},
  source: 'EJ',
}
