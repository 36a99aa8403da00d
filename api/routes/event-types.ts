/** The types of events that leave by webhook, each with its JSON Schema: for code generators, contract tests of receivers, and readers. */
import { Type } from 'typebox'
import { EVENT_TYPES } from '#kernel/event-types.ts'
import type { App } from '../app.ts'
import { answers, found, listOf } from '../requests.ts'

const EventTypeSchema = Type.Object({
  type: Type.String(),
  subject: Type.String({ description: 'What the subject is the id of; events of one subject arrive in order' }),
  summary: Type.String(),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) of the whole CloudEvent; further fields may come at any time' }),
})

const tags = ['webhooks']

export function eventTypeRoutes(app: App): void {
  app.get(
    '/event-types',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'List event types with their JSON Schemas', response: answers(200, listOf(EventTypeSchema)) },
    },
    async () => ({ items: EVENT_TYPES, next: null }),
  )
  app.get(
    '/event-types/:type',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read the JSON Schema of one event type',
        params: Type.Object({ type: Type.String({ minLength: 1, maxLength: 100, pattern: '^[a-z0-9_.]+$' }) }),
        response: answers(200, Type.Unknown()),
      },
    },
    async (request) => found(EVENT_TYPES.find(({ type }) => type === request.params.type)?.schema, `event type ${request.params.type}`),
  )
}
