/**
 * The HTTP API: fastify with typebox schemas over the ports that main hands in. It checks keys and scopes, answers errors as
 * problem+json, describes itself at /openapi.json, serves the console at / and hands WebSocket connections at /mqtt to the broker.
 * It holds no state of its own; `stop` lets open requests end, then closes their sockets.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import { Type } from 'typebox'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { fieldRefused } from '#kernel/field-errors.ts'
import { isDeeperThan, JSON_DEPTH_MAX } from '#kernel/json-depth.ts'
import { findInJson, hasRepeatedName, jsonFault, jsonField, parseJson } from '#kernel/json-text.ts'
import type { Limits } from '#kernel/limits.ts'
import { listenFailure } from '#kernel/listen-failure.ts'
import type { Log } from '#kernel/log.ts'
import type { App, RouteContext } from './app.ts'
import type { Scope } from './keys.ts'
import { isFromThisMachine } from './loopback-only.ts'
import { attachMqtt } from './mqtt-upgrade.ts'
import type { ApiPorts } from './ports.ts'
import { problemHandler, strictValidatorCompiler, validatorCompiler } from './problems.ts'
import { alarmRoutes } from './routes/alarms.ts'
import { backtestRoutes } from './routes/backtests.ts'
import { careRoutes } from './routes/care.ts'
import { channelStateRoutes } from './routes/channel-states.ts'
import { cohortRoutes } from './routes/cohorts.ts'
import { commandRoutes } from './routes/commands.ts'
import { consoleRoutes } from './routes/console.ts'
import { deviceRoutes } from './routes/devices.ts'
import { emergencyRoutes } from './routes/emergencies.ts'
import { emergencyLinkRoutes } from './routes/emergency-links.ts'
import { eventTypeRoutes } from './routes/event-types.ts'
import { experienceRoutes } from './routes/experience.ts'
import { exportRoutes } from './routes/exports.ts'
import { grafanaDeviceRoutes } from './routes/grafana-device.ts'
import { grafanaFleetRoutes } from './routes/grafana-fleet.ts'
import { healthRoutes } from './routes/health.ts'
import { helpRoutes } from './routes/help.ts'
import { identityRoutes } from './routes/identity.ts'
import { importRoutes } from './routes/imports.ts'
import { intakeRoutes } from './routes/intake.ts'
import { jobRoutes } from './routes/jobs.ts'
import { keyRoutes } from './routes/keys.ts'
import { lineageRoutes } from './routes/lineage.ts'
import { mappingRoutes } from './routes/mappings.ts'
import { modelRoutes } from './routes/models.ts'
import { orderChainRoutes } from './routes/order-chain.ts'
import { quarantineRoutes } from './routes/quarantine.ts'
import { readingRoutes } from './routes/readings.ts'
import { remainingLifeRoutes } from './routes/remaining-life.ts'
import { remoteRoutes } from './routes/remote.ts'
import { reportPage } from './routes/report-page.ts'
import { ruleRoutes } from './routes/rules.ts'
import { serviceRoutes } from './routes/service.ts'
import { storageRoutes } from './routes/storage.ts'
import { truthRoutes } from './routes/truth.ts'
import { twinRoutes } from './routes/twin.ts'
import { typeRoutes } from './routes/types.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { workOrderRoutes } from './routes/work-orders.ts'

export interface ApiSettings {
  readonly host: string
  /** 0 = a free port. */
  readonly port: number
  readonly tls?: { readonly key: string; readonly cert: string } | undefined
  /** Development mode: refuses requests that name another host or come from a page of another. */
  readonly isLoopbackOnly?: boolean
}

export interface Api {
  /** Listens; gives the port. */
  start(): Promise<{ readonly port: number }>
  stop(): Promise<void>
  /** The HTTP server under the API. */
  readonly server: Server
  /** The application, for `inject` in tests. */
  readonly app: App
}

export interface ApiOptions {
  readonly ports: ApiPorts
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly settings: ApiSettings
  /** Version of the program, for OpenAPI. */
  readonly version: string
}

const ROUTES = [
  keyRoutes,
  deviceRoutes,
  identityRoutes,
  twinRoutes,
  commandRoutes,
  mappingRoutes,
  typeRoutes,
  readingRoutes,
  truthRoutes,
  serviceRoutes,
  alarmRoutes,
  ruleRoutes,
  backtestRoutes,
  emergencyRoutes,
  storageRoutes,
  workOrderRoutes,
  orderChainRoutes,
  experienceRoutes,
  intakeRoutes,
  remoteRoutes,
  helpRoutes,
  careRoutes,
  lineageRoutes,
  webhookRoutes,
  eventTypeRoutes,
  quarantineRoutes,
  channelStateRoutes,
  modelRoutes,
  jobRoutes,
  importRoutes,
  exportRoutes,
  cohortRoutes,
  remainingLifeRoutes,
  grafanaFleetRoutes,
  grafanaDeviceRoutes,
]

