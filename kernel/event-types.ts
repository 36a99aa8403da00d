/**
 * Every event that leaves by webhook, as published JSON Schemas: what its `subject` is and what stands in its `data`. Fields may be added at
 * any time; one that changes its meaning or goes away gets a type with another version. The hubs' tests hold each event that they emit
 * against this list.
 */
import { type TObject, type TProperties, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { AlarmSchema, SafetyClassSchema } from './alarm.ts'
import { CareSchema } from './care.ts'
import { DiagnosisSchema, PartNeedSchema } from './diagnosis.ts'
import { InterventionSchema, OrderRiskSchema } from './experience.ts'
import { HelpRequestSchema } from './help.ts'
import { RemoteOfferSchema } from './remote-offer.ts'
import { WORK_ORDER_STATES, WorkOrderSchema, WorkOrderStateSchema } from './work-order.ts'

export interface EventType {
  readonly type: string
  /** What the subject is the id of; deliveries keep their order within it. */
  readonly subject: string
  readonly summary: string
  /** JSON Schema of the whole CloudEvent. */
  readonly schema: TSchema
}

const text = Type.String()
const at = Type.Integer({ description: 'Epoch ms' })
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const localText = Type.Object({ en: text, 'zh-CN': text })

function eventType(type: string, given: { readonly subject: string; readonly summary: string; readonly data: TProperties }): EventType {
  const data = { tenant: text, sequence: Type.Integer({ minimum: 1, description: 'Rises within the subject' }), ...given.data }
  const schema = Type.Object(
    {
      specversion: Type.Literal('1.0'),
      id: Type.String({ description: 'The `webhook-id`: take each once' }),
      source: text,
      type: Type.Literal(type),
      subject: Type.String({ description: given.subject }),
      time: Type.String({ description: 'ISO 8601, UTC: when it became true' }),
      datacontenttype: Type.Literal('application/json'),
      data: Type.Object(data),
    },
    { $id: `urn:mendline:event:${type}`, title: type, description: given.summary },
  )
  return { type, subject: given.subject, summary: given.summary, schema }
}

const move = Type.Object({
  from: orNull(WorkOrderStateSchema),
  to: WorkOrderStateSchema,
  actor: text,
  at_ms: at,
  reason: text,
})
const ofOrder = (name: string, summary: string): EventType =>
  eventType(`mendline.work_order.${name}.v1`, { subject: 'work order', summary, data: { work_order: WorkOrderSchema, move } })

const member = Type.Object({ case_id: text, work_order_id: text, device: text })
const contact = Type.Object({ contact_id: text, kind: text, source: text, at_ms: at })

const CASES: readonly EventType[] = [
  eventType('mendline.case.opened.v1', {
    ...{ subject: 'case', summary: 'A case was opened for one cause of one unit' },
    data: {
      case: Type.Object({
        ...{ case_id: text, tenant: text, device: text, type: text, cause: text, state: text, safety_class: SafetyClassSchema },
        ...{ work_order_id: text, is_past_danger: Type.Boolean(), opened_at_ms: at },
      }),
    },
  }),
  eventType('mendline.case.merged.v1', {
    ...{ subject: 'case', summary: 'A report of a person, or another case of the same cause, came into a case that stands' },
    data: { ...member.properties, contact: Type.Optional(contact), merged: Type.Optional(member) },
  }),
  eventType('mendline.case.closed.v1', { subject: 'case', summary: 'The order of the case is over', data: member.properties }),
]

const ORDERS: readonly EventType[] = [
  ...WORK_ORDER_STATES.map((state) => ofOrder(state, `The order came to the state ${state}`)),
  ofOrder('amended', 'The cause or the safety class of an open order changed'),
  ofOrder('rescheduled', 'Another window was promised to the household'),
  ofOrder('no_show', 'Nobody was at home'),
  ofOrder('verified_need', 'The outlet verified need and time with the household'),
  ofOrder('pooled', 'The offer to one engineer is open to all'),
  eventType('mendline.work_order.escalated.v1', {
    ...{ subject: 'work order', summary: 'A timer of the process ran out and calls for somebody' },
    data: {
      ...{ work_order_id: text, device: text, state: WorkOrderStateSchema, outlet: orNull(text), engineer: orNull(text) },
      ...{ timer: text, to: Type.String({ description: 'Role that is called' }), reason: text },
      times: Type.Optional(Type.Integer({ description: 'How often this timer has called so far; it goes on until the order moves' })),
    },
  }),
]

const emergency = {
  ...{ emergency_id: text, alarm_id: text, device: text, safety_class: SafetyClassSchema, title: text },
  ...{ work_order_id: orNull(text), case_id: Type.Optional(orNull(text)), type: Type.Optional(text) },
  is_drill: Type.Optional(Type.Boolean({ description: 'Nothing is wrong: an exercise' })),
}
const notified = Type.Array(Type.Object({ person: text, channel: text }))
const countdown = { owner: orNull(text), acknowledge_by_ms: orNull(at) }
const after = Type.Integer({ description: 'Milliseconds since it was raised' })

const EMERGENCIES: readonly EventType[] = [
  eventType('mendline.emergency.raised.v1', {
    ...{ subject: 'emergency', summary: 'Life (E0) or property (E1) is in danger' },
    data: {
      ...{ ...emergency, alarm: orNull(AlarmSchema), advice: text, titles: Type.Optional(localText), advices: Type.Optional(localText) },
      command: Type.Optional(orNull(Type.Object({ command_id: text, name: text, actions: Type.Array(text) }))),
      place: Type.Optional(Type.Record(Type.String(), orNull(text), { description: 'household, building, site' })),
      ...{ owner: Type.Optional(countdown.owner), acknowledge_by_ms: Type.Optional(countdown.acknowledge_by_ms) },
    },
  }),
  eventType('mendline.emergency.acknowledged.v1', {
    ...{ subject: 'emergency', summary: 'Somebody took it on; nobody else is called until it is not resolved in time' },
    data: { ...emergency, by: text, via: text, note: text, after_ms: after, resolve_by_ms: at },
  }),
  eventType('mendline.emergency.escalated.v1', {
    ...{ subject: 'emergency', summary: 'The ladder went on, or the appliance is not known to be safe' },
    data: {
      ...{ ...emergency, reason: orNull(text) },
      ...{ owner: Type.Optional(countdown.owner), acknowledge_by_ms: Type.Optional(countdown.acknowledge_by_ms), notified: Type.Optional(notified) },
      ...{ rung: Type.Optional(Type.Integer()), call: Type.Optional(Type.Integer({ description: 'Which call it is, from 1' })) },
      ...{ command_id: Type.Optional(text), command_state: Type.Optional(orNull(text)), device_reason: Type.Optional(orNull(text)) },
    },
  }),
  eventType('mendline.emergency.resolved.v1', {
    ...{ subject: 'emergency', summary: 'It is over' },
    data: { ...emergency, by: text, reason: text, after_ms: after },
  }),
  eventType('mendline.household.advice.v1', {
    ...{ subject: 'emergency', summary: 'What the household should do now; bring it to them, and the receipt back' },
    data: {
      ...{ ...emergency, title: Type.Optional(text), text, locale: Type.Enum(['en', 'zh-CN']), texts: Type.Optional(localText) },
      receipt_path: Type.Optional(Type.String({ description: 'GET shows the advice, POST says that it was read' })),
      receipt_url: Type.Optional(text),
    },
  }),
  eventType('mendline.household.advice_read.v1', {
    ...{ subject: 'emergency', summary: 'The household says that it read the advice' },
    data: { ...emergency, read_at_ms: at, after_ms: after },
  }),
]

const FINDINGS: readonly EventType[] = [
  eventType('mendline.diagnosis.made.v1', {
    ...{ subject: 'case, or the diagnosis where there is none', summary: 'The answer for a unit changed' },
    data: { diagnosis: DiagnosisSchema, case_id: orNull(text), work_order_id: orNull(text) },
  }),
  eventType('mendline.parts.need.v1', {
    ...{ subject: 'work order', summary: 'Parts that an order will probably need; empty when it is over' },
    data: { work_order_id: text, device: text, safety_class: SafetyClassSchema, parts: Type.Array(PartNeedSchema) },
  }),
  eventType('mendline.remote.offered.v1', {
    ...{ subject: 'work order', summary: 'The household or the appliance can do something before a visit' },
    data: { offer: RemoteOfferSchema },
  }),
  eventType('mendline.remote.moved.v1', {
    ...{ subject: 'work order', summary: 'What came of an offer before a visit' },
    data: { offer: RemoteOfferSchema },
  }),
  eventType('mendline.repair.sign.v1', {
    ...{ subject: 'work order', summary: 'Sensors speak against a repair or its code' },
    data: { sign_id: text, sign: text, work_order_id: text, device: text, code: text, sensed: orNull(text), reason: text, engineer: text },
  }),
  eventType('mendline.experience.risk.v1', {
    ...{ subject: 'work order', summary: 'An order came to be at risk of a complaint, or no longer is' },
    data: { risk: OrderRiskSchema, bound: Type.Object({ up: Type.Number(), down: Type.Number() }), is_open: Type.Boolean() },
  }),
  eventType('mendline.experience.intervention.v1', {
    ...{ subject: 'work order', summary: 'An intervention was opened, escalated, answered, or lapsed' },
    data: { intervention: InterventionSchema },
  }),
]

const ofHelp = (name: string, summary: string, more: TProperties = {}): EventType =>
  eventType(`mendline.help.${name}.v1`, { subject: 'work order', summary, data: { request: HelpRequestSchema, ...more } })

const HELP: readonly EventType[] = [
  ofHelp('requested', 'An engineer on site asks for an expert or for parts'),
  ofHelp('taken', 'An expert has it, or the parts are promised'),
  ofHelp('escalated', 'Nobody took it in time, or the promise was broken', { reason: Type.Enum(['nobody_took_it', 'promise_broken']) }),
  ofHelp('done', 'It ended'),
  ofHelp('withdrawn', 'The visit is over'),
]

const ofCare = (name: string, summary: string, more: TProperties = {}): EventType =>
  eventType(`mendline.care.${name}.v1`, { subject: 'device', summary, data: { care: CareSchema, ...more } })

const CARE: readonly EventType[] = [
  ofCare('due', 'Maintenance of a unit is due by its use, by time or by a sign; told again while nobody does it'),
  ofCare('done', 'It was done, and is counted anew', {
    done: Type.Object({ at_ms: at, actor: text, note: text, work_order_id: orNull(text) }),
  }),
  ofCare('tip', 'A habit of the household costs energy or wears the unit'),
]

const ofDevice = (name: string, summary: string): EventType =>
  eventType(`mendline.device.${name}.v1`, { subject: 'device', summary, data: { device: text, at_ms: at } })

const PLATFORM: readonly EventType[] = [
  ofDevice('silent', 'A unit has not been heard for longer than it should'),
  ofDevice('returned', 'A silent unit was heard again'),
  eventType('mendline.system.alarm.v1', {
    ...{ subject: '`system:` and the part', summary: 'Something is wrong with the platform itself' },
    data: { subject: text, at_ms: at, detail: Type.Record(Type.String(), Type.Union([Type.Number(), text])) },
  }),
  eventType('mendline.test.v1', { subject: 'test of an endpoint', summary: 'Asked for by the test button', data: {} }),
]

export const EVENT_TYPES: readonly EventType[] = [...CASES, ...ORDERS, ...FINDINGS, ...HELP, ...CARE, ...EMERGENCIES, ...PLATFORM]

/** What is wrong with an event against its published schema, undocumented fields of `data` included; empty = nothing. */
export function faultsOfEvent(event: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }): readonly string[] {
  const known = EVENT_TYPES.find(({ type }) => type === event.type)
  if (known === undefined) return [`${event.type} is not published`]
  const { data } = (known.schema as TObject<{ data: TObject }>).properties
  const undocumented = Object.keys(event.data).filter((field) => !(field in data.properties))
  // As it goes over the wire: a field that is undefined does not stand there.
  const wire: unknown = JSON.parse(JSON.stringify(event))
  return [
    ...undocumented.map((field) => `${event.type}: data.${field} is not documented`),
    ...Value.Errors(known.schema, wire).map(({ instancePath, message }) => `${event.type}: ${instancePath} ${message}`),
  ]
}
