/** Repair steps of the gas water heater, all by people with a gas licence. Minutes are design values (engineering judgement). */
import type { RepairStep } from '../appliance-type.ts'
import { step, words } from '../blocks/makers.ts'

export const steps: readonly RepairStep[] = [
  step(
    'GW-S01',
    words(
      'Clean and set the electrode to the gap of the plate, check lead and igniter; replace what is worn',
      '清洁并按铭牌调整电极间隙，检查导线与点火器，更换老化件',
    ),
    {
      tools: ['feeler gauge', 'multimeter', 'screwdriver'],
      minutes: 30,
      proof: words('Ten ignitions at the first attempt, below 1500 ms', '连续十次一次点火且低于 1500 ms'),
    },
  ),
  step(
    'GW-S02',
    words(
      'Clean the flame rod with fine steel wool, check earth and polarity; replace it if the current stays low',
      '细钢丝绒清洁感应针，检查接地与极性；电流仍低则更换',
    ),
    {
      tools: ['steel wool', 'microammeter', 'multimeter'],
      minutes: 30,
      proof: words('Flame current above 4 µA at full fire', '满负荷火焰电流大于 4 µA'),
    },
  ),
  step(
    'GW-S03',
    words(
      'Shut off; inspect flue and terminal from end to end; free or replace it; test spillage and flue gas',
      '停用；全程检查烟道与风帽，疏通或更换；回流与烟气测试',
    ),
    {
      tools: ['endoscope', 'flue-gas analyser', 'smoke match', 'CO meter'],
      minutes: 75,
      proof: words('Flue-gas print-out; no spillage after 10 minutes with windows shut and hood on', '烟气报告；关窗开油烟机 10 分钟无回流'),
    },
  ),
  step(
    'GW-S04',
    words(
      'Descale the exchanger with pump and acid, clean the inlet filter; replace the exchanger if the flow stays low',
      '循环除垢并清洗进水滤网；流量仍低则更换换热器',
    ),
    {
      tools: ['descaling pump', 'descaler', 'pH strips', 'spanners'],
      minutes: 90,
      proof: words('Flow and exhaust temperature back to normal at full fire', '满负荷流量与排烟温度恢复'),
    },
  ),
  step(
    'GW-S05',
    words('Measure inlet and manifold pressure at full and least fire; set or replace the valve', '测满负荷与最小负荷进气与二次压，调整或更换比例阀'),
    {
      tools: ['manometer', 'gas leak detector', 'service tool'],
      minutes: 60,
      proof: words('Manifold pressures as on the plate; leak test passed', '二次压符合铭牌；检漏合格'),
    },
  ),
  step('GW-S06', words('Clean or replace the fan, test the air switch', '清洁或更换风机，检查风压开关'), {
    tools: ['screwdriver', 'brush', 'tachometer'],
    minutes: 50,
    proof: words('Speed and current as rated; flue-gas print-out', '转速电流正常；烟气报告'),
  }),
  step('GW-S07', words('Clean the screen at the inlet, replace the flow sensor', '清洗进水滤网，更换水流传感器'), {
    tools: ['spanners', 'brush', 'measuring jar'],
    minutes: 30,
    proof: words('Fires at 3 L/min; shown flow within 5 % of the jar', '3 L/min 点火；流量显示误差 5 % 内'),
  }),
  step(
    'GW-S08',
    words(
      'Cock shut, ventilate, no switches; test tightness section by section; replace valve or seals; test again',
      '关阀通风、勿动开关；分段检漏；更换阀或密封后复检',
    ),
    {
      tools: ['gas leak detector', 'manometer', 'sealant', 'explosion-proof torch'],
      minutes: 90,
      proof: words('Tightness test over 10 minutes, 0 % LEL in the room', '10 分钟气密性合格，室内 0 % LEL'),
    },
  ),
  step('GW-S09', words('Compare both outlet sensors with a reference at two set points; replace the pair', '两个设定点比对出水传感器，成对更换'), {
    tools: ['reference thermometer', 'multimeter'],
    minutes: 30,
    proof: words('Outlet within 1 K of the reference at 40 and 50 °C', '40 与 50 °C 时偏差 1 K 内'),
  }),
]
