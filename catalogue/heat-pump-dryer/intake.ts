/** What a household can say of a heat-pump dryer. Likelihoods are engineering judgement. */
import { burningQuestion, burningSymptom, choice, displayed, says, symptom, yesNo } from '../blocks/intake.ts'
import { words } from '../blocks/makers.ts'
import type { Intake } from '../intake.ts'

export const intake: Intake = {
  codes: [
    displayed('F1', words('Clean the filter', '清洁滤网'), { 'DR-01': 0.55 }),
    displayed('E3', words('Empty the tank', '倒空储水盒'), { 'DR-02': 0.7 }),
    displayed('E5', words('Too hot', '过热'), { 'DR-01': 0.15, 'XX-02': 0.1 }),
    displayed('E6', words('Sensor', '传感器异常'), { 'XX-02': 0.45 }),
  ],
  symptoms: [
    symptom('takes_long', words('Drying takes long', '烘干时间长'), { 'DR-01': 0.6, 'DR-03': 0.35 }),
    symptom('stays_damp', words('Clothes stay damp', '衣物烘不干'), { 'DR-03': 0.6, 'DR-01': 0.2, 'XX-02': 0.15 }),
    symptom('asks_to_empty', words('Stops and asks to empty the tank', '停机并提示倒水'), { 'DR-02': 0.85 }),
    symptom('hot_lint_smell', words('Runs hot, smells of warm lint', '机身发热、有绒毛焐热味'), { 'DR-01': 0.3 }),
    symptom('wrong_display', words('The display says what is not so', '显示与实际不符'), { 'XX-02': 0.5 }),
    burningSymptom(),
  ],
  questions: [
    burningQuestion('DR-Q01', { 'DR-01': 0.03 }),
    choice('DR-Q02', words('How is the air in the drum after half an hour?', '运行半小时后筒内的风如何？'), [
      says('weak_hot', words('Weak and hot', '风弱且烫'), 0.04, { 'DR-01': 0.75 }),
      says('strong_cool', words('Strong and hardly warm', '风强但不热'), 0.04, { 'DR-03': 0.75 }),
      says('as_usual', words('As usual', '正常'), 0.92, { 'DR-01': 0.15, 'DR-03': 0.2 }),
    ]),
    choice('DR-Q03', words('Were both halves of the lint filter rinsed in the last weeks?', '近几周冲洗过两层滤网吗？'), [
      says('not_rinsed', words('No', '没有'), 0.5, { 'DR-01': 0.8, 'DR-03': 0.45 }),
      says('rinsed', words('Yes, and nothing changed', '冲洗过，无变化'), 0.5, { 'DR-01': 0.2, 'DR-03': 0.55 }),
    ]),
    choice('DR-Q04', words('Is the tank full when it asks to empty it?', '提示倒水时储水盒是否满？'), [
      says('empty', words('No, empty or nearly', '未满或几乎为空'), 0.02, { 'DR-02': 0.85, 'XX-02': 0.1 }),
      says('full', words('Yes', '是'), 0.28, { 'DR-02': 0.1 }),
      says('does_not_ask', words('It does not ask', '没有提示'), 0.7, { 'DR-02': 0.05 }),
    ]),
    yesNo('DR-Q05', words('Does water stand where the tank goes in, or run out below?', '储水盒位置是否积水或机底流水？'), 0.03, { 'DR-02': 0.45 }),
    yesNo('DR-Q06', words('Does the time that is left jump up and down?', '剩余时间是否忽多忽少？'), 0.12, {
      'XX-02': 0.55,
      'DR-01': 0.25,
      'DR-03': 0.2,
    }),
  ],
  checks: ['DR-H90'],
  eventsPerYear: {},
  source: 'EJ',
}
