/** What people who are called to an emergency read, in their language: the subject, what is wrong where, what was done, and how to acknowledge. */
import type { Text } from '#catalogue/appliance-type.ts'
import { actionName } from '#catalogue/safe-state.ts'
import type { DutyPerson } from '#kernel/duty-roster.ts'
import type { EmergencyBookRow } from './emergency-tables.ts'

type Locale = keyof Text

/** Where the unit stands, as far as the registry knows. */
export interface Place {
  readonly household?: string | null
  readonly building?: string | null
  readonly site?: string | null
}

export interface NoticeText {
  readonly subject: string
  readonly body: string
}

export const localeOf = (person: Pick<DutyPerson, 'locale'>): Locale => person.locale ?? 'en'

interface NoticeFacts {
  readonly place: Place
  /** From 1: how many times somebody was called before, and this. */
  readonly call: number
  /** Page on which the person acknowledges; undefined where the server does not know its own address. */
  readonly link: string | undefined
  /** Why the ladder went on. */
  readonly reason: string
}

/** The words of one call. */
export function noticeText(row: EmergencyBookRow, locale: Locale, facts: NoticeFacts): NoticeText {
  return locale === 'en' ? english(row, facts) : chinese(row, facts)
}

/** Why people are called again, by the code that events have. */
const REASONS_ZH: Readonly<Record<string, string>> = {
  not_acknowledged: '无人确认',
  not_resolved: '确认后未在时限内解除',
  command_overdue: '设备未应答指令',
  command_refused: '设备拒绝指令',
  command_expired: '指令已过期',
  command_cancelled: '指令被取消',
  advice_unread: '住户未确认已读提示，请致电住户',
  graver_class: '危险升级',
  told_again: '同一危险再次报告',
  still_standing: '已报解除，但传感器仍显示危险',
}

const where = ({ household, building, site }: Place): string =>
  [household, building, site].filter((part) => part !== undefined && part !== null).join(', ')

function english(row: EmergencyBookRow, { place, call, link, reason }: NoticeFacts): NoticeText {
  const drill = row.is_drill === 1 ? 'DRILL: ' : ''
  const at = new Date(row.raised_at_ms).toISOString()
  const lines = [
    row.is_drill === 1 ? 'This is a drill. No appliance was commanded. Please acknowledge it as you would in earnest.' : '',
    `${row.safety_class}: ${row.title_en}`,
    `Appliance ${row.device} (${row.type}), tenant ${row.tenant}, since ${at}`,
    where(place) === '' ? '' : `Place: ${where(place)}`,
    reason === '' ? '' : `Called again: ${reason.replaceAll('_', ' ')}`,
    row.tells_household === 1 ? `Advice for the household, told by the dispatch system: ${row.advice_en}` : '',
    commandLine(row, 'en'),
    link === undefined ? `Acknowledge: POST /api/v1/emergencies/${row.emergency_id}/acknowledge` : `Acknowledge: ${link}`,
  ]
  return { subject: `${drill}[${row.safety_class}] ${row.title_en}: ${row.device}${call > 1 ? ` (call ${call})` : ''}`, body: joined(lines) }
}

function chinese(row: EmergencyBookRow, { place, call, link, reason }: NoticeFacts): NoticeText {
  const drill = row.is_drill === 1 ? '演练：' : ''
  const at = new Date(row.raised_at_ms).toISOString()
  const lines = [
    row.is_drill === 1 ? '这是演练，未向任何设备下发指令。请按真实情况确认。' : '',
    `${row.safety_class}：${row.title_zh}`,
    `设备 ${row.device}（${row.type}），租户 ${row.tenant}，始于 ${at}`,
    where(place) === '' ? '' : `位置：${where(place)}`,
    reason === '' ? '' : `再次通知：${REASONS_ZH[reason] ?? reason}`,
    row.tells_household === 1 ? `给住户的提示（由派工系统告知）：${row.advice_zh}` : '',
    commandLine(row, 'zh-CN'),
    link === undefined ? `确认方式：POST /api/v1/emergencies/${row.emergency_id}/acknowledge` : `确认：${link}`,
  ]
  return { subject: `${drill}[${row.safety_class}] ${row.title_zh}：${row.device}${call > 1 ? `（第 ${call} 次）` : ''}`, body: joined(lines) }
}

/** How far the safe-state command has come, in words: nobody may read of a command that reached nothing as of one that was done. */
const COMMAND_WORDS: Readonly<Record<string, Text>> = {
  queued: { en: 'not sent yet: the appliance has not been reached', 'zh-CN': '尚未送达：设备未连接' },
  sent: { en: 'sent, not acknowledged', 'zh-CN': '已发送，设备未确认' },
  delivered: { en: 'received by the appliance, not answered', 'zh-CN': '设备已收到，尚未答复' },
  accepted: { en: 'accepted by the appliance, not yet done', 'zh-CN': '设备已接受，尚未完成' },
  done: { en: 'done, as the appliance says', 'zh-CN': '设备报告已完成' },
  refused: { en: 'refused by the appliance', 'zh-CN': '设备拒绝执行' },
  expired: { en: 'never answered, and expired', 'zh-CN': '设备未答复，指令已过期' },
  cancelled: { en: 'taken back', 'zh-CN': '指令已取消' },
}

function commandLine({ actions, command_state }: EmergencyBookRow, locale: Locale): string {
  if (actions === null) return ''
  const names = (JSON.parse(actions) as string[]).map((action) => actionName(action)?.[locale] ?? action)
  const state = command_state ?? 'queued'
  const words = COMMAND_WORDS[state]?.[locale] ?? state
  return locale === 'en' ? `Command to the appliance: ${names.join(', ')} (${words})` : `设备指令：${names.join('、')}（${words}）`
}

const joined = (lines: readonly string[]): string => lines.filter((line) => line !== '').join('\n')
