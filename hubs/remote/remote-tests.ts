/**
 * Active tests of units: which wait to run or to be read, sending the command through the twin, and what the readings answered. An answer
 * shifts the probabilities of the fault and its rivals, so the order's packet follows it like any newer diagnosis. The looking itself, which
 * needs the last readings, is joined outside (`remote-join.ts`).
 */
import type { ActiveTest } from '#catalogue/appliance-type.ts'
import type { CommandNote, NewCommand } from '#kernel/command.ts'
import { contentId } from '#kernel/ids.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { setTimer } from '../timers.ts'
import { orderRow } from '../work-orders.ts'
import { changeOffer, DUE_TIMER, isInDanger, offerNext, settleOffer, testOf } from './remote-offers.ts'
import type { RemoteOfferRow } from './remote-tables.ts'
import { tellDiagnosis } from './shift-diagnosis.ts'
import { answerOf } from './test-guards.ts'

/** Time for which a yes of the household holds. */
const CONSENT_MS = 3_600_000
/** Time in which the appliance has to take the command. */
const COMMAND_MS = 5 * 60_000

/** Why a unit with a danger is tested no further. */
export const IN_DANGER = 'a danger of the unit is not over'

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
  /** An order of a danger is open for the unit. */
  readonly is_in_danger: boolean
}

/** Tests in hand, of all tenants: all that run, whose guards somebody must watch, and so many of those that wait. */
export async function pendingTests(hub: HubTransaction, limit: number): Promise<PendingTest[]> {
  const tests = hub.database.selectFrom('hub_remote_offers').selectAll().where('kind', '=', 'test').orderBy('offered_at_ms')
  const running = await tests.where('state', '=', 'running').execute()
  const rows = [...running, ...(await tests.where('state', '=', 'accepted').limit(limit).execute())]
  const endangered = new Set<string>()
  for (const row of rows) if (await isInDanger(hub, row)) endangered.add(row.offer_id)
  return rows.flatMap((row) => {
    const test = testOf(hub.catalogue(row.type), row.action)
    if (test === undefined) return []
    const { offer_id, tenant, device, started_at_ms, due_at_ms } = row
    const consent = row.consent === null ? undefined : (JSON.parse(row.consent) as { at_ms: number })
    const until_ms = consent === undefined ? row.expires_at_ms : Math.min(row.expires_at_ms, consent.at_ms + CONSENT_MS)
    const is_in_danger = endangered.has(offer_id)
    return [{ offer_id, tenant, device, state: row.state as 'accepted' | 'running', test, until_ms, started_at_ms, due_at_ms, is_in_danger }]
  })
}

/** Sends the command of a test whose guards hold; nothing when the offer went another way meanwhile. */
export async function beginTest(hub: HubTransaction, offerId: string): Promise<void> {
  const offer = await openTest(hub, offerId, 'accepted')
  const test = testOf(hub.catalogue(offer?.type ?? ''), offer?.action ?? '')
  if (offer === undefined || test === undefined) return
  if (hub.giveCommand === undefined) return endTest(hub, offerId, { state: 'blocked', reason: 'nobody carries out commands' })
  const { tenant, device } = offer
  if (await isInDanger(hub, offer)) return endTest(hub, offerId, { state: 'blocked', reason: IN_DANGER })
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
  const evidence = {
    feature: `test_${test.id}`,
    text: answer.text[hub.locale],
    observed: shown,
    expected: null,
    unit: test.reads.unit,
    z_score: null,
  }
  await tellDiagnosis(hub, offer, { evidence, speaksFor: answer.speaksFor, speaksAgainst: answer.speaksAgainst })
  await offerNext(hub, await orderRow(hub, offer.work_order_id))
}
