/** Fixed words of the packet for its audiences, in both languages. Safety lines are engineering judgement beside the rules' own advice. */
import type { Text } from '#catalogue/appliance-type.ts'

const words = (en: string, zh: string): Text => ({ en, 'zh-CN': zh })

export const HEADINGS = {
  safety: words('Safety first', '安全第一'),
  fault: words('What it probably is', '可能的故障'),
  evidence: words('Why', '依据'),
  rivals: words('It could also be', '其他可能'),
  repeat: words('Repaired shortly before', '近期维修记录'),
  appointment: words('Appointment', '上门时间'),
  need: words('What the household said', '用户说明'),
  self_help: words('What can be done before the visit', '上门前可自行处理'),
  questions: words('Ask and check', '询问与检查'),
  parts: words('Parts to take along', '需携带配件'),
  skills: words('Skills', '所需技能'),
  steps: words('Work steps', '作业步骤'),
  cost: words('Warranty and price', '保修与费用'),
  advice: words('Repair or replace', '维修或更换'),
  prepare: words('Please prepare', '请准备'),
} as const

export type PacketSection = keyof typeof HEADINGS

export const SAFETY_CLASSES_SAID: Readonly<Record<string, Text>> = {
  E0: words(
    'Danger to life: leave the appliance off and the room aired until somebody has been there.',
    '危及生命：有人到场前，请勿开启设备并保持通风。',
  ),
  E1: words('Danger to the home: leave the appliance off until somebody has been there.', '可能造成财产损失：有人到场前，请勿开启设备。'),
}

export const SKILLS: Readonly<Record<string, { readonly name: Text; readonly care: Text | undefined }>> = {
  REF: {
    name: words('Refrigerant circuit', '制冷回路'),
    care: words('Refrigerant may burn: air the room, no flame, recover before opening the circuit.', '制冷剂可能可燃：通风、禁火，先回收再开管路。'),
  },
  ELE: {
    name: words('Electrical work', '电气作业'),
    care: words('Disconnect the mains, secure against switching on, and prove that it is dead.', '断电、防误合闸并验电。'),
  },
  GAS: {
    name: words('Gas work', '燃气作业'),
    care: words('Close the gas valve first; test for leaks and for carbon monoxide before leaving.', '先关闭燃气阀；离开前检漏并检测一氧化碳。'),
  },
  HYD: { name: words('Water circuit', '水路作业'), care: words('Close the water inlet and let the pressure off.', '关闭进水阀并泄压。') },
  LAU: { name: words('Laundry appliances', '洗衣设备'), care: undefined },
  BAS: { name: words('Basic service', '基础服务'), care: undefined },
  REM: { name: words('Guidance from afar', '远程指导'), care: undefined },
}

/** What the household gets ready. */
export const PREPARE: readonly Text[] = [
  words('Keep the way to the appliance free, also at its sides.', '请清空设备周围通道。'),
  words('Have the invoice or warranty card at hand.', '请备好发票或保修卡。'),
]

/** The same where nothing is dangerous: in a danger nobody goes back for a code. */
export const PREPARE_AT_EASE: readonly Text[] = [
  ...PREPARE,
  words('Note the code on the display before the appliance is switched off.', '断电前请记录显示代码。'),
]

export const ADVICE: Readonly<Record<string, Text>> = {
  repair: words('Repair', '建议维修'),
  either: words('Either is reasonable', '维修或更换均可'),
  replace: words('Replace', '建议更换'),
}

export const REASONS: Readonly<Record<string, Text>> = {
  covered: words('Nothing is to be paid.', '无需付费。'),
  repair_share: words('Share of this repair in the price of a new one: {share_ratio}', '本次维修占新机价格比例：{share_ratio}'),
  repeat: words('The same kind of fault was repaired shortly before.', '同类故障近期已维修。'),
  age_unknown: words('Nobody said when it was installed.', '安装时间未知。'),
  age: words('Age {age_years} of {life_years} years', '已使用 {age_years} 年，设计寿命 {life_years} 年'),
  keeping_costs: words(
    'Over {years} years: keeping {keep_minor}, replacing {replace_minor}',
    '{years} 年内：保留 {keep_minor}，更换 {replace_minor}',
  ),
}

/** Outcomes of a visit that name no fault of the type. */
export const CAUSES: Readonly<Record<string, Text>> = {
  no_fault_found: words('No fault found', '未发现故障'),
  other: words('Something else', '其他原因'),
}

/** Sentences with places for values. */
export const SAID = {
  title: words('{type}: {fault}', '{type}：{fault}'),
  unknown: words('Fault not named yet', '故障尚未确定'),
  probability: words('Probability {share}', '概率 {share}'),
  sees: words('Noticed by: {text}', '现象：{text}'),
  observed: words('observed {observed}, expected {expected} {unit}', '实测 {observed}，预期 {expected} {unit}'),
  against: words('Against it: {text}', '反对依据：{text}'),
  promised: words('{from} to {to} (UTC)', '{from} 至 {to}（UTC）'),
  noPromise: words('No time is promised yet.', '尚未约定时间。'),
  visited: words('The work is done.', '维修已完成。'),
  noVisit: words('Nobody comes any more: the order is closed.', '工单已结束，不再上门。'),
  minutes: words('About {minutes} minutes', '约 {minutes} 分钟'),
  quantity: words('{quantity} ×, needed with probability {share}', '{quantity} 件，需要概率 {share}'),
  tools: words('Tools: {tools}', '工具：{tools}'),
  proof: words('Proof: {proof}', '验证：{proof}'),
  photo: words('A photo helps.', '请附照片。'),
  otherwise: words('If it does not help: {text}', '如无效：{text}'),
  tells: words('Tells it from {rivals}', '用于区分 {rivals}'),
  access: words('Access: {text}', '入户方式：{text}'),
  covered: words('Covered by the warranty', '在保修期内'),
  notCovered: words('Not covered by the warranty', '不在保修期内'),
  coverUnknown: words('Nobody said when it was installed, so the warranty is not known', '安装时间未知，无法判断保修'),
  price: words('To be paid: {min} to {max}', '费用：{min} 至 {max}'),
  charged: words('Charged: {total}', '已收费：{total}'),
  chargedBefore: words('Charged for a visit before: {total}', '此前上门已收费：{total}'),
  repeatOf: words('Order {order}', '工单 {order}'),
  repeatFound: words('Found then: {cause}', '当时结论：{cause}'),
  repeatParts: words('Parts used then: {parts}', '当时更换配件：{parts}'),
  repeatNote: words('Note then: {text}', '当时备注：{text}'),
} as const

/** A text with its places filled. */
export const fill = (text: Text, locale: keyof Text, values: Readonly<Record<string, string | number>> = {}): string =>
  text[locale].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
