/** Remaining life of the parts of one unit, by age, usage and the standing diagnosis. */
import { Type } from 'typebox'
import { LIFE_COVARIATE_BOUNDS, LIFE_COVARIATES, type LifeCovariate } from '#catalogue/life.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { RemainingLifeSchema } from '../life-ports.ts'
import { answers, found, tenantOf, tenantQuery } from '../requests.ts'

const given = Object.fromEntries(
  Object.entries(LIFE_COVARIATE_BOUNDS).map(([name, [minimum, maximum]]) => [
    name,
    Type.Optional(Type.Number({ minimum, maximum, description: LIFE_COVARIATES[name as LifeCovariate] })),
  ]),
)

export function remainingLifeRoutes(app: App, { ports }: RouteContext): void {
  app.get(
    '/devices/:device/remaining-life',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['devices'],
        summary: 'Hazard, chance of failure within 30 and 90 days and median remaining life of the parts of a unit, with what they rest on',
        params: Type.Object({ device: IdSchema }),
        querystring: Type.Object({ ...tenantQuery, ...given }),
        response: answers(200, RemainingLifeSchema),
      },
    },
    async (request) => {
      const { tenant, ...usage } = request.query as Readonly<Record<string, number>> & { readonly tenant?: string }
      const { device } = request.params
      return found(await ports.remainingLife.outlook(tenantOf(request, tenant), device, usage), `remaining life of ${device}`)
    },
  )
}
