/**
 * Active tests of units: which wait to run or to be read, sending the command through the twin, and what the readings answered. An answer
 * shifts the probabilities of the fault and its rivals, so the order's packet follows it like any newer diagnosis. The looking itself, which
 * needs the last readings, is joined outside (`remote-join.ts`).
 */
import type { ActiveTest } from '#catalogue/appliance-type.ts'
import type { CommandNote, NewCommand } from '#kernel/command.ts'
import { DIAGNOSIS_SCHEMA_VERSION, type Diagnosis } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import { applyDiagnosis } from '../findings.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { setTimer } from '../timers.ts'
import { orderRow } from '../work-orders.ts'
import { changeOffer, DUE_TIMER, offerNext, settleOffer, testOf } from './remote-offers.ts'
import type { RemoteOfferRow } from './remote-tables.ts'
import { answerOf } from './test-guards.ts'

/** Time for which a yes of the household holds. */
const CONSENT_MS = 3_600_000
/** Time in which the appliance has to take the command. */
const COMMAND_MS = 5 * 60_000
/** How much likelier an answer is under the faults that it speaks for, and the other way round (chosen, EJ). */
const ANSWER_WEIGHT = 6

/** A test that waits to run, runs, or is to be read. */
export interface PendingTest {
  readonly offer_id: string
  readonly tenant: string
  readonly device: string
  readonly state: 'accepted' | 'running'
  readonly test: ActiveTest
  /** Until when it may begin. */
  readonly until_ms: number
  readonly started_at_ms: number | null
  readonly due_at_ms: number | null
}

/** Tests in hand, of all tenants. */
export async function pendingTests(hub: HubTransaction, limit: number): Promise<PendingTest[]> {
  const rows = await hub.database
    .selectFrom('hub_remote_offers')
    .selectAll()
    .where('kind', '=', 'test')
    .where('state', 'in', ['accepted', 'running'])
    .orderBy('offered_at_ms')
    .limit(limit)
    .execute()
  return rows.flatMap((row) => {
    const test = testOf(hub.catalogue(row.type), row.action)
    if (test === undefined) return []
    const { offer_id, tenant, device, started_at_ms, due_at_ms } = row
    const consent = row.consent === null ? undefined : (JSON.parse(row.consent) as { at_ms: number })
    const until_ms = consent === undefined ? row.expires_at_ms : Math.min(row.expires_at_ms, consent.at_ms + CONSENT_MS)
    return [{ offer_id, tenant, device, state: row.state as 'accepted' | 'running', test, until_ms, started_at_ms, due_at_ms }]
  })
}

/** Sends the command of a test whose guards hold; nothing when the offer went another way meanwhile. */
export async function beginTest(hub: HubTransaction, offerId: string): Promise<void> {
  const offer = await openTest(hub, offerId, 'accepted')
  const test = testOf(hub.catalogue(offer?.type ?? ''), offer?.action ?? '')
  if (offer === undefined || test === undefined) return
  if (hub.giveCommand === undefined) return endTest(hub, offerId, { state: 'blocked', reason: 'nobody carries out commands' })
  const { tenant, device } = offer
  const command: NewCommand = {
    ...{ commandId: contentId('cmd', offerId), tenant, device, name: test.command.name, payload: { ...test.command.arguments, test: test.id } },
    ...{ actor: 'remote', expiresAtMs: hub.nowMs + COMMAND_MS, isFollowed: true },
  }
  await hub.giveCommand(hub.database, command, hub.nowMs)
  hub.given.push(command)
  const due_at_ms = hub.nowMs + test.minutes * 60_000
  await changeOffer(hub, offer, { state: 'running', command_id: command.commandId, started_at_ms: hub.nowMs, due_at_ms })
  // Whoever looks may be away for long; then the visit goes on.
  await setTimer(hub, { tenant, kind: DUE_TIMER, subject: offerId, dueAtMs: due_at_ms + CONSENT_MS })
}

async function openTest(hub: HubTransaction, offerId: string, state: 'accepted' | 'running'): Promise<RemoteOfferRow | undefined> {
  return await hub.database.selectFrom('hub_remote_offers').selectAll().where('offer_id', '=', offerId).where('state', '=', state).executeTakeFirst()
}

/** A test that could not run, or broke off. */
export async function endTest(
  hub: HubTransaction,
  offerId: string,
  { state, reason }: { readonly state: 'blocked' | 'failed'; readonly reason: string },
): Promise<void> {
  const offer = (await openTest(hub, offerId, 'accepted')) ?? (await openTest(hub, offerId, 'running'))
  if (offer === undefined) return
  await settleOffer(hub, offer, state, { reason, values: {} })
  await offerNext(hub, await orderRow(hub, offer.work_order_id))
}

