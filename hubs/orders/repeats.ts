/**
 * Repeats: an order for a unit whose kind of fault was repaired shortly before. The kind is the same cause, a rival of it on either packet, or
 * the part that the repair most probably needed; so a repair that treated a rival is found out as well as one that did not hold.
 */
import type { Outcome, Packet } from '#kernel/work-order.ts'
import type { HubTransaction } from '../hub-transaction.ts'

/** An order opened this long after the repair, in device time, is a repeat of it. */
export const REPEAT_MS = 30 * 86_400_000

/** Newest repaired order that this one repeats, or null. Orders without an outcome are no repairs. */
export async function findRepeated(
  hub: HubTransaction,
  opening: {
    readonly tenant: string
    readonly device: string
    readonly packet: Packet
    readonly cause: string
    readonly openedAtMs: number
    /** Longest time since the repair, ms. */
    readonly withinMs?: number
  },
): Promise<string | null> {
  const { tenant, device, openedAtMs, withinMs = REPEAT_MS } = opening
  const rows = await hub.database
    .selectFrom('hub_work_orders')
    .select(['work_order_id', 'cause', 'packet', 'outcome'])
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('outcome', 'is not', null)
    .where('settled_at_ms', '>=', openedAtMs - withinMs)
    .where('settled_at_ms', '<=', openedAtMs)
    .orderBy('settled_at_ms', 'desc')
    .orderBy('work_order_id')
    .execute()
  const isSameKind = ({ cause, packet, outcome }: (typeof rows)[number]): boolean => {
    const before = JSON.parse(packet) as Packet
    const found = outcome === null ? cause : (JSON.parse(outcome) as Outcome).cause
    const theirs = kindOf(before, [cause, found])
    return kindOf(opening.packet, [opening.cause]).some((entry) => theirs.includes(entry))
  }
  return rows.find(isSameKind)?.work_order_id ?? null
}

const kindOf = (packet: Packet, causes: readonly string[]): string[] => {
  const [likeliest] = [...packet.parts].sort((a, b) => b.probability - a.probability)
  return [...causes, ...packet.rivals.map(({ fault }) => fault), ...(likeliest === undefined ? [] : [`part:${likeliest.part}`])]
}
