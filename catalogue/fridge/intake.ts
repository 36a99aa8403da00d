/** What a household can say of a fridge-freezer. Likelihoods are engineering judgement. */
import { burningQuestion, burningSymptom, choice, displayed, says, symptom, yesNo } from '../blocks/intake.ts'
import { words } from '../blocks/makers.ts'
import type { Intake } from '../intake.ts'

export const intake: Intake = {
  codes: [
    displayed('E1', words('Sensor of the fresh food', '冷藏传感器'), { 'XX-02': 0.4, 'FR-08': 0.1 }),
    displayed('E5', words('Defrost', '化霜异常'), { 'FR-02': 0.35 }),
    displayed('E6', words('Fan inside', '冷冻风机'), { 'FR-05': 0.45, 'FR-02': 0.05 }),
    displayed('E7', words('Compressor does not start', '压缩机不启动'), { 'FR-07': 0.4 }),
    displayed('HI', words('Too warm', '温度过高'), { 'FR-01': 0.35, 'FR-07': 0.25, 'FR-05': 0.25, 'FR-02': 0.15 }),
  ],
  symptoms: [
    symptom('all_warm', words('Everything thaws', '整机不冷'), { 'FR-01': 0.55, 'FR-07': 0.4, 'FR-05': 0.15, 'FR-04': 0.12 }),
    symptom('fresh_warm', words('Fridge warm, freezer cold', '冷藏不冷、冷冻正常'), { 'FR-02': 0.6, 'FR-05': 0.5, 'FR-06': 0.4, 'FR-08': 0.15 }),
    symptom('food_freezes', words('Fresh food freezes', '冷藏食物结冰'), { 'FR-06': 0.4, 'FR-08': 0.35 }),
    symptom('runs_always', words('Never stops, higher bills', '不停机、电费高'), { 'FR-04': 0.35, 'FR-03': 0.35, 'FR-01': 0.25 }),
    symptom('sweating_frame', words('Wet door frame, door not tight', '门框凝露、门不严'), { 'FR-03': 0.45 }),
    symptom('clicking', words('Clicks every few minutes', '每隔几分钟咔嗒'), { 'FR-07': 0.45 }),
    symptom('noise_or_heat', words('Noise, hot sides', '噪声、侧板发烫'), { 'FR-04': 0.35, 'FR-05': 0.15 }),
    symptom('wrong_display', words('The display says what is not so', '显示与实际不符'), { 'FR-08': 0.4, 'XX-02': 0.6 }),
    burningSymptom(),
  ],
  questions: [
    burningQuestion('FR-Q01'),
    yesNo('FR-Q02', words('Is the food in the freezer still hard?', '冷冻食物是否仍冻硬？'), 0.9, {
      'FR-01': 0.2,
      'FR-07': 0.15,
      'FR-05': 0.75,
      'FR-02': 0.85,
    }),
    choice('FR-Q03', words('What does the compressor do?', '压缩机状态？'), [
      says('always_on', words('Runs without pause', '一直运转'), 0.2, { 'FR-01': 0.8, 'FR-04': 0.7, 'FR-03': 0.6, 'FR-02': 0.4, 'FR-05': 0.4 }),
      says('clicks', words('Clicks and stays still', '咔嗒后不运转'), 0.02, { 'FR-07': 0.8 }),
      says('as_usual', words('Runs and pauses', '有开有停'), 0.78, {
        'FR-01': 0.15,
        'FR-04': 0.28,
        'FR-03': 0.4,
        'FR-02': 0.58,
        'FR-05': 0.55,
        'FR-07': 0.15,
      }),
    ]),
    choice('FR-Q04', words('Is there ice at the back of the freezer?', '冷冻室后壁是否结冰？'), [
      says('thick', words('Thick, all over', '整面厚冰'), 0.05, { 'FR-02': 0.75, 'FR-03': 0.3, 'FR-05': 0.12 }),
      says('part', words('Only a part', '仅局部'), 0.08, { 'FR-01': 0.5 }),
      says('none', words('Hardly any', '几乎没有'), 0.87, { 'FR-02': 0.2, 'FR-03': 0.6, 'FR-01': 0.45 }),
    ]),
    choice('FR-Q05', words('Press the door switch: is the fan heard inside?', '按住门开关：能否听到风机？'), [
      says('silent', words('No', '听不到'), 0.12, { 'FR-05': 0.7, 'FR-02': 0.25 }),
      says('scrapes', words('It scrapes or whines', '刮擦或啸叫'), 0.03, { 'FR-05': 0.22, 'FR-02': 0.15 }),
      says('heard', words('Yes', '能听到'), 0.85, { 'FR-05': 0.08, 'FR-02': 0.6 }),
    ]),
    yesNo('FR-Q06', words('Does a strip of paper slip out of the closed door?', '关门夹纸条是否滑出？'), 0.08, { 'FR-03': 0.8 }),
    yesNo('FR-Q07', words('Are the sides hot, or the back dusty?', '侧板发烫或背部积灰？'), 0.2, { 'FR-04': 0.75 }),
    yesNo('FR-Q08', words('Does a thermometer in a glass of water differ from the display?', '水杯温度计与显示是否相差较大？'), 0.15, {
      'FR-08': 0.75,
      'XX-02': 0.65,
      'FR-02': 0.25,
    }),
    choice('FR-Q09', words('How is the fresh food compartment?', '冷藏室温度如何？'), [
      says('freezes', words('Freezes', '结冰'), 0.02, { 'FR-06': 0.42, 'FR-08': 0.4 }),
      says('warm', words('Too warm', '偏暖'), 0.6, { 'FR-03': 0.25, 'FR-04': 0.35, 'FR-06': 0.5, 'FR-08': 0.4, 'XX-02': 0.3 }),
      says('as_usual', words('As it should be', '正常'), 0.38, { 'FR-03': 0.73, 'FR-04': 0.6, 'FR-06': 0.08, 'FR-08': 0.2, 'XX-02': 0.6 }),
    ]),
  ],
  checks: ['FR-H90'],
  eventsPerYear: {},
  source: 'EJ',
}
