/**
 * Faults AC-01 to AC-09 of domain catalogue 6.1. Signs are residuals of the recipe's features in cooling with the expansion valve free;
 * those of the fixed-orifice sign table (6.0) that the valve hides are left out, and its opening carries them. Probabilities of parts
 * and the lives are design values (engineering judgement).
 */
import type { Fault } from '../appliance-type.ts'
import { ask, down, hazard, life, moved, need, same, up, words } from '../blocks/makers.ts'

const undercharge: Fault = {
  code: 'AC-01',
  name: { en: 'Refrigerant undercharge (slow leak)', 'zh-CN': '制冷剂不足（慢漏）' },
  safetyClass: 'E3',
  customerSees: { en: 'Cools slowly, runs long', 'zh-CN': '制冷慢，运行时间长' },
  signs: [
    up('eev_opening_steps', 'The valve opens wider to hold the superheat', '膨胀阀开大以维持过热度'),
    down('subcooling_k', 'Less subcooling: little liquid stands in the condenser', '过冷度下降'),
    up('superheat_k', 'More superheat once the valve is fully open', '阀全开后过热度上升'),
    up('discharge_temperature_c', 'Hotter discharge', '排气温度上升'),
    down('condensing_over_outdoor_k', 'Lower condensing temperature', '冷凝温度下降'),
    down('compressor_current_a', 'Less current: less refrigerant is moved', '电流下降'),
  ],
  sources: ['L15', 'L16', 'L13'],
  parts: [need('P-AC-001', 0.75), need('P-AC-002', 0.95), need('P-AC-003', 0.15)],
  skills: ['REF'],
  questions: [
    ask(['AC-05'], 'Is the subcooling below normal? (with a restriction it is normal or above)', '过冷度是否低于正常？（堵塞时正常或偏高）'),
    ask(['AC-03'], 'Is the filter clean, and return minus supply air not raised?', '滤网是否干净，进出风温差未升高？'),
    ask([], 'Is there oil at the joints, or ice on the thin pipe only?', '接头有无油迹，是否仅细管结冰？'),
  ],
  steps: ['AC-S03', 'AC-S04', 'AC-S05'],
  escalations: [
    { to: 'E2', when: words('The room is not reached on hot days', '热天达不到设定'), by: 'people' },
    { to: 'E1', when: words('The refrigerant burns (class A3, R290)', '可燃制冷剂（A3，R290）'), by: { fact: 'refrigerant', value: 'R290' } },
  ],
  activeTests: ['AC-T01'],
  life: life(1.3, 14, [hazard('is_coastal', 1.5, { reference: 0, per: 1 }), hazard('running_h_per_day', 1.1, { reference: 6, per: 2 })]),
  foundBy: ['model'],
}

const outdoorAirflow: Fault = {
  code: 'AC-02',
  name: { en: 'Outdoor coil fouled, low outdoor airflow', 'zh-CN': '室外盘管脏堵、风量不足' },
  safetyClass: 'E4',
  customerSees: { en: 'Higher bills, stops on hot days', 'zh-CN': '电费升高，热天停机' },
  signs: [
    up('condensing_over_outdoor_k', 'Condenses hotter above outdoor air', '冷凝温差升高'),
    up('power_w', 'More power for the same frequency', '同频率功率升高'),
    up('compressor_current_a', 'More current', '电流升高'),
    up('discharge_temperature_c', 'Hotter discharge', '排气温度上升'),
    same('outdoor_fan_speed_ratio', 'The outdoor fan turns as it should', '室外风机转速正常'),
  ],
  sources: ['L15', 'L3'],
  parts: [need('P-AC-010', 0.05)],
  skills: ['REM', 'BAS'],
  questions: [
    ask([], 'Please send a photo of the outdoor unit from front and back: is anything before it?', '请拍室外机前后照片：有无遮挡？'),
    ask(['AC-04'], 'Does the outdoor fan reach its speed?', '室外风机是否达到转速？'),
    ask(['AC-09'], 'Was the unit charged or opened lately? (overcharge raises the subcooling)', '近期是否加过氟？（过量充注过冷度升高）'),
  ],
  steps: ['AC-S02'],
  escalations: [{ to: 'E3', when: words('It switches itself off on hot days', '热天自动停机'), by: 'people' }],
  remoteSteps: ['AC-H02'],
  life: life(1.8, 5, [hazard('dust_level', 1.8, { reference: 1, per: 1 }), hazard('running_h_per_day', 1.2, { reference: 6, per: 2 })]),
  foundBy: ['model'],
}

