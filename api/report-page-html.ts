/**
 * The reporting page as HTML without script: the form of code and symptom, one question at a time, and what follows. Every text is escaped;
 * it shows the kind of appliance and nothing of the unit, its household or other contacts. zh-CN and en.
 */
import type { Text } from '#catalogue/appliance-type.ts'
import type { Intake } from '#catalogue/intake.ts'
import type { NamedStep } from '#kernel/remote-offer.ts'
import { DONT_KNOW, NO_CODE, type ReportAnswer } from '#kernel/report.ts'

export type Locale = keyof Text

const words = (en: string, zh: string): Text => ({ en, 'zh-CN': zh })

const TEXTS = {
  title: words('Report a trouble', '故障报修'),
  code: words('What does the display show?', '显示屏显示什么代码？'),
  none: words('No code', '无代码'),
  symptom: words('What is wrong?', '出现了什么问题？'),
  other: words('Something else', '其他'),
  text: words('In your own words', '补充说明'),
  send: words('Send', '提交'),
  dontKnow: words('I do not know', '不清楚'),
  likely: words('Likely', '可能的故障'),
  danger: words('Do this first', '请先这样做'),
  asking: words('One more question.', '再回答一个问题。'),
  not_known: words('We cannot tell yet what it is. Your report is kept; please call the service.', '暂时无法判断。您的报告已保存，请致电客服。'),
  try_first: words(
    'Please try this first. Nobody comes yet; if it does not help, a visit is arranged.',
    '请先尝试以下操作，暂不安排上门；如无效将为您安排。',
  ),
  checking: words('What you did is being checked. If it did not help, a visit is arranged.', '正在检查处理效果；如无效将为您安排上门。'),
  helped: words('It helped', '已解决'),
  notHelped: words('It did not help', '没有解决'),
  notDone: words('Not done', '未操作'),
  solved: words('Good. Nobody comes. If it is back, report it again with this code.', '好的，不再安排上门。如再次出现，请用此二维码重新报修。'),
  again: words('Your answer came a moment too early and was not taken. Please press it again.', '您的答复提交过早，尚未被接收，请再点一次。'),
  answered: words('This was answered already.', '此问题已答复。'),
  minutes: words('About {minutes} minutes', '约 {minutes} 分钟'),
  order_open: words('A service order is open. You will be told when somebody comes.', '已生成服务单，上门时间将另行通知。'),
  appointment: words('An appointment is made.', '已预约上门时间。'),
  on_the_way: words('An engineer is on the way.', '工程师正在路上。'),
  done: words('The last visit is done. Your report is kept.', '上次上门已完成，您的报告已保存。'),
  gone: words('This code is not valid. In danger leave and call the emergency number.', '此二维码无效。如遇危险请立即撤离并拨打紧急电话。'),
  tooMany: words(
    'Too many reports at once. Wait a few minutes; in danger call the emergency number.',
    '提交过于频繁，请几分钟后再试；如有危险请拨打紧急电话。',
  ),
  failed: words('This could not be taken. Go back and try again.', '提交失败，请返回重试。'),
} as const

/** Language of the page by Accept-Language: zh-CN where Chinese is named before English. */
export function localeOf(header: string | undefined): Locale {
  const first = /\b(zh|en)\b/i.exec(header ?? '')?.[1]?.toLowerCase()
  return first === 'zh' ? 'zh-CN' : 'en'
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)

function page(locale: Locale, body: string): string {
  const title = escapeHtml(TEXTS.title[locale])
  return `<!doctype html><html lang="${locale}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><h1>${title}</h1>${body}</html>`
}

/** The page that says one thing, behind what to do first where there is something. */
export const noticePage = (locale: Locale, notice: 'gone' | 'tooMany' | 'failed' | 'answered', advice?: Text): string =>
  page(locale, `${advice === undefined ? '' : adviceFirst(locale, advice)}<p>${escapeHtml(TEXTS[notice][locale])}</p>`)

const adviceFirst = (locale: Locale, advice: Text): string =>
  `<h2>${escapeHtml(TEXTS.danger[locale])}</h2><p><strong>${escapeHtml(advice[locale])}</strong></p>`

