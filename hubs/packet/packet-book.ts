/** Gives the packet of a work order to whoever is to read it, as a record or as a page. */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { AudiencePacket, PacketAudience } from '#kernel/audience-packet.ts'
import type { Evidence } from '#kernel/diagnosis.ts'
import type { Outcome, WorkOrder } from '#kernel/work-order.ts'
import { hazardOfCause } from '../cases.ts'
import type { HubTables, WorkOrderRow } from '../hub-tables.ts'
import { toWorkOrder } from '../orders/order-record.ts'
import { findOrder } from '../work-orders.ts'
import { audiencePacket } from './audience-packet.ts'
import { evidenceSvg } from './evidence-svg.ts'
import { evidenceText, unitLabel } from './evidence-words.ts'
import { packetHtml } from './packet-html.ts'

interface Reading {
  readonly tenant: string
  readonly id: string
  readonly audience: PacketAudience
  readonly locale: keyof Text
}

export interface PacketBook {
  /** Undefined = no such order. */
  workOrderPacket(reading: Reading): Promise<AudiencePacket | undefined>
  /** The evidence as an SVG; undefined = no such order. */
  workOrderEvidence(tenant: string, id: string, locale: keyof Text): Promise<string | undefined>
  /** The same as an HTML page. */
  workOrderPacketPage(reading: Reading): Promise<string | undefined>
}

export function createPacketBook(options: {
  readonly database: Kysely<HubTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
}): PacketBook {
  const { database, catalogue, ruleOf } = options
  /** The outcome of the repair that an order repeats; its own, as long as no further visit has ended. */
  const earlierOf = async (row: WorkOrderRow): Promise<Outcome | undefined> => {
    if (row.repeat_of === null) return undefined
    const isOwn = row.repeat_of === row.work_order_id
    const repeated = isOwn ? (row.settled_at_ms === null ? row : undefined) : await findOrder({ database }, row.tenant, row.repeat_of)
    return repeated === undefined || repeated.outcome === null ? undefined : (JSON.parse(repeated.outcome) as Outcome)
  }
  const read = async ({ tenant, id, audience, locale }: Reading) => {
    const row = await findOrder({ database }, tenant, id)
    if (row === undefined) return undefined
    const order = toWorkOrder(row)
    const alarm = await database
      .selectFrom('hub_alarms')
      .select('body')
      .where('alarm_id', '=', order.alarm_id ?? '')
      .executeTakeFirst()
    const rule = alarm === undefined || alarm.body === '' ? undefined : ruleOf(JSON.parse(alarm.body) as Alarm)
    const hazard = hazardOfCause(row.cause)
    const earlier = await earlierOf(row)
    return { order, packet: audiencePacket({ order, type: catalogue(order.type), rule, hazard, earlier, audience, locale }) }
  }
  const plotOf = ({ order, packet }: { readonly order: WorkOrder; readonly packet: AudiencePacket }, locale: keyof Text): string => {
    const type = catalogue(order.type)
    const fault = type?.faults.find(({ code }) => code === order.packet.fault)
    const said = (signs: readonly Evidence[]): Evidence[] =>
      signs.map((sign) => ({ ...sign, text: evidenceText(sign, { type, fault, locale }), unit: unitLabel(sign.unit) }))
    const { evidence_for, evidence_against } = order.packet
    return evidenceSvg({ title: packet.title, evidenceFor: said(evidence_for), evidenceAgainst: said(evidence_against), locale })
  }
  return {
    async workOrderEvidence(tenant, id, locale) {
      const found = await read({ tenant, id, audience: 'engineer', locale })
      return found === undefined ? undefined : plotOf(found, locale)
    },
    workOrderPacket: async (reading) => (await read(reading))?.packet,
    async workOrderPacketPage(reading) {
      const found = await read(reading)
      if (found === undefined) return undefined
      const { evidence_for, evidence_against } = found.order.packet
      const isShown = reading.audience === 'engineer' && evidence_for.length + evidence_against.length > 0
      return packetHtml(found.packet, isShown ? plotOf(found, reading.locale) : undefined)
    },
  }
}