/** Builds the API; opens nothing before `start`. */
export async function createApi({ ports, clock, log, limits, settings, version }: ApiOptions): Promise<Api> {
  const app: App = fastify({
    bodyLimit: limits.apiBodyBytes_MAX,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 },
    serverFactory: (handler) => {
      const server = settings.tls === undefined ? createServer(handler) : (createTlsServer(settings.tls, handler) as unknown as Server)
      server.requestTimeout = limits.apiRequestTimeoutMs
      server.headersTimeout = limits.apiRequestTimeoutMs
      return server
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  const context: RouteContext = { ports, clock, limits }
  app.setValidatorCompiler(validatorCompiler)
  // What the ports give is what goes out; the tests hold it against the schemas.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  // Many clients name JSON as the type of a body that they do not send (DELETE, rotation).
  const readJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined)
    else void readJson(request, body.toString(), (error, value) => done(error ?? refusalOf(body.toString(), value), value))
  })
  app.setErrorHandler(problemHandler(log))
  app.setNotFoundHandler((request) => {
    throw new MendlineError('MDL_API_NOT_FOUND', `there is no ${request.method} ${request.url.split('?')[0]}`)
  })
  app.decorateRequest('caller', undefined)
  app.decorateRequest('token', '')
  if (settings.isLoopbackOnly === true) {
    app.addHook('onRequest', async ({ headers }) => {
      if (!isFromThisMachine(headers)) throw new MendlineError('MDL_API_FORBIDDEN', 'development mode answers this machine only')
    })
  }
  checkKeys(app, ports)
  await describe(app, version)
  await app.register(
    async (routes) => {
      routes.setValidatorCompiler(strictValidatorCompiler)
      routes.addHook('onRoute', ({ schema }) => {
        if (schema !== undefined) schema.querystring ??= Type.Object({})
      })
      for (const add of ROUTES) add(routes as App, context)
    },
    { prefix: '/api/v1' },
  )
  healthRoutes(app, context)
  // In a scope of its own: how it reads forms is nobody else's business.
  await app.register(async (pages) => emergencyLinkRoutes(pages as App, context))
  await consoleRoutes(app)
  await reportPage(app, context)
  const mqtt = attachMqtt(app.server, ports.mqtt, { limits, isLoopbackOnly: settings.isLoopbackOnly === true })
  await app.ready()
  return {
    server: app.server,
    app,
    async start() {
      const { host, port: wanted } = settings
      await app.listen({ host, port: wanted }).catch((cause: unknown) => {
        throw listenFailure(cause, { setting: 'http.port', host, port: wanted })
      })
      const { port } = app.server.address() as AddressInfo
      log.info('api listens', { host, port })
      return { port }
    },
    async stop() {
      mqtt.close()
      const cancel = clock.after(limits.apiDrainMs, () => app.server.closeAllConnections())
      app.server.closeIdleConnections()
      await app.close()
      cancel()
    },
  }
}

/** Why a body is refused that JSON.parse takes: nested too deep, a name that stands twice, a number that became Infinity. */
function refusalOf(text: string, value: unknown): MendlineError | null {
  if (isDeeperThan(value, JSON_DEPTH_MAX)) return tooDeep()
  const unseen = text.includes('\\u0000') ? findInJson(value, hasNul) : undefined
  if (unseen !== undefined) return fieldRefused(jsonField('body', unseen), 'has the character U+0000')
  const fault = jsonFault(hasRepeatedName(text, value) ? parseJson(text) : value)
  if (fault === undefined) return null
  return fieldRefused(jsonField('body', fault.path), fault.reason)
}

/** No text of ours has it, and not every store takes it. */
const hasNul = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.includes('\0')
    : typeof value === 'object' && value !== null && Object.keys(value).some((name) => name.includes('\0'))

/** Before anything walks the body. */
const tooDeep = (): MendlineError =>
  new MendlineError('MDL_API_INVALID', `body: is nested deeper than ${JSON_DEPTH_MAX} levels`, {
    details: { errors: [{ field: 'body', reason: `is nested deeper than ${JSON_DEPTH_MAX} levels` }] },
  })

/** Holds each route that names a scope to a key that has it. */
function checkKeys(app: App, ports: ApiPorts): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    const { scope } = request.routeOptions.config
    if (scope === undefined) return
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (token === undefined) throw new MendlineError('MDL_API_UNAUTHORISED', 'send `Authorization: Bearer mdl_<id>_<secret>`')
    const caller = await ports.keys.authenticate(token)
    if (caller === undefined) throw new MendlineError('MDL_API_UNAUTHORISED', 'the API key is unknown or revoked')
    if (!holds(caller.scopes, scope)) throw new MendlineError('MDL_API_FORBIDDEN', `the key lacks the scope ${scope}`)
    request.caller = caller
    request.token = token
  })
}

/** A scope to write includes reading. */
function holds(scopes: ReadonlySet<Scope>, wanted: Scope): boolean {
  return scopes.has('admin') || scopes.has(wanted) || (wanted === 'read' && scopes.size > 0)
}

/** OpenAPI 3.1 from the schemas of the routes. */
async function describe(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Mendline',
        version,
        description: 'Readings, diagnoses, work orders and webhooks of home appliances. Times are epoch milliseconds; lists are `{items, next}`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'mdl_<id>_<secret>' } } },
    },
    hideUntagged: true,
  })
  app.addHook('onRoute', (route) => {
    const scope = route.config?.scope
    if (route.schema === undefined) return
    route.schema.operationId ??= operationId(String(route.method), route.url)
    if (scope !== undefined) route.schema.security = [{ key: [] }]
  })
}

/** `get_work_orders_id_events` for `GET /api/v1/work-orders/:id/events`: a name for generated clients that changes only with the route. */
const operationId = (method: string, url: string): string =>
  `${method.toLowerCase()}_${url
    .replace('/api/v1/', '')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')}`
