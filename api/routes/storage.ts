/** What the reading store holds by tier and appliance type. It counts all tenants together, so only an admin may ask. */
import { Type } from 'typebox'
import type { App, RouteContext } from '../app.ts'
import { answers, listOf } from '../requests.ts'

const orNull = Type.Union([Type.Integer(), Type.Null()])

const TierSchema = Type.Object({
  tier: Type.String({ description: 'hot, cold, texts, hourly, daily, quarantine; hot_file = the database in which hot readings stand' }),
  type: Type.String({ description: 'Appliance type; empty where the tier is of all' }),
  rows: Type.Integer(),
  bytes: Type.Integer(),
  files: Type.Integer(),
  days: Type.Integer({ description: 'UTC days of which there is something' }),
  oldest_ms: orNull,
  newest_ms: orNull,
})

export function storageRoutes(app: App, { ports }: RouteContext): void {
  app.get(
    '/storage',
    {
      config: { scope: 'admin' },
      schema: { tags: ['storage'], summary: 'Rows, bytes and age of what is stored, by tier and type', response: answers(200, listOf(TierSchema)) },
    },
    async () => ({ items: [...(await ports.storage.storage())], next: null }),
  )
}
