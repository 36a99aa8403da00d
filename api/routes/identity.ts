/** All routes of who may connect: gateways, keys of devices, claims. */
import type { App, RouteContext } from '../app.ts'
import { claimRoutes } from './claims.ts'
import { gatewayRoutes } from './gateways.ts'
import { principalKeyRoutes } from './principal-keys.ts'

export function identityRoutes(app: App, context: RouteContext): void {
  gatewayRoutes(app, context)
  principalKeyRoutes(app, context)
  claimRoutes(app, context)
}