const indoorAirflow: Fault = {
  code: 'AC-03',
  name: { en: 'Indoor filter or coil fouled, low airflow', 'zh-CN': '室内滤网或盘管脏堵、风量不足' },
  safetyClass: 'E4',
  customerSees: { en: 'Weak breeze, ice, drips', 'zh-CN': '风小、结冰、滴水' },
  signs: [
    up('air_difference_k', 'The slower air cools down more', '进出风温差增大'),
    up('evaporating_below_return_k', 'Evaporates colder', '蒸发温度下降'),
    down('eev_opening_steps', 'The valve closes to hold the superheat', '膨胀阀关小'),
    down('condensing_over_outdoor_k', 'Less heat to give away outdoors', '室外散热减少'),
  ],
  sources: ['L15'],
  parts: [need('P-AC-020', 0.4)],
  skills: ['REM'],
  questions: [
    ask(
      [],
      'Please clean the filter, then run 30 minutes at full fan: does return minus supply fall?',
      '请清洗滤网后高风运行 30 分钟：温差是否下降？',
    ),
    ask(['AC-01'], 'Is the breeze weaker than it was? (with low charge the breeze is as before)', '出风是否变弱？（缺氟时风量不变）'),
  ],
  steps: ['AC-S01'],
  remoteSteps: ['AC-H01'],
  life: life(2, 1.5, [hazard('dust_level', 2, { reference: 1, per: 1 }), hazard('running_h_per_day', 1.3, { reference: 6, per: 2 })]),
  foundBy: ['model'],
}

const startOrFan: Fault = {
  code: 'AC-04',
  name: { en: 'Start capacitor or outdoor fan motor worn', 'zh-CN': '启动电容或室外风机电机老化' },
  safetyClass: 'E3',
  customerSees: { en: 'Clicks, stops, breaker trips', 'zh-CN': '咔嗒声、停机、跳闸' },
  signs: [
    up('start_duration_ms', 'Starts take longer', '启动时间变长'),
    down('outdoor_fan_speed_ratio', 'The outdoor fan turns slower at the same duty', '同占空比风机转速下降'),
    up('condensing_over_outdoor_k', 'Condenses hotter, since the fan moves less air', '冷凝温差升高'),
  ],
  sources: ['EJ'],
  parts: [need('P-AC-030', 0.55), need('P-AC-031', 0.5)],
  skills: ['ELE'],
  questions: [
    ask([], 'Is the mains voltage low in the evening, at the neighbours too?', '晚间电压是否偏低，邻居是否也如此？'),
    ask(['AC-02'], 'Does the fan hum, start slowly or wobble?', '风机是否嗡嗡响、起动慢或晃动？'),
    ask([], 'Inverter model without capacitor: does the board pulse all three phases?', '变频机无电容：板子三相输出是否正常？'),
  ],
  steps: ['AC-S07', 'AC-S08'],
  escalations: [{ to: 'E2', when: words('It does not start any more', '无法启动'), by: 'people' }],
  life: life(2.2, 9, [
    hazard('outdoor_summer_c', 1.15, { reference: 26, per: 2 }),
    hazard('mains_sags_per_month', 1.15, { reference: 1, per: 2 }),
    hazard('starts_per_day', 1.2, { reference: 10, per: 10 }),
  ]),
  foundBy: ['model', 'rule'],
}

const restriction: Fault = {
  code: 'AC-05',
  name: { en: 'Expansion valve stuck or liquid line restricted', 'zh-CN': '膨胀阀卡滞或液管堵塞' },
  safetyClass: 'E3',
  customerSees: { en: 'Poor cooling, frost on the pipe', 'zh-CN': '制冷差，管路结霜' },
  signs: [
    up('eev_opening_steps', 'The command opens the valve', '阀开度指令增大'),
    up('superheat_k', 'Yet the superheat stays high', '过热度仍偏高'),
    up('subcooling_k', 'Liquid stands before the restriction', '堵塞前液体积存'),
    up('discharge_temperature_c', 'Hotter discharge', '排气温度上升'),
    down('compressor_current_a', 'Less current', '电流下降'),
    down('air_difference_k', 'Less cooling of the air', '进出风温差减小'),
  ],
  sources: ['L15', 'L17'],
  parts: [need('P-AC-040', 0.7), need('P-AC-041', 0.55)],
  skills: ['REF'],
  questions: [
    ask(['AC-01'], 'Is the subcooling normal or above? (with low charge it is below)', '过冷度是否正常或偏高？（缺氟时偏低）'),
    ask(
      [],
      'Step test: does the superheat answer within 3 minutes when the valve moves by 100 steps?',
      '步进测试：阀动 100 步，过热度 3 分钟内是否响应？',
    ),
  ],
  steps: ['AC-S09', 'AC-S10'],
  activeTests: ['AC-T01'],
  life: life(1.5, 12, [hazard('running_h_per_day', 1.1, { reference: 6, per: 2 })]),
  foundBy: ['model'],
}

