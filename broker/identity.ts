/**
 * Who may log in: the registries of devices and gateways joined to what the broker asks. A login name belongs to one of them, never to
 * both; revoking a device also takes it from every gateway that spoke for it.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { type Claims, createClaims } from './claims.ts'
import { createSetAttributes, type SetAttributes } from './device-attributes.ts'
import { createDeviceRegistry, type DeviceRecord, type DeviceRegistry } from './device-registry.ts'
import type { DeviceTables } from './device-tables.ts'
import { createGatewayRegistry, type GatewayRegistry, type ListListener } from './gateway-registry.ts'
import type { Login, Principal, Proof } from './principal.ts'
import { createProvisioning, isClaim, type Provisioning } from './provisioning.ts'
import { createTokenKeys, isToken, type TokenKeys, type TokenSettings } from './token-keys.ts'

/** Who logs in, or undefined when what was given does not belong together; at once where nothing has to be waited for. */
export type Verdict = Proof | undefined | Promise<Proof | undefined>

/** What the broker asks of the identities. */
export interface Identity {
  readonly devices: DeviceRegistry
  readonly gateways: GatewayRegistry
  readonly keys: TokenKeys
  readonly claims: Claims
  readonly provisioning: Provisioning
  readonly setAttributes: SetAttributes
  /** Reads all principals into memory; the tables must be there. */
  start(): Promise<void>
  /** Tells who logs in. A secret costs two hashes, whether its name exists or not. */
  authenticate(login: Login): Verdict
  /** Principal of a login name whose owner was proven in another way (a verified client certificate). */
  principalOf(name: string): Principal | undefined
  get(tenant: string, device: string): DeviceRecord | undefined
  /** Tells whether a device or a gateway has the login name, revoked ones included. */
  isKnown(name: string): boolean
  /** Told when credentials of a principal end; its sessions must end with them. */
  onRevoked(listener: (tenant: string, principal: string) => void): void
  onListChanged(listener: ListListener): void
}

export interface IdentityPorts {
  readonly database: Kysely<DeviceTables>
  readonly clock: Clock
  /** Names of the appliance types that a device of the tenant may be of. */
  readonly types: (tenant: string) => ReadonlySet<string>
  readonly tokens?: TokenSettings
}

/** Without settings only registered keys sign. */
const NO_TOKENS: TokenSettings = { audience: 'mendline', issuers: {} }

export function createIdentity({ database, clock, types, tokens = NO_TOKENS }: IdentityPorts): Identity {
  const devices = createDeviceRegistry({ database, clock, types, isTaken: (name) => gateways.has(name) })
  const isDevice = (name: string): boolean => {
    const [tenant = '', id = ''] = name.split(':')
    return devices.get(tenant, id) !== undefined
  }
  const gateways: GatewayRegistry = createGatewayRegistry({ database, clock, factsOf: devices.facts, isTaken: isDevice })
  devices.onRevoked(gateways.deviceRevoked)
  const listeners: Array<(tenant: string, principal: string) => void> = []
  const onEnded = (tenant: string, principal: string): void => {
    for (const listener of listeners) listener(tenant, principal)
  }
  devices.onRevoked(onEnded)
  gateways.onRevoked(onEnded)
  const principalOf = (name: string): Principal | undefined => devices.principalOf(name) ?? gateways.principalOf(name)
  const provisioning = createProvisioning({ database, clock, devices })
  const keys = createTokenKeys({ database, clock, settings: tokens, principalOf, onEnded })
  return {
    devices,
    gateways,
    keys,
    claims: createClaims({ database, clock, devices }),
    provisioning,
    setAttributes: createSetAttributes({ clock, devices }),
    async start() {
      await devices.start()
      await gateways.start()
      await keys.start()
    },
    authenticate(login) {
      if (login.password !== undefined && isToken(login.password)) return keys.authenticate(login)
      if (login.password !== undefined && isClaim(login.password)) return provisioning.authenticate(login)
      const principal = devices.authenticate(login) ?? gateways.authenticate(login)
      return principal === undefined ? undefined : { principal }
    },
    principalOf,
    get: devices.get,
    isKnown: (name) => isDevice(name) || gateways.has(name),
    onRevoked: (listener) => void listeners.push(listener),
    onListChanged: gateways.onListChanged,
  }
}
