/** Shape of the fastify application with typebox schemas, and what each route file is given. */
import type { Server } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawReplyDefaultExpression, RawRequestDefaultExpression } from 'fastify'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Caller, Scope } from './keys.ts'
import type { ApiPorts } from './ports.ts'

export type App = FastifyInstance<
  Server,
  RawRequestDefaultExpression<Server>,
  RawReplyDefaultExpression<Server>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface RouteContext {
  readonly ports: ApiPorts
  readonly clock: Clock
  readonly limits: Limits
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the key check before any handler of `/api/v1` runs. */
    caller: Caller | undefined
    /** Token as it was sent. */
    token: string
  }
  interface FastifyContextConfig {
    /** Scope that the route needs; routes without it are open. */
    scope?: Scope
  }
}

export type Request = Pick<FastifyRequest, 'caller' | 'token' | 'headers'>