/** What the appliance said to the command of a test. */
export async function noteRemoteCommand(hub: HubTransaction, { tenant, command_id, state, reason }: CommandNote): Promise<void> {
  if (!['refused', 'expired', 'cancelled'].includes(state)) return
  const rows = hub.database.selectFrom('hub_remote_offers').select('offer_id').where('tenant', '=', tenant).where('command_id', '=', command_id)
  const offer = await rows.where('state', '=', 'running').executeTakeFirst()
  if (offer !== undefined) await endTest(hub, offer.offer_id, { state: 'failed', reason: `the appliance did not run it: ${reason ?? state}` })
}

/** Reads the values of a test that is over, in order of time. */
export async function readTest(hub: HubTransaction, offerId: string, values: readonly number[]): Promise<void> {
  const offer = await openTest(hub, offerId, 'running')
  const test = testOf(hub.catalogue(offer?.type ?? ''), offer?.action ?? '')
  if (offer === undefined || test === undefined) return
  const read = answerOf(test, values)
  if (read === undefined) return endTest(hub, offerId, { state: 'failed', reason: `too few readings of ${test.reads.channel}` })
  const { value, answer } = read
  const shown = Math.round(value * 1000) / 1000
  await settleOffer(hub, offer, 'answered', { reason: answer.text[hub.locale], values: { [`${test.reads.channel}_${test.reads.as}`]: shown } })
  await tellDiagnosis(hub, offer, { test, value: shown, answer })
  await offerNext(hub, await orderRow(hub, offer.work_order_id))
}

/** The order's diagnosis with the answer of the test in it. */
async function tellDiagnosis(
  hub: HubTransaction,
  offer: RemoteOfferRow,
  { test, value, answer }: { readonly test: ActiveTest; readonly value: number; readonly answer: ActiveTest['answers'][number] },
): Promise<void> {
  const order = await orderRow(hub, offer.work_order_id)
  const stored = await hub.database
    .selectFrom('hub_diagnoses')
    .select('body')
    .where('diagnosis_id', '=', order.diagnosis_id ?? '')
    .executeTakeFirst()
  const type = hub.catalogue(offer.type)
  if (stored === undefined || type === undefined) return
  const standing = JSON.parse(stored.body) as Diagnosis
  const weightOf = (code: string): number =>
    answer.speaksFor.includes(code) ? ANSWER_WEIGHT : answer.speaksAgainst.includes(code) ? 1 / ANSWER_WEIGHT : 1
  const before = [{ fault: standing.fault ?? '', probability: standing.probability }, ...standing.rivals]
  const known = before.reduce((sum, { probability }) => sum + probability, 0)
  const weighed = before.map(({ fault, probability }) => ({ fault, weight: probability * weightOf(fault) }))
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return
  // What is none of the named keeps its share.
  const [top, ...rest] = weighed
    .map(({ fault, weight }) => ({ fault, probability: (weight / total) * Math.min(1, known) }))
    .sort((a, b) => b.probability - a.probability)
  if (top === undefined) return
  const entry = type.faults.find(({ code }) => code === top.fault)
  const nameOf = (code: string): string => type.faults.find((fault) => fault.code === code)?.name[hub.locale] ?? code
  const isSame = top.fault === standing.fault
  const made_at_ms = Math.max(hub.nowMs, standing.made_at_ms + 1)
  const evidence = {
    feature: `test_${test.id}`,
    text: answer.text[hub.locale],
    observed: value,
    expected: null,
    unit: test.reads.unit,
    z_score: null,
  }
  await applyDiagnosis(hub, {
    ...standing,
    diagnosis_id: contentId('dg', offer.offer_id, 'answered'),
    ...{ source: 'test', made_at_ms, received_at_ms: hub.nowMs, window_to_ms: Math.max(standing.window_to_ms, offer.due_at_ms ?? 0) },
    ...{ answer: 'fault', fault: top.fault, fault_name: nameOf(top.fault), probability: top.probability },
    safety_class: entry?.safetyClass ?? standing.safety_class,
    evidence_for: [evidence, ...(isSame ? standing.evidence_for : [])],
    evidence_against: isSame ? standing.evidence_against : [],
    rivals: rest.map(({ fault, probability }) => ({ fault, fault_name: nameOf(fault), probability })),
    ...(isSame ? {} : { parts: [], skills: [], next_question: null }),
    versions: { ...standing.versions, catalogue: type.version, schema: DIAGNOSIS_SCHEMA_VERSION },
  })
}
