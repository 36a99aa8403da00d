/** What a household can say of a gas water heater. Likelihoods are engineering judgement. */
import { FUMES_WORDS, GAS_WORDS } from '../blocks/danger-words.ts'
import { burningQuestion, burningSymptom, choice, dangerQuestion, displayed, says, symptom, yesNo } from '../blocks/intake.ts'
import { words } from '../blocks/makers.ts'
import type { Intake, SaidDanger } from '../intake.ts'

const gas: SaidDanger = {
  safetyClass: 'E0',
  hazard: 'gas',
  fault: 'GW-08',
  advice: words(
    'Shut the gas cock, touch no switch and make no flame, open the windows, leave, and call from outside.',
    '请立即关闭燃气阀，勿动开关、勿用明火，开窗通风，撤离后在室外求助。',
  ),
  words: { ...GAS_WORDS, words: [...GAS_WORDS.words, 'rotten egg', 'sulphur', 'sulfur', '臭鸡蛋', '漏气'] },
}
const fumes: SaidDanger = {
  safetyClass: 'E0',
  hazard: 'carbon_monoxide',
  fault: 'GW-03',
  advice: words(
    'Stop using it, open the windows and go into the open air. With a headache or dizziness call for help.',
    '请停止使用，开窗并到室外。如头痛头晕请立即求助。',
  ),
  words: FUMES_WORDS,
}
const scald: SaidDanger = {
  safetyClass: 'E1',
  hazard: 'scald',
  fault: 'GW-09',
  advice: words('Do not use it for washing people until it is repaired; keep children away from the tap.', '修复前请勿用于洗浴，让儿童远离水龙头。'),
}

export const intake: Intake = {
  codes: [
    displayed('E1', words('Does not light', '点火失败'), { 'GW-01': 0.6, 'GW-05': 0.1, 'GW-08': 0.05 }),
    displayed('E2', words('Flame goes out', '熄火'), { 'GW-02': 0.55, 'GW-05': 0.1 }),
    displayed('E3', words('Air or fan', '风压或风机'), { 'GW-06': 0.5, 'GW-03': 0.45 }),
    displayed('E5', words('Too hot', '超温'), { 'GW-04': 0.25, 'GW-09': 0.2 }),
    displayed('E6', words('Sensor', '传感器异常'), { 'XX-02': 0.5, 'GW-09': 0.1 }),
  ],
  symptoms: [
    symptom('no_hot_water', words('No fire when the tap is opened', '开水不点火'), { 'GW-07': 0.7, 'GW-01': 0.4, 'GW-06': 0.1, 'GW-03': 0.08 }),
    symptom('several_tries', words('Lights after several tries', '多次点火'), { 'GW-01': 0.45 }),
    symptom('goes_out', words('Goes out in mid-shower', '中途熄火'), { 'GW-02': 0.8, 'GW-03': 0.3, 'GW-06': 0.12 }),
    symptom('not_hot_enough', words('Not hot enough', '水不够热'), { 'GW-05': 0.75, 'GW-04': 0.2 }),
    symptom('hot_and_cold', words('Hot and cold in turns, weak flow', '忽冷忽热、水流小'), { 'GW-04': 0.7, 'GW-09': 0.15, 'GW-07': 0.15 }),
    symptom('too_hot', words('Hotter than set', '比设定烫'), { 'GW-09': 0.6 }, scald),
    symptom('whines', words('Whines', '啸叫'), { 'GW-06': 0.7 }),
    symptom('gas_smell', words('Smell of gas', '燃气味'), { 'GW-08': 0.95 }, gas),
    symptom('fumes', words('Fumes or headache', '废气味或头痛'), { 'GW-03': 0.5 }, fumes),
    symptom('wrong_display', words('The display says what is not so', '显示与实际不符'), { 'XX-02': 0.5 }),
    burningSymptom(),
  ],
  questions: [
    dangerQuestion('GW-Q01', words('Do you smell gas?', '是否闻到燃气味？'), {
      otherwise: 0.01,
      faults: { 'GW-08': 0.92, 'GW-01': 0.03 },
      danger: gas,
    }),
    dangerQuestion('GW-Q02', words('Do you smell fumes, or has anybody a headache?', '是否有废气味或有人头痛？'), {
      otherwise: 0.01,
      faults: { 'GW-03': 0.6 },
      danger: fumes,
    }),
    burningQuestion('GW-Q03'),
    choice('GW-Q04', words('What happens when the tap is opened?', '打开热水时会怎样？'), [
      says('no_spark', words('No spark', '不打火'), 0.04, { 'GW-07': 0.75, 'GW-01': 0.1 }),
      says('sparks_no_flame', words('Sparks, no flame or only after tries', '打火但点不着或多次才着'), 0.05, { 'GW-01': 0.8, 'GW-05': 0.12 }),
      says('lights', words('It lights', '正常点火'), 0.91, { 'GW-07': 0.2, 'GW-01': 0.1 }),
    ]),
    yesNo('GW-Q05', words('Does the flame go out while water runs?', '用水中途是否熄火？'), 0.06, { 'GW-02': 0.85, 'GW-03': 0.4, 'GW-06': 0.2 }),
    yesNo('GW-Q06', words('Does it whine or rumble when it starts?', '启动时是否啸叫或异响？'), 0.06, { 'GW-06': 0.8 }),
    yesNo('GW-Q07', words('Is the flow of hot water weaker than of cold?', '热水水流是否比冷水小？'), 0.12, { 'GW-04': 0.65, 'GW-07': 0.45 }),
    yesNo('GW-Q08', words('Does the kettle scale?', '水壶是否结垢？'), 0.35, { 'GW-04': 0.8 }),
    choice('GW-Q09', words('How hot is the water against what is set?', '水温与设定相比？'), [
      says('hotter', words('Hotter', '更烫'), 0.02, { 'GW-09': 0.6, 'GW-04': 0.08 }),
      says('colder', words('Colder', '偏凉'), 0.12, { 'GW-05': 0.8, 'GW-04': 0.45, 'GW-09': 0.25 }),
      says('as_set', words('As set', '一致'), 0.86, { 'GW-05': 0.15, 'GW-04': 0.45, 'GW-09': 0.15 }),
    ]),
    yesNo('GW-Q10', words('Is it so with wind outside?', '是否刮风时出现？'), 0.08, { 'GW-03': 0.45, 'GW-02': 0.2 }),
  ],
  checks: ['GW-H90'],
  eventsPerYear: {},
  source: 'EJ',
}
