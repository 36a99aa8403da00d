/**
 * The page behind the sticker of a unit, `/r/{token}`: whoever holds the token reports a trouble of that unit without a key. It is HTML without
 * script; requests are counted by address and reports by token, since anybody who passes by can read a sticker.
 */
import type { Text } from '#catalogue/appliance-type.ts'
import { withHome } from '#catalogue/home-dangers.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { App, RouteContext } from '../app.ts'
import { answerPage, formPage, localeOf, noticePage, stepPage } from '../report-page-html.ts'
import { answerStep, readStepAnswer } from '../report-page-steps.ts'

const HEADERS = {
  'content-security-policy': "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
}

/** The step is settled, or reads otherwise than it did. */
const GONE_BY: readonly string[] = ['MDL_API_CONFLICT', 'MDL_API_NOT_FOUND', 'MDL_HUBS_CONSENT_REQUIRED']

/** Bytes of a posted form. */
const FORM_BYTES_MAX = 16 * 1024

/** Counts within windows of a fixed length; tells whether one more is allowed. */
function createCounter(clock: Clock, windowMs: number, keys_MAX: number) {
  let counts = new Map<string, number>()
  let fromMs = clock.monotonicMs()
  return (key: string, most: number): boolean => {
    if (clock.monotonicMs() - fromMs >= windowMs) {
      counts = new Map()
      fromMs = clock.monotonicMs()
    }
    const count = (counts.get(key) ?? 0) + 1
    if (count > most || (count === 1 && counts.size >= keys_MAX)) return false
    counts.set(key, count)
    return true
  }
}

export async function reportPage(app: App, { ports, clock, limits }: RouteContext): Promise<void> {
  const isAllowed = createCounter(clock, limits.reportPageWindowMs, limits.reportPageKeys_MAX)
  const unitOf = async (token: string) => {
    const unit = await ports.intake.unitOfCode(token)
    const device = unit === undefined ? undefined : await ports.devices.get(unit.tenant, unit.device)
    return device === undefined || device.revoked_at_ms !== null ? undefined : { ...device, known: ports.types.find(device.tenant, device.type) }
  }
  await app.register(async (scope) => {
    const routes = scope as App
    routes.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: FORM_BYTES_MAX }, (_request, body, done) =>
      done(null, String(body)),
    )
    routes.get<{ Params: { token: string } }>('/r/:token', async (request, reply) => {
      const locale = localeOf(request.headers['accept-language'])
      reply.headers(HEADERS).type('text/html; charset=utf-8')
      if (!isAllowed(`address/${request.ip}`, limits.reportPageRequests_MAX)) return reply.code(429).send(noticePage(locale, 'tooMany'))
      const unit = await unitOf(request.params.token)
      if (unit === undefined) return reply.code(404).send(noticePage(locale, 'gone'))
      return reply.send(formPage(locale, unit.known?.name ?? { en: '', 'zh-CN': '' }, withHome(unit.known?.intake)))
    })
    routes.post<{ Params: { token: string } }>('/r/:token', async (request, reply) => {
      const locale = localeOf(request.headers['accept-language'])
      reply.headers(HEADERS).type('text/html; charset=utf-8')
      if (!isAllowed(`address/${request.ip}`, limits.reportPageRequests_MAX)) return reply.code(429).send(noticePage(locale, 'tooMany'))
      const unit = await unitOf(request.params.token)
      if (unit === undefined) return reply.code(404).send(noticePage(locale, 'gone'))
      const { tenant, device } = unit
      if (!isAllowed(`unit/${tenant}/${device}`, limits.reportPageReports_MAX)) return reply.code(429).send(noticePage(locale, 'tooMany'))
      const body = typeof request.body === 'string' ? request.body : ''
      const said = readForm(body)
      const step = readStepAnswer(body)
      try {
        if (step !== undefined) return reply.send(stepPage(locale, await answerStep(ports.remote, { tenant, device, nowMs: clock.now() }, step)))
        const answer = await ports.intake.report({ ...said, tenant, device, source: 'household', actor: 'page', at_ms: clock.now() })
        return reply.send(answerPage(locale, answer))
      } catch (error) {
        if (step !== undefined && error instanceof MendlineError && GONE_BY.includes(error.code))
          return reply.code(409).send(noticePage(locale, 'answered'))
        if (!(error instanceof MendlineError) || !['MDL_API_INVALID', 'MDL_API_NOT_FOUND'].includes(error.code)) throw error
        return reply.code(400).send(noticePage(locale, 'failed', adviceIn(error)))
      }
    })
  })
}

/** What a refusal says that is to be done first, where the report told a danger. */
function adviceIn({ details }: MendlineError): Text | undefined {
  const advice = details.safety_advice as Partial<Text> | undefined
  return typeof advice?.en === 'string' && typeof advice['zh-CN'] === 'string' ? { en: advice.en, 'zh-CN': advice['zh-CN'] } : undefined
}

/** Fields of the form that were filled, cut to what a report may hold. */
function readForm(body: string) {
  const form = new URLSearchParams(body)
  const field = (name: string, most = 64): string | undefined => form.get(name)?.slice(0, most) || undefined
  const [fault_code, symptom, text, contact_id] = [field('code'), field('symptom'), field('text', 2_000), field('contact_id')]
  const [question, answer] = [field('question'), field('answer')]
  return {
    ...(fault_code === undefined ? {} : { fault_code }),
    ...(symptom === undefined ? {} : { symptom }),
    ...(text === undefined ? {} : { text }),
    ...(contact_id === undefined ? {} : { contact_id }),
    ...(question === undefined || answer === undefined ? {} : { answers: [{ question, answer }] }),
  }
}
