/**
 * What is done of a danger that cannot be written (a full disk): its command is published, at the pace of every command, and whoever would be
 * called first is called straight, once. It goes by memory alone; whoever gives the danger gives it again, and the book takes over when it
 * can be written.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { type Danger, rowOf } from './book.ts'
import { type BookSettings, findRoster, findRow, placeOfRow } from './book-transaction.ts'
import type { EmergencyTables } from './emergency-tables.ts'
import { localeOf, noticeText } from './emergency-texts.ts'
import { type Call, planRung } from './ladder.ts'
import type { Caller } from './notices.ts'
import { AGAIN_MS } from './safe-commands.ts'

export interface Unwritten {
  /** The danger could not be written: does what is due of it now. */
  meet(danger: Danger): void
  /** They are written: the book goes on. */
  forget(dangers: readonly Danger[]): void
  /** A device may hear commands again: what it is owed is due at once. */
  listens(tenant: string, device: string): void
  stop(): Promise<void>
  /** Resolves when nobody is being called; for tests. */
  settled(): Promise<void>
}

/** Dangers known at one time; beyond, the oldest is forgotten and met as a new one. */
const KNOWN_MAX = 10_000
const ATTEMPT_MS = 10_000
/** Wait before a call that reached nobody, because of the ways, the roster or anything else, is made again. */
const CALL_AGAIN_MS = 5_000

interface Known {
  readonly tenant: string
  readonly device: string
  sendings: number
  /** Monotonic milliseconds; calls are done with at infinity. */
  sendAtMs: number
  callAtMs: number
}

export function createUnwritten(parts: {
  readonly database: Kysely<EmergencyTables>
  readonly settings: BookSettings
  /** Gives how many sessions the command was written to. */
  readonly publish: (danger: Danger) => number
  readonly callers: Readonly<Record<string, Caller>>
  readonly clock: Clock
  readonly log: Log
}): Unwritten {
  const { publish, clock, log } = parts
  const known = new Map<string, Known>()
  const calling = new Set<Promise<void>>()
  const abort = new AbortController()
  const callAgain = (state: Known): void => {
    state.callAtMs = clock.monotonicMs() + CALL_AGAIN_MS
  }
  const call = async (danger: Danger, state: Known): Promise<void> => {
    const ids = { tenant: danger.tenant, device: danger.device, emergency_id: danger.emergencyId }
    const calls = await findCalls(parts, danger)
    if (calls === undefined) return
    const told = await Promise.allSettled(calls.map((one) => callOne(parts, danger, { call: one, signal: abort.signal })))
    const taken = told.filter(({ status }) => status === 'fulfilled').length
    log.error('people were called to an emergency that could not be written', { ...ids, calls: calls.length, taken })
    if (taken === 0) callAgain(state)
  }
  return {
    meet(danger) {
      if (danger.isPast) return
      const { emergencyId, tenant, device } = danger
      const state = known.get(emergencyId) ?? { tenant, device, sendings: 0, sendAtMs: Number.NEGATIVE_INFINITY, callAtMs: Number.NEGATIVE_INFINITY }
      known.set(emergencyId, state)
      for (const [oldest] of known) if (known.size > KNOWN_MAX) known.delete(oldest)
      const nowMs = clock.monotonicMs()
      // To a device that is away nothing is written: the next giving of the danger looks again.
      if (nowMs >= state.sendAtMs && publish(danger) > 0) state.sendAtMs = nowMs + (AGAIN_MS[state.sendings++] ?? 60_000)
      if (nowMs < state.callAtMs) return
      state.callAtMs = Number.POSITIVE_INFINITY
      const done = call(danger, state)
        .catch((cause: unknown) => {
          log.error('nobody can be called to an emergency that could not be written', { cause: String(cause) })
          callAgain(state)
        })
        .finally(() => calling.delete(done))
      calling.add(done)
    },
    forget(dangers) {
      for (const { emergencyId } of dangers) known.delete(emergencyId)
    },
    listens(tenant, device) {
      for (const state of known.values()) if (state.tenant === tenant && state.device === device) state.sendAtMs = Number.NEGATIVE_INFINITY
    },
    async stop() {
      abort.abort()
      await Promise.all(calling)
    },
    async settled() {
      while (calling.size > 0) await Promise.all(calling)
    },
  }
}

type Parts = Parameters<typeof createUnwritten>[0]

/** The first rung, by the roster where it can be read; undefined where the book knows the emergency, whose calls go on by themselves. */
async function findCalls({ database, settings, clock }: Parts, { tenant, emergencyId, safetyClass }: Danger): Promise<readonly Call[] | undefined> {
  const row = await findRow(database, tenant, emergencyId).catch(() => undefined)
  if (row !== undefined) return undefined
  const roster = await findRoster(database, tenant).catch(() => undefined)
  return planRung(roster, { safetyClass, step: 0, nowMs: clock.now(), fallback: settings.fallback }).calls
}

async function callOne(
  { settings, callers, clock }: Parts,
  danger: Danger,
  { call: { person, channel }, signal }: { readonly call: Call; readonly signal: AbortSignal },
): Promise<void> {
  const { emergencyId } = danger
  const row = rowOf({ nowMs: clock.now() }, danger)
  const token = settings.links.sign('acknowledge', emergencyId, person.person)
  const link = settings.publicUrl === undefined ? undefined : `${settings.publicUrl}/emergency-links/${token}`
  const facts = { place: placeOfRow(settings, row), call: 1, link, reason: '' }
  const text = noticeText(row, localeOf(person), facts)
  const target = channel.kind === 'email' ? channel.address : channel.url
  const caller = callers[channel.kind]
  if (caller === undefined) throw new Error(`there is no way for ${channel.kind}`)
  await caller({ target, ...text, signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]) })
}
