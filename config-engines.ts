/** Settings of what stands beside the program: an engine that holds the readings, and brokers of others that are read. */
import { type Static, Type } from 'typebox'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import { type ConfigFault, Secret } from './config-files.ts'

export const storeSchema = Type.Object(
  {
    kind: Type.Enum(['duckdb', 'influx'], {
      default: 'duckdb',
      description: 'Where readings go: the embedded store, or an engine with the InfluxDB v2 API',
    }),
    url: Type.Optional(Type.String({ pattern: '^https?://', description: 'Base address of the HTTP API of the engine' })),
    language: Type.Enum(['metricsql', 'flux'], {
      default: 'metricsql',
      description: 'Query language: VictoriaMetrics has MetricsQL, InfluxDB 2 has Flux',
    }),
    token: Type.String({ default: '', description: 'Token of the engine; empty for one without logins' }),
    organisation: Type.String({ default: 'mendline', description: 'Organisation in InfluxDB 2' }),
    bucket: Type.String({ default: 'mendline', description: 'Bucket in InfluxDB 2' }),
  },
  { additionalProperties: false },
)

export const foreignBrokersSchema = Type.Array(
  Type.Object(
    {
      url: Type.String({ pattern: '^(mqtt|mqtts|ws|wss)://', description: 'Address of the broker; MQTT 5' }),
      username: Type.Optional(Type.String()),
      password: Type.Optional(Type.String()),
      group: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', default: 'mendline', description: 'Group of the shared subscription' }),
      tenant: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', default: DEFAULT_TENANT, description: 'Whose mappings claim topics outside mend/v1' }),
      filters: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 8, description: 'Topic filters without `$share`' }),
      member: Type.Integer({ minimum: 0, maximum: 999, default: 0, description: 'This process among those of the group' }),
      sessions: Type.Integer({ minimum: 1, maximum: 64, default: 8, description: 'Sessions of each member' }),
      takeover_ms: Type.Integer({ minimum: 100, maximum: 3_600_000, default: 10_000, description: 'How long a session may stand free' }),
      session_expiry_s: Type.Integer({
        minimum: 60,
        maximum: 4_294_967_294,
        default: 86_400,
        description: 'How long the broker keeps a free session',
      }),
    },
    { additionalProperties: false },
  ),
  { default: [], description: 'Brokers of others that are read by shared subscription (docs/gateways/other-brokers.md)' },
)

export interface ForeignBroker {
  readonly url: string
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly group: string
  readonly tenant: string
  readonly filters: readonly string[]
  readonly member: number
  readonly sessions: number
  readonly takeoverMs: number
  readonly sessionExpiryS: number
}

export type StoreSettings =
  | { readonly kind: 'duckdb' }
  | {
      readonly kind: 'influx'
      readonly url: string
      readonly language: 'metricsql' | 'flux'
      readonly token: Secret
      readonly organisation: string
      readonly bucket: string
    }

export function foreignBroker({
  username,
  password,
  takeover_ms: takeoverMs,
  session_expiry_s: sessionExpiryS,
  ...rest
}: Static<typeof foreignBrokersSchema>[number]): ForeignBroker {
  return { ...rest, username, password: password === undefined ? undefined : new Secret(password), takeoverMs, sessionExpiryS }
}

/** What the settings say of the store; an engine without an address is a fault. */
export function storeSettings({ kind, url, token, ...rest }: Static<typeof storeSchema>, faults: ConfigFault[]): StoreSettings {
  if (kind === 'duckdb') return { kind }
  if (url === undefined) faults.push({ path: 'store.url', reason: 'is missing; an engine has an address' })
  return { kind, url: url ?? '', token: new Secret(token), ...rest }
}
