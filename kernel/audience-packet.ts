/** The packet of a work order as one audience reads it: sections in its language, for a page, a telephone desk or an app. */
import { type Static, Type } from 'typebox'
import { SafetyClassSchema } from './alarm.ts'
import { WorkOrderStateSchema } from './work-order.ts'

export const PACKET_AUDIENCES = ['household', 'engineer', 'agent'] as const
export type PacketAudience = (typeof PACKET_AUDIENCES)[number]

const ItemSchema = Type.Object({
  text: Type.String(),
  notes: Type.Array(Type.String(), { description: 'Further lines of the item, such as tools and proof of a step' }),
  code: Type.Optional(Type.String({ description: 'Code of the fault, part, step or question that it speaks of' })),
  values: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]), { description: 'Numbers behind the text, with their units' }),
  ),
})

export const AudiencePacketSchema = Type.Object({
  work_order_id: Type.String(),
  device: Type.String(),
  audience: Type.Enum([...PACKET_AUDIENCES]),
  locale: Type.Enum(['en', 'zh-CN']),
  state: WorkOrderStateSchema,
  safety_class: SafetyClassSchema,
  title: Type.String(),
  sections: Type.Array(
    Type.Object({
      id: Type.String({ description: 'What the section is about; the same for all audiences' }),
      heading: Type.String(),
      items: Type.Array(ItemSchema),
    }),
    { description: 'Those of the audience that have something to say, in reading order' },
  ),
})

export type PacketItem = Static<typeof ItemSchema>
export type AudiencePacket = Static<typeof AudiencePacketSchema>
