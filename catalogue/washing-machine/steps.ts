/** Repair steps of the washing machine with tools, minutes and proof. Minutes are design values (engineering judgement). */
import type { RepairStep } from '../appliance-type.ts'
import { step, words } from '../blocks/makers.ts'

export const steps: readonly RepairStep[] = [
  step('WM-S01', words('Clean filter, sump and hose; set the hose between 60 and 100 cm', '清洗滤网、水坑与排水管，管口高度 60-100 cm'), {
    tools: ['tray', 'towel', 'brush'],
    minutes: 25,
    proof: words('Photo of what was found; drain below 60 s', '异物照片；排水低于 60 秒'),
  }),
  step('WM-S02', words('Replace the drain pump, check rotor and plug', '更换排水泵，检查转子与插头'), {
    tools: ['screwdriver', 'pliers', 'multimeter'],
    minutes: 35,
    proof: words('Three drains without retry, current steady', '三次排水无重试且电流平稳'),
  }),
  step('WM-S03', words('Turn the drum by hand, listen, check play; replace bearings and seal', '手转滚筒听音查间隙，更换轴承与油封'), {
    tools: ['socket set', 'bearing puller', 'press', 'sealant'],
    minutes: 180,
    proof: words('Sound clip at full speed; vibration in the band of the bearing back to normal', '高速录音；轴承频带振动恢复'),
  }),
  step(
    'WM-S04',
    words(
      'Clean the screens of tap and valve; with valve off the jar stays dry for 10 minutes, else replace the valve',
      '清洗龙头与阀滤网；关阀 10 分钟不滴水，否则换阀',
    ),
    {
      tools: ['pliers', 'measuring jar'],
      minutes: 25,
      proof: words('Litres in a minute at the tap and after the valve', '龙头与阀后每分钟升数'),
    },
  ),
  step(
    'WM-S05',
    words(
      'Cut the mains; measure resistance and insulation of the heater; descale or replace it with its sensor',
      '断电；测加热管电阻与绝缘；除垢或更换并检查传感器',
    ),
    {
      tools: ['multimeter', 'insulation tester', 'descaler'],
      minutes: 50,
      proof: words('Insulation above 2 MΩ; rise of 1.5 K/min at 10 litres', '绝缘大于 2 MΩ；10 升水升温 1.5 K/min'),
    },
  ),
  step(
    'WM-S06',
    words('Level on all four feet, remove shipping bolts; replace dampers and springs in pairs', '调平四脚、拆运输螺栓；成对更换减震器与吊簧'),
    {
      tools: ['spirit level', 'spanner', 'socket set'],
      minutes: 60,
      proof: words('Empty spin without retry, vibration back to normal', '空桶脱水无重试且振动正常'),
    },
  ),
  step('WM-S07', words('Check hook and hinge, replace the door lock', '检查门钩与铰链，更换门锁'), {
    tools: ['screwdriver', 'pliers'],
    minutes: 25,
    proof: words('Ten locks in a row at the first attempt', '连续十次一次锁上'),
  }),
  step(
    'WM-S08',
    words('Close the tap; find the leak phase by phase with dye; replace hose, boot or seal', '关水；分阶段加色查漏；更换水管、门封或油封'),
    {
      tools: ['dye', 'torch', 'pliers', 'clamps'],
      minutes: 60,
      proof: words('Floor pan dry after a whole cycle, photo', '完整洗涤后底盘干燥照片'),
    },
  ),
]
