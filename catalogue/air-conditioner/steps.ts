/**
 * Repair steps of the air conditioner with tools, minutes and the proof that a step was done. Minutes are design values
 * (engineering judgement) for a unit that can be reached from a ladder.
 */
import type { RepairStep } from '../appliance-type.ts'

export const steps: readonly RepairStep[] = [
  {
    id: 'AC-S01',
    text: {
      en: 'Clean the filter or guide the household through it, then run 30 minutes at full fan',
      'zh-CN': '清洗滤网或指导用户清洗，然后高风运行 30 分钟',
    },
    tools: ['water', 'soft brush'],
    minutes: 15,
    proof: { en: 'Photo of the clean filter; return minus supply back to normal', 'zh-CN': '滤网照片；进出风温差恢复正常' },
  },
  {
    id: 'AC-S02',
    text: { en: 'Clean the outdoor coil and free the air path on all sides', 'zh-CN': '清洗室外盘管并清除四周遮挡' },
    tools: ['coil cleaner', 'low-pressure sprayer', 'fin comb'],
    minutes: 35,
    proof: { en: 'Photo before and after; condensing over outdoor temperature back to normal', 'zh-CN': '前后照片；冷凝温差恢复正常' },
  },
  {
    id: 'AC-S03',
    text: { en: 'Find the leak: oil at the flares, soap, electronic detector', 'zh-CN': '查漏：接头油迹、肥皂水、电子检漏仪' },
    tools: ['electronic leak detector', 'soap solution', 'torque wrench'],
    minutes: 30,
    proof: { en: 'Photo of the place of the leak', 'zh-CN': '泄漏点照片' },
  },
  {
    id: 'AC-S04',
    text: { en: 'Repair the joint, test with nitrogen, evacuate below 50 Pa and hold', 'zh-CN': '修复接头，氮气保压，抽真空至 50 Pa 以下并保持' },
    tools: ['recovery unit', 'nitrogen', 'vacuum pump', 'vacuum gauge', 'flaring tool'],
    minutes: 75,
    proof: { en: 'Vacuum gauge after 10 minutes without pump', 'zh-CN': '停泵 10 分钟后的真空计读数' },
  },
  {
    id: 'AC-S05',
    text: { en: 'Charge by mass as on the name plate', 'zh-CN': '按铭牌质量充注' },
    tools: ['charging scale', 'manifold'],
    minutes: 25,
    proof: { en: 'Mass charged; subcooling and superheat within 3 K of normal', 'zh-CN': '充注质量；过冷度与过热度偏差在 3 K 内' },
  },
  {
    id: 'AC-S06',
    text: { en: 'Recover the charge, weigh it, and charge by mass anew', 'zh-CN': '回收制冷剂、称重并重新按质量充注' },
    tools: ['recovery unit', 'charging scale', 'manifold', 'vacuum pump'],
    minutes: 80,
    proof: { en: 'Mass recovered and mass charged', 'zh-CN': '回收与充注质量' },
  },
  {
    id: 'AC-S07',
    text: { en: 'Measure capacitor and windings cold and hot; replace what is out of tolerance', 'zh-CN': '冷热态测量电容与绕组，更换超差件' },
    tools: ['capacitance meter', 'clamp meter', 'insulation tester'],
    minutes: 30,
    proof: { en: 'Measured capacitance beside the rated one; start duration below 800 ms', 'zh-CN': '实测与额定电容；启动时间低于 800 ms' },
  },
  {
    id: 'AC-S08',
    text: { en: 'Replace the outdoor fan motor and check the blade for play', 'zh-CN': '更换室外风机电机并检查风叶' },
    tools: ['socket set', 'puller'],
    minutes: 45,
    proof: { en: 'Speed at full duty within 5 % of the rated one', 'zh-CN': '满占空比转速与额定值偏差在 5 % 内' },
  },
  {
    id: 'AC-S09',
    text: { en: 'Step-test the expansion valve: 100 steps down and up, watch the superheat', 'zh-CN': '膨胀阀步进测试：关开 100 步，观察过热度' },
    tools: ['service tool'],
    minutes: 15,
    proof: { en: 'Trace of superheat during the test', 'zh-CN': '测试过热度曲线' },
  },
  {
    id: 'AC-S10',
    text: { en: 'Replace the valve coil, or valve body and drier with the charge recovered', 'zh-CN': '更换阀线圈，或回收后更换阀体与干燥器' },
    tools: ['recovery unit', 'brazing set', 'nitrogen', 'vacuum pump', 'charging scale'],
    minutes: 110,
    proof: { en: 'Superheat answers to the valve within 3 minutes', 'zh-CN': '过热度 3 分钟内响应' },
  },
  {
    id: 'AC-S11',
    text: { en: 'Switch the mode and compare: normal in one mode points at the reversing valve', 'zh-CN': '切换模式比较：仅一种模式正常则为四通阀' },
    tools: ['service tool', 'clamp thermometer'],
    minutes: 25,
    proof: { en: 'Temperatures of the four pipes in both modes', 'zh-CN': '两种模式下四根管温度' },
  },
  {
    id: 'AC-S12',
    text: { en: 'Replace reversing valve or compressor, with new drier and charge by mass', 'zh-CN': '更换四通阀或压缩机，换干燥器并按质量充注' },
    tools: ['recovery unit', 'brazing set', 'nitrogen', 'vacuum pump', 'charging scale'],
    minutes: 180,
    proof: { en: 'Discharge minus suction back to normal at the same frequency', 'zh-CN': '同频率下排吸气温差恢复正常' },
  },
  {
    id: 'AC-S13',
    text: {
      en: 'Off-cycle equality test: after 2 hours off all coil sensors read room or outdoor air',
      'zh-CN': '停机等温测试：停机 2 小时后各盘管传感器应等于环境',
    },
    tools: ['reference thermometer'],
    minutes: 15,
    proof: { en: 'Reference reading beside each sensor', 'zh-CN': '各传感器与标准读数' },
  },
  {
    id: 'AC-S14',
    text: { en: 'Replace the thermistor, seat it in its clip with paste', 'zh-CN': '更换热敏电阻并涂导热膏装好' },
    tools: ['screwdriver', 'thermal paste'],
    minutes: 20,
    proof: { en: 'All sensors within 1 K of the reference', 'zh-CN': '各传感器与标准偏差在 1 K 内' },
  },
  {
    id: 'AC-S15',
    text: { en: 'Clear tray and drain, flush with 2 litres, correct the fall of the hose', 'zh-CN': '清理接水盘与排水管，冲洗 2 升，校正坡度' },
    tools: ['wet vacuum', 'drain brush'],
    minutes: 35,
    proof: { en: 'Tray empty 5 minutes after the flush; float open', 'zh-CN': '冲洗 5 分钟后水盘排空，浮子断开' },
  },
  {
    id: 'AC-S16',
    text: { en: 'Replace the condensate pump', 'zh-CN': '更换冷凝水泵' },
    tools: ['screwdriver', 'hose clamps'],
    minutes: 30,
    proof: { en: 'Pump lifts the test water within 60 seconds', 'zh-CN': '水泵 60 秒内排出测试水' },
  },
]
