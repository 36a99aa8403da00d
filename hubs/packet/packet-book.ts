/** Gives the packet of a work order to whoever is to read it, as a record or as a page. */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { AudiencePacket, PacketAudience } from '#kernel/audience-packet.ts'
import type { HubTables } from '../hub-tables.ts'
import { toWorkOrder } from '../orders/order-record.ts'
import { findOrder } from '../work-orders.ts'
import { audiencePacket } from './audience-packet.ts'
import { evidenceSvg } from './evidence-svg.ts'
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
  /** The same as an HTML page. */
  workOrderPacketPage(reading: Reading): Promise<string | undefined>
}

export function createPacketBook(options: {
  readonly database: Kysely<HubTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
}): PacketBook {
  const { database, catalogue, ruleOf } = options
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
    return { order, packet: audiencePacket({ order, type: catalogue(order.type), rule, audience, locale }) }
  }
  return {
    workOrderPacket: async (reading) => (await read(reading))?.packet,
    async workOrderPacketPage(reading) {
      const found = await read(reading)
      if (found === undefined) return undefined
      const { evidence_for: evidenceFor, evidence_against: evidenceAgainst } = found.order.packet
      const { packet } = found
      const isShown = reading.audience === 'engineer' && evidenceFor.length + evidenceAgainst.length > 0
      return packetHtml(packet, isShown ? evidenceSvg({ title: packet.title, evidenceFor, evidenceAgainst, locale: reading.locale }) : undefined)
    },
  }
}