/** The form that a sticker opens. */
export function formPage(locale: Locale, name: Text, intake: Intake | undefined): string {
  const say = (text: Text): string => escapeHtml(text[locale])
  const option = (value: string, text: Text): string => `<option value="${escapeHtml(value)}">${say(text)}</option>`
  const codes = (intake?.codes ?? []).map(({ code, text }) => `<option value="${escapeHtml(code)}">${escapeHtml(code)} ${say(text)}</option>`)
  const symptoms = (intake?.symptoms ?? []).map(({ id, text }) => option(id, text))
  return page(
    locale,
    `<h2>${say(name)}</h2><form method="post"><p><label>${say(TEXTS.code)}<br><select name="code">${option('', TEXTS.dontKnow)}${option(NO_CODE, TEXTS.none)}${codes.join('')}</select></label></p>
<p><label>${say(TEXTS.symptom)}<br><select name="symptom">${option('', TEXTS.other)}${symptoms.join('')}</select></label></p>
<p><label>${say(TEXTS.text)}<br><textarea name="text" maxlength="2000" rows="4"></textarea></label></p><button>${say(TEXTS.send)}</button></form>`,
  )
}

/** What a household can answer to a step, in the order of the buttons. */
export const STEP_RESULTS = ['helped', 'notHelped', 'notDone'] as const

function stepForm(locale: Locale, { work_order_id, action, text, text_version, minutes }: NamedStep): string {
  const say = (given: Text): string => escapeHtml(given[locale])
  const hidden = Object.entries({ work_order_id, action, text_version })
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`)
    .join('')
  const buttons = STEP_RESULTS.map((result) => `<p><button name="result" value="${result}">${say(TEXTS[result])}</button></p>`).join('')
  const step = `<p><strong>${say(text)}</strong><br>${say(TEXTS.minutes).replace('{minutes}', String(minutes))}</p>`
  return `${step}<form method="post">${hidden}${buttons}</form>`
}

/** What follows from the answer to a step: the next one, the same once more where it could not be taken yet, or how far the help is. */
export function stepPage(
  locale: Locale,
  follows: { readonly next: NamedStep } | { readonly again: NamedStep } | { readonly state: 'solved' | 'checking' | 'order_open' },
): string {
  const say = (text: Text): string => `<p>${escapeHtml(text[locale])}</p>`
  if ('next' in follows) return page(locale, `${say(TEXTS.try_first)}${stepForm(locale, follows.next)}`)
  if ('again' in follows) return page(locale, `${say(TEXTS.again)}${stepForm(locale, follows.again)}`)
  return page(locale, say(TEXTS[follows.state]))
}

/** What follows from a report: advice first, then what is likely, how far the help is, and the next question. */
export function answerPage(locale: Locale, answer: ReportAnswer): string {
  const say = (text: Text): string => escapeHtml(text[locale])
  const { safety_advice, diagnosis, next_question, service, contact_id, remote_step, work_order_id } = answer
  const named = diagnosis.ranked.find(({ fault }) => fault === diagnosis.fault)
  const question =
    next_question === null
      ? ''
      : `<form method="post"><input type="hidden" name="contact_id" value="${escapeHtml(contact_id)}"><input type="hidden" name="question" value="${escapeHtml(next_question.question)}"><h2>${say(next_question.text)}</h2>${[
          ...next_question.answers,
          { answer: DONT_KNOW, text: TEXTS.dontKnow },
        ]
          .map((each) => `<p><button name="answer" value="${escapeHtml(each.answer)}">${say(each.text)}</button></p>`)
          .join('')}</form>`
  return page(
    locale,
    [
      safety_advice === null ? '' : adviceFirst(locale, safety_advice),
      named === undefined ? '' : `<p>${say(TEXTS.likely)}: ${say(named.fault_name)}</p>`,
      `<p>${say(TEXTS[service.state])}</p>`,
      remote_step === undefined || remote_step === null || service.state !== 'try_first'
        ? ''
        : stepForm(locale, { ...remote_step, text_version: remote_step.text_version ?? '', work_order_id: work_order_id ?? '' }),
      question,
    ].join(''),
  )
}