const valveLeak: Fault = {
  code: 'AC-06',
  name: { en: 'Compressor valve or reversing valve leaks inside', 'zh-CN': '压缩机阀片或四通阀内漏' },
  safetyClass: 'E2',
  customerSees: { en: 'Runs without effect', 'zh-CN': '运行但无效果' },
  signs: [
    down('evaporating_below_return_k', 'Evaporates warmer: too little is drawn off', '蒸发温度升高'),
    down('condensing_over_outdoor_k', 'Condenses cooler', '冷凝温度下降'),
    down('air_difference_k', 'Less cooling of the air', '进出风温差减小'),
    down('compressor_current_a', 'Less current at the same frequency', '同频率电流下降'),
    up('room_over_set_point_k', 'The room is not reached', '室温达不到设定'),
  ],
  sources: ['L15'],
  parts: [need('P-AC-050', 0.45), need('P-AC-051', 0.5)],
  skills: ['REF', 'ELE'],
  questions: [
    ask([], 'Is it normal in the other mode? Then the reversing valve leaks, not the compressor.', '另一模式是否正常？若正常则为四通阀内漏。'),
    ask(
      ['AC-01', 'AC-05'],
      'Is the coil indoors warmer than normal? (with low charge or a restriction it is colder)',
      '室内盘管是否偏热？（缺氟或堵塞时偏冷）',
    ),
  ],
  steps: ['AC-S11', 'AC-S12'],
  activeTests: ['AC-T02'],
  life: life(2.5, 15, [hazard('running_h_per_day', 1.2, { reference: 6, per: 2 }), hazard('outdoor_summer_c', 1.1, { reference: 26, per: 2 })]),
  foundBy: ['model'],
}

const sensorDrift: Fault = {
  code: 'AC-07',
  name: { en: 'Temperature sensor drifts (coil, room)', 'zh-CN': '温度传感器漂移（盘管、室温）' },
  safetyClass: 'E3',
  isOfSensor: true,
  customerSees: { en: 'Short cycling, wrong comfort', 'zh-CN': '频繁启停、舒适度差' },
  signs: [
    moved('idle_indoor_coil_over_room_k', 'Coil and room disagree when off', '停机时盘管与室温不一致'),
    moved('superheat_k', 'Superheat moves without the valve', '过热度变化而阀未动'),
    same('power_w', 'Power stays as it was', '功率不变'),
  ],
  sources: ['EJ'],
  parts: [need('P-AC-060', 0.9)],
  skills: ['BAS'],
  questions: [
    ask([], 'After two hours off, do all indoor sensors agree with a thermometer?', '停机两小时后，各室内传感器是否与温度计一致？'),
    ask([], 'Does sun or a lamp reach the sensor?', '传感器是否被阳光或灯照射？'),
  ],
  steps: ['AC-S13', 'AC-S14'],
  activeTests: ['AC-T03'],
  life: life(1.1, 20, [hazard('room_humidity_pct', 1.1, { reference: 50, per: 10 })]),
  foundBy: ['model', 'rule'],
}

const condensate: Fault = {
  code: 'AC-08',
  name: { en: 'Condensate drain blocked or pump failing', 'zh-CN': '冷凝水排水堵塞或水泵故障' },
  safetyClass: 'E1',
  customerSees: { en: 'Dripping ceiling', 'zh-CN': '天花板滴水' },
  signs: [up('float_closed_ratio', 'The tray stands full, most in humid hours', '接水盘水满，潮湿时更多')],
  sources: ['EJ'],
  parts: [need('P-AC-070', 0.5), need('P-AC-071', 0.6)],
  skills: ['HYD', 'BAS'],
  questions: [
    ask([], 'Which floor, and what stands below the unit?', '位于几楼，设备下方有什么？'),
    ask([], 'May cooling be stopped until the visit?', '上门前可否停止制冷？'),
    ask([], 'Was the unit moved or worked on lately? Does it hang level?', '近期是否移动或维修？是否水平？'),
  ],
  steps: ['AC-S15', 'AC-S16'],
  activeTests: ['AC-T04'],
  life: life(1.4, 8, [hazard('room_humidity_pct', 1.3, { reference: 50, per: 10 }), hazard('dust_level', 1.3, { reference: 1, per: 1 })]),
  foundBy: ['model', 'rule'],
}

const overcharge: Fault = {
  code: 'AC-09',
  name: { en: 'Overcharge or air in the circuit after a repair', 'zh-CN': '维修后充注过量或含不凝气体' },
  safetyClass: 'E3',
  customerSees: { en: 'Higher bills, trips', 'zh-CN': '电费升高、跳机' },
  signs: [
    up('subcooling_k', 'More subcooling: liquid stands in the condenser', '过冷度升高'),
    up('condensing_over_outdoor_k', 'Condenses hotter', '冷凝温度升高'),
    up('compressor_current_a', 'More current', '电流升高'),
    down('eev_opening_steps', 'The valve closes against the higher pressure', '阀开度减小'),
  ],
  sources: ['L15'],
  parts: [need('P-AC-002', 0.8)],
  skills: ['REF'],
  questions: [
    ask([], 'When was the last order on this unit, and was it charged by mass?', '上次维修是何时，是否按质量充注？'),
    ask(['AC-02'], 'Is the outdoor coil clean and free? (fouling does not raise the subcooling)', '室外盘管是否干净？（脏堵不会提高过冷度）'),
  ],
  steps: ['AC-S06'],
  life: undefined,
  foundBy: ['model'],
}

export const faults: readonly Fault[] = [
  undercharge,
  outdoorAirflow,
  indoorAirflow,
  startOrFan,
  restriction,
  valveLeak,
  sensorDrift,
  condensate,
  overcharge,
]
