/** What a household can say of an air conditioner. Likelihoods are engineering judgement. */
import { burningQuestion, burningSymptom, choice, dangerQuestion, displayed, says, symptom, yesNo } from '../blocks/intake.ts'
import { words } from '../blocks/makers.ts'
import type { Intake, SaidDanger } from '../intake.ts'

const dripping: SaidDanger = {
  safetyClass: 'E1',
  hazard: 'water',
  fault: 'AC-08',
  advice: words('Switch the cooling off and put a bucket below. Keep away from wet sockets.', '请关闭制冷并放置水桶，远离潮湿插座。'),
}

export const intake: Intake = {
  codes: [
    displayed('E3', words('Low pressure', '低压保护'), { 'AC-01': 0.35, 'AC-05': 0.25 }),
    displayed('E4', words('High pressure', '高压保护'), { 'AC-02': 0.3, 'AC-09': 0.3, 'AC-04': 0.15 }),
    displayed('P5', words('Fan or start of the compressor', '风机或启动异常'), { 'AC-04': 0.45 }),
    displayed('F1', words('Sensor', '传感器异常'), { 'XX-02': 0.45, 'AC-07': 0.08 }),
    displayed('E8', words('Water in the tray', '水满保护'), { 'AC-08': 0.5 }),
  ],
  symptoms: [
    symptom('cools_little', words('Cools too little', '制冷差'), {
      'AC-01': 0.6,
      'AC-05': 0.55,
      'AC-06': 0.65,
      'AC-03': 0.2,
      'AC-02': 0.2,
      'AC-09': 0.25,
      'AC-04': 0.2,
    }),
    symptom('weak_air', words('Weak breeze', '出风弱'), { 'AC-03': 0.55 }),
    symptom('drips', words('Drips indoors', '室内滴水'), { 'AC-08': 0.85, 'AC-03': 0.12 }, dripping),
    symptom('ice', words('Ice on pipes or coil', '结冰'), { 'AC-01': 0.15, 'AC-03': 0.1, 'AC-05': 0.25 }),
    symptom('stops_on_hot_days', words('Stops on hot days', '高温天停机'), { 'AC-02': 0.45, 'AC-09': 0.3, 'AC-04': 0.15 }),
    symptom('higher_bills', words('Higher bills', '电费升高'), { 'AC-02': 0.25, 'AC-09': 0.25, 'AC-01': 0.1 }),
    symptom('outdoor_noise', words('Outdoor unit hums or clicks', '外机嗡嗡或咔嗒'), { 'AC-04': 0.5, 'AC-06': 0.15 }),
    symptom('wrong_temperature', words('Room not as set, switches often', '室温不符、频繁启停'), { 'AC-07': 0.75, 'XX-02': 0.5 }),
    burningSymptom(),
  ],
  questions: [
    burningQuestion('AC-Q01', { 'AC-04': 0.05 }),
    dangerQuestion('AC-Q02', words('Does water drip indoors?', '室内是否滴水？'), {
      otherwise: 0.03,
      faults: { 'AC-08': 0.9, 'AC-03': 0.15 },
      danger: dripping,
    }),
    yesNo('AC-Q03', words('Is the breeze weaker than it was?', '出风是否变弱？'), 0.12, { 'AC-03': 0.85, 'AC-05': 0.2, 'AC-01': 0.2 }),
    yesNo('AC-Q04', words('Was the filter not cleaned for three months?', '滤网三个月以上未清洗？'), 0.45, { 'AC-03': 0.85 }),
    choice('AC-Q05', words('How does the fan outdoors turn?', '外机风扇如何运转？'), [
      says('hardly', words('Not, slowly, or with a hum', '不转、慢或嗡嗡响'), 0.05, { 'AC-04': 0.75 }),
      says('strong', words('Strongly', '正常'), 0.95, { 'AC-04': 0.25 }),
    ]),
    yesNo('AC-Q06', words('Is the outdoor unit dirty or blocked?', '外机是否脏堵或有遮挡？'), 0.2, { 'AC-02': 0.75 }),
    yesNo('AC-Q07', words('Was refrigerant filled in or the unit opened in the last half year?', '近半年是否加过氟或打开维修过？'), 0.07, {
      'AC-09': 0.92,
      'AC-01': 0.2,
    }),
    choice('AC-Q08', words('Where is ice or frost?', '哪里结冰或结霜？'), [
      says('thin_pipe', words('On a pipe outdoors', '室外管路'), 0.03, { 'AC-01': 0.4, 'AC-05': 0.45 }),
      says('coil', words('On the coil indoors', '室内盘管'), 0.03, { 'AC-03': 0.4, 'AC-01': 0.15, 'AC-05': 0.15 }),
      says('nowhere', words('Nowhere', '没有'), 0.94, { 'AC-01': 0.45, 'AC-05': 0.4, 'AC-03': 0.6 }),
    ]),
    choice('AC-Q09', words('How did it begin?', '如何出现的？'), [
      says('slowly', words('Slowly, over weeks', '数周内逐渐'), 0.7, { 'AC-05': 0.35, 'AC-09': 0.1, 'AC-08': 0.4, 'AC-04': 0.45 }),
      says('at_once', words('From one day to the next', '突然'), 0.3, { 'AC-05': 0.65, 'AC-09': 0.9, 'AC-08': 0.6, 'AC-04': 0.55 }),
    ]),
    yesNo('AC-Q10', words('Is it bad in the heat of the day only?', '是否仅在最热时段出现？'), 0.15, { 'AC-02': 0.7, 'AC-09': 0.5, 'AC-04': 0.35 }),
    yesNo('AC-Q11', words('Is there oil at the joints of the pipes?', '管路接头有无油迹？'), 0.03, { 'AC-01': 0.4 }),
    yesNo('AC-Q12', words('Does the temperature shown differ from a thermometer?', '显示温度与温度计是否不符？'), 0.08, {
      'AC-07': 0.75,
      'XX-02': 0.55,
    }),
    yesNo('AC-Q13', words('Does it work normally in the other mode, heating or cooling?', '另一模式（制热/制冷）是否正常？'), 0.2, {
      'AC-06': 0.55,
      'AC-01': 0.1,
    }),
  ],
  checks: ['AC-H90'],
  eventsPerYear: { 'AC-09': 0.04 },
  source: 'EJ',
}
