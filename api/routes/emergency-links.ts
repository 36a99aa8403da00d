/**
 * The doors of signed links, open without a key: the page on which somebody who was called acknowledges, and the advice of a household with
 * its receipt. Reading a page changes nothing, since mail systems open links by themselves; only the button does. A link that is not ours
 * is answered like one that does not exist; one of an emergency that has long been over is gone (410).
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import type { App, RouteContext } from '../app.ts'
import type { EmergencyView } from '../emergency-ports.ts'
import { answers } from '../requests.ts'

const tags = ['emergencies']
const one = { params: Type.Object({ token: Type.String({ minLength: 1, maxLength: 400, pattern: '^[A-Za-z0-9_.-]+$' }) }) }
const PageSchema = Type.String({ description: 'Page in English and Chinese' })
const ReceiptSchema = Type.Object({ emergency_id: Type.String(), read_at_ms: Type.Integer() })
const AdviceSchema = Type.Object({
  emergency_id: Type.String(),
  safety_class: Type.String(),
  is_drill: Type.Boolean(),
  titles: Type.Record(Type.String(), Type.String()),
  texts: Type.Record(Type.String(), Type.String()),
  read_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})

export function emergencyLinkRoutes(app: App, { ports: { emergencies } }: RouteContext): void {
  // A form sends its (empty) body in the way of forms.
  if (!app.hasContentTypeParser('application/x-www-form-urlencoded')) {
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined))
  }
  app.get(
    '/emergency-links/:token',
    { schema: { tags, summary: 'Page to acknowledge an emergency; reading it changes nothing', ...one, response: answers(200, PageSchema) } },
    async (request, reply) => {
      const found = await unlessExpired(reply, true, () => emergencies.byLink(request.params.token))
      if (found === EXPIRED) return reply
      const { emergency } = known(found)
      const isOpen = emergency.state === 'raised'
      const button = isOpen ? { en: 'I take it on', zh: '我来处理' } : undefined
      const note = isOpen ? '' : `${emergency.state}${emergency.acknowledged_by === null ? '' : ` / ${emergency.acknowledged_by}`}`
      return reply.headers(PAGE_HEADERS).send(page(emergency, { button, note, isAdvice: false }))
    },
  )
  app.post(
    '/emergency-links/:token',
    { schema: { tags, summary: 'Acknowledge by the link of a call', ...one, response: answers(200, PageSchema) } },
    async (request, reply) => {
      const found = await unlessExpired(reply, true, () => emergencies.acknowledgeByLink(request.params.token))
      if (found === EXPIRED) return reply
      const emergency = known(found)
      return reply
        .headers(PAGE_HEADERS)
        .send(page(emergency, { button: undefined, note: `✓ ${emergency.acknowledged_by ?? emergency.state}`, isAdvice: false }))
    },
  )
  app.get(
    '/advice/:token',
    { schema: { tags, summary: 'Advice to a household, as JSON or as a page', ...one, response: answers(200, AdviceSchema) } },
    async (request, reply) => {
      const found = await unlessExpired(reply, wantsPage(request), () => emergencies.advice(request.params.token))
      if (found === EXPIRED) return reply
      const emergency = known(found)
      if (wantsPage(request)) {
        const button = emergency.read_at_ms === null ? { en: 'I have read it', zh: '我已阅读' } : undefined
        return reply.headers(PAGE_HEADERS).send(page(emergency, { button, note: button === undefined ? '✓' : '', isAdvice: true }))
      }
      const { emergency_id, safety_class, is_drill, read_at_ms } = emergency
      const titles = { en: emergency.title_en, 'zh-CN': emergency.title_zh }
      return { emergency_id, safety_class, is_drill, titles, texts: { en: emergency.advice_en, 'zh-CN': emergency.advice_zh }, read_at_ms }
    },
  )
  app.post(
    '/advice/:token',
    { schema: { tags, summary: 'Receipt: the household has read the advice', ...one, response: answers(200, ReceiptSchema) } },
    async (request, reply) => {
      const found = await unlessExpired(reply, wantsPage(request), () => emergencies.adviceRead(request.params.token))
      if (found === EXPIRED) return reply
      const emergency = known(found)
      if (wantsPage(request)) {
        return reply.headers(PAGE_HEADERS).send(page(emergency, { button: undefined, note: '✓', isAdvice: true }))
      }
      return { emergency_id: emergency.emergency_id, read_at_ms: emergency.read_at_ms }
    },
  )
}

const wantsPage = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/html') === true

const EXPIRED = Symbol('the page says that the link has expired')

/** What a link stands for; a person whose link has expired is shown a page that says so, a program gets the problem. */
async function unlessExpired<T>(reply: FastifyReply, isPerson: boolean, open: () => Promise<T>): Promise<T | typeof EXPIRED> {
  try {
    return await open()
  } catch (error) {
    if (!isPerson || !(error instanceof MendlineError) || error.code !== 'MDL_HUBS_LINK_EXPIRED') throw error
    await reply.code(410).headers(PAGE_HEADERS).send(EXPIRED_PAGE)
    return EXPIRED
  }
}

function known<T>(item: T | undefined): T {
  if (item === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such link')
  return item
}

/** The page runs no script, loads nothing and is shown in no frame. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
}

interface PageParts {
  readonly button: { readonly en: string; readonly zh: string } | undefined
  readonly note: string
  readonly isAdvice: boolean
}

function page(view: EmergencyView, { button, note, isAdvice }: PageParts): string {
  const [en, zh] = isAdvice ? [view.advice_en, view.advice_zh] : [view.title_en, view.title_zh]
  const drill = view.is_drill ? '<p><strong>DRILL 演练</strong></p>' : ''
  const form = button === undefined ? '' : `<form method="post"><button>${escaped(button.en)} · ${escaped(button.zh)}</button></form>`
  const style = 'body{font:18px/1.5 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}button{font-size:1.3rem;padding:.8rem 1.2rem}'
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${escaped(view.safety_class)} ${escaped(en)}</title><style>${style}</style></head><body>${drill}<h1>${escaped(view.safety_class)}</h1>
<p>${escaped(en)}</p><p lang="zh-CN">${escaped(zh)}</p><p>${escaped(view.device)}</p><p>${escaped(note)}</p>${form}</body></html>`
}

/** Says nothing of the emergency: the link may be in strange hands by now. */
const EXPIRED_PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>Expired</title></head><body><h1>This link has expired</h1><p>The emergency is over. If something is wrong, call again.</p>
<p lang="zh-CN">链接已失效，该紧急情况已结束。如仍有异常，请重新联系我们。</p></body></html>`

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
