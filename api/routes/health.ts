/** Whether the process lives and takes messages, its metrics, its description, and the live counts of the console. */
import { Type } from 'typebox'
import type { App, RouteContext } from '../app.ts'
import { strictValidatorCompiler } from '../problems.ts'
import { answers, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['health']

export function healthRoutes(app: App, { ports, clock }: RouteContext): void {
  app.get('/livez', { schema: { tags, summary: 'The process runs', response: answers(200, Type.Object({ status: Type.String() })) } }, async () => ({
    status: 'alive',
  }))
  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'The process takes messages; 503 when it does not',
        response: answers(200, Type.Object({ status: Type.String(), checks: Type.Record(Type.String(), Type.String()) })),
      },
    },
    async (_request, reply) => {
      const { isReady, checks } = await ports.health.ready()
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', checks })
    },
  )
  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Metrics in the Prometheus text format',
        response: { 200: { description: 'Metrics', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (_request, reply) => reply.type(ports.metrics.contentType).send(await ports.metrics.metrics()),
  )
  app.get('/openapi.json', async () => app.swagger())
  app.get(
    '/api/v1/status',
    {
      config: { scope: 'read' },
      // It stands with its siblings outside the prefix, and is as strict as what is below it.
      validatorCompiler: strictValidatorCompiler,
      schema: {
        tags,
        summary: 'Live counts',
        querystring: Type.Object(tenantQuery),
        response: answers(200, Type.Object({ now_ms: Type.Integer(), counts: Type.Record(Type.String(), Type.Number()) })),
      },
    },
    async (request) => ({ now_ms: clock.now(), counts: await ports.health.status(tenantOf(request, request.query.tenant)) }),
  )
}
