/** States of channels: when a sensor was not to be trusted, and what showed it. */
import { Type } from 'typebox'
import { CHANNEL_STATE_KINDS, ChannelStateSchema } from '#kernel/channel-state.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, foreignCursor, listOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const instant = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))

export function channelStateRoutes(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/channel-states',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['readings'],
        summary: 'List when the channels of a device were not to be trusted, oldest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device: IdSchema,
          channel: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' })),
          state: Type.Optional(Type.Enum([...CHANNEL_STATE_KINDS])),
          from_ms: instant('Device time; states that ended before are left out'),
          to_ms: instant('Device time; states that begin then or later are left out'),
        }),
        response: answers(200, listOf(ChannelStateSchema)),
      },
    },
    async (request) => {
      const { device, channel, state, from_ms = 0, to_ms = Number.MAX_SAFE_INTEGER } = request.query
      const { limit, after } = pageOf(request.query)
      const place = after === undefined ? undefined : /^(\d{1,16}) ([a-z0-9_]{1,63}\/[a-z_]{1,20})$/.exec(after)
      if (place === null) throw foreignCursor()
      const states = await ports.channelStates.list({
        tenant: tenantOf(request, request.query.tenant),
        device,
        from_ms,
        to_ms,
        ...(place === undefined ? {} : { after: { from_ms: Number(place[1]), key: place[2] ?? '' } }),
        limit,
      })
      const last = states.at(-1)
      const items = states.filter((entry) => (channel ?? entry.channel) === entry.channel && (state ?? entry.state) === entry.state)
      return toWire({ items, next: states.length < limit || last === undefined ? null : `${last.begin_ms} ${last.channel}/${last.state}` })
    },
  )
}
