/**
 * The settings: the only module that reads files and environment for them. YAML file, then `MENDLINE_<PATH>`, then flags, each over
 * the one before; checked against one schema with all faults reported together, then frozen. Certificates and keys are read here,
 * too. A configuration that would open an unprotected door is refused.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { MendlineError } from '#kernel/errors.ts'
import { type Limits, limits } from '#kernel/limits.ts'
import { isTimeZone } from '#kernel/local-day.ts'
import { type EmergencySettings, emergenciesSchema, emergencySettings } from './config/emergencies.ts'
import { type OpcuaServer, opcuaSchema, opcuaServers } from './config/opcua.ts'
import { deviceDefaultsSchema, retentionSchema } from './config/storage.ts'
import { type ForeignBroker, foreignBroker, foreignBrokersSchema, type StoreSettings, storeSchema, storeSettings } from './config-engines.ts'
import { type ConfigFault, crlOf, issuersOf, Secret, type TlsFiles, tlsFiles } from './config-files.ts'
import { settingLeaves } from './config-leaves.ts'

const host = (fallback: string, description: string) => Type.String({ minLength: 1, maxLength: 253, default: fallback, description })
const port = (fallback: number, description: string) => Type.Integer({ minimum: 0, maximum: 65_535, default: fallback, description })
const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/** Schema of the settings; their table in docs/configuration.md is generated from it. */
export const settingsSchema = Type.Object(
  {
    data: Type.String({ minLength: 1, default: './data', description: 'Folder of journal, readings and operational store' }),
    dev: Type.Boolean({ default: false, description: 'Development: loopback only, API key `dev`, devices without credentials' }),
    log_level: Type.Enum(['debug', 'info', 'warn', 'error'], { default: 'info', description: 'Least level that is written' }),
    mqtt: Type.Object(
      {
        host: host('127.0.0.1', 'Address of MQTT without TLS; loopback unless `dangerous_plain_mqtt`'),
        port: port(1883, 'Port of MQTT; 0 = a free one'),
        dangerous_plain_mqtt: Type.Boolean({
          default: false,
          description: 'Allows MQTT without TLS on a public address (a VPN or a TLS proxy stands before it)',
        }),
        fast_lane: Type.Boolean({
          default: true,
          description: 'Telemetry goes from the socket straight into the journal; `false` = by the MQTT engine',
        }),
      },
      { additionalProperties: false },
    ),
    mqtts: Type.Object(
      {
        host: host('127.0.0.1', 'Address of MQTT over TLS'),
        port: port(8883, 'Port of MQTT over TLS; 0 = a free one'),
        key_file: file('Private key (PEM); MQTT over TLS is on when key and certificate are given'),
        cert_file: file('Certificate chain (PEM)'),
        ca_file: file('Authorities of client certificates (PEM); then CN = `{tenant}:{principal}`'),
        crl_file: file('Certificates of them that are revoked (CRL, PEM); read again when it changes'),
      },
      { additionalProperties: false },
    ),
    jwt: Type.Object(
      {
        audience: Type.String({ minLength: 1, default: 'mendline', description: 'What `aud` of a token must hold' }),
        issuers_file: file('Issuers of tokens by tenant (JSON: `{tenant: {issuer, keys: [JWK with alg]}}`); nothing is fetched'),
      },
      { additionalProperties: false },
    ),
    http: Type.Object(
      {
        host: host('127.0.0.1', 'Address of API, console and metrics'),
        port: port(8080, 'Port of API, console and metrics; 0 = a free one'),
        key_file: file('Private key (PEM); HTTPS is on when key and certificate are given'),
        cert_file: file('Certificate chain (PEM)'),
        behind_tls_proxy: Type.Boolean({ default: false, description: 'Allows HTTP without TLS on a public address (a TLS proxy stands before it)' }),
      },
      { additionalProperties: false },
    ),
    webhooks: Type.Object(
      {
        allow_private_ranges: Type.Boolean({ default: false, description: 'Webhooks may go to loopback and to all private ranges, also by http' }),
        allowed_ranges: Type.Array(Type.String({ minLength: 1, pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' }), {
          default: [],
          description: 'Private ranges that webhooks may go to (CIDR); in a variable separated by commas',
        }),
      },
      { additionalProperties: false },
    ),
    emergencies: emergenciesSchema,
    retention: retentionSchema,
    devices: deviceDefaultsSchema,
    store: storeSchema,
    foreign_brokers: foreignBrokersSchema,
    opcua: opcuaSchema,
    // As an integer the reader would cut a fraction off instead of refusing it.
    limits: Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, multipleOf: 1 }), {
      default: {},
      description: 'Other values for limits of kernel/limits.ts, by name',
    }),
  },
  { additionalProperties: false },
)

type Settings = Static<typeof settingsSchema>

/** Settings as the program uses them; frozen. */
export interface Config {
  readonly dataDir: string
  readonly dev: boolean
  readonly logLevel: Settings['log_level']
  readonly mqtt: { readonly host: string; readonly port: number; readonly fastLane: boolean }
  readonly mqtts: ({ readonly host: string; readonly port: number; readonly crlFile?: string } & TlsFiles) | undefined
  readonly jwt: { readonly audience: string; readonly issuers: ReturnType<typeof issuersOf> }
  readonly http: { readonly host: string; readonly port: number; readonly tls: TlsFiles | undefined }
  readonly webhooks: { readonly allow_private_ranges: boolean; readonly allowed_ranges: readonly string[] }
  readonly emergencies: EmergencySettings
  readonly store: StoreSettings
  readonly retention: Settings['retention']
  /** IANA time zone of devices that name none. */
  readonly timeZone: string
  readonly foreignBrokers: readonly ForeignBroker[]
  readonly opcua: readonly OpcuaServer[]
  readonly limits: Limits
}

/** Files of the data folder that more than one part of the program names. */
export const dataFiles = (dataDir: string) => ({ marker: join(dataDir, 'mendline.json'), operations: join(dataDir, 'operations.sqlite') })

export interface ConfigSources {
  /** YAML file; absent = none. A named file that does not exist is a fault. */
  readonly file?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Settings by path (`mqtt.port`), as the command line gave them. */
  readonly flags: Readonly<Record<string, string | number | boolean | undefined>>
}

/**
 * Reads, merges, checks and freezes the settings.
 * @throws MendlineError MDL_CONFIG_INVALID with every fault, MDL_CONFIG_UNSAFE
 */
export function loadConfig({ file: path, environment, flags }: ConfigSources): Config {
  const faults: ConfigFault[] = []
  const given = path === undefined ? {} : readYaml(path, faults)
  for (const [name, value] of Object.entries(environment)) {
    const settingPath = value === undefined ? undefined : pathOfVariable(name)
    if (settingPath === null) faults.push({ path: name, reason: 'names no setting' })
    else if (settingPath !== undefined) put(given, settingPath, isList(settingPath) ? value?.split(',').filter((item) => item !== '') : value)
  }
  for (const [settingPath, value] of Object.entries(flags)) if (value !== undefined) put(given, settingPath, value)
  const settings = withDefaults(given)
  // An unknown setting is reported twice by the checker; the line that names it is the one for people.
  for (const error of Value.Errors(settingsSchema, settings)) if (error.keyword !== 'boolean') faults.push(toFault(error))
  for (const name of Object.keys(isTree(given.limits) ? given.limits : {})) {
    if (!Object.hasOwn(limits, name)) faults.push({ path: `limits.${name}`, reason: 'names no limit' })
    else if (!ZERO_LIMITS.has(name) && (settings as Settings).limits[name] === 0)
      faults.push({ path: `limits.${name}`, reason: 'must be at least 1' })
  }
  refuse('MDL_CONFIG_INVALID', faults)
  const config = toConfig(settings as Settings, faults)
  refuse('MDL_CONFIG_INVALID', faults)
  refuse('MDL_CONFIG_UNSAFE', unsafeDoors(config, settings as Settings))
  return deepFreeze(config)
}

function refuse(code: 'MDL_CONFIG_INVALID' | 'MDL_CONFIG_UNSAFE', faults: readonly ConfigFault[]): void {
  if (faults.length === 0) return
  const unique = [...new Map(faults.map((fault) => [`${fault.path} ${fault.reason}`, fault])).values()]
  throw new MendlineError(code, unique.map((fault) => `${fault.path}: ${fault.reason}`).join('\n'), { details: { faults: unique } })
}

/** Limits of which none at all makes sense: no clock ahead of ours, no overlap of secrets, no wait at a farewell. Any other holds at least 1. */
const ZERO_LIMITS: ReadonlySet<string> = new Set<keyof Limits>([
  'journalCommitPauseMs',
  'journalZeroedBytes',
  'aheadMs_MAX',
  'secretOverlapMs',
  'farewellMs',
  'brokerDrainMs',
  'apiDrainMs',
])

type Tree = Record<string, unknown>
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

function readYaml(path: string, faults: ConfigFault[]): Tree {
  try {
    const document: unknown = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 })
    if (document === null || document === undefined) return {}
    if (isTree(document)) return document
    faults.push({ path, reason: 'is no map of settings' })
  } catch (error) {
    faults.push({ path, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) })
  }
  return {}
}

/** Variables that the command line reads for itself. */
const CLIENT_VARIABLES = new Set(['MENDLINE_API_KEY', 'MENDLINE_URL', 'MENDLINE_DEVICE_SECRET'])

const leaves = settingLeaves(settingsSchema, '')
const isList = (path: string): boolean => leaves.some((leaf) => leaf.path === path && leaf.type === 'list')
const byVariable = new Map(leaves.map((leaf) => [leaf.variable, leaf.path]))

/** Path of the setting that an environment variable names; null when it is ours and names none. */
function pathOfVariable(name: string): string | null | undefined {
  if (!name.startsWith('MENDLINE_') || CLIENT_VARIABLES.has(name)) return undefined
  if (name.startsWith('MENDLINE_LIMITS_')) {
    const wanted = name.slice('MENDLINE_LIMITS_'.length).toLowerCase()
    const limit = Object.keys(limits).find((known) => known.toLowerCase() === wanted)
    return limit === undefined ? null : `limits.${limit}`
  }
  return byVariable.get(name) ?? null
}

function put(tree: Tree, path: string, value: unknown): void {
  const [first = '', ...rest] = path.split('.')
  if (rest.length === 0) {
    tree[first] = value
    return
  }
  const branch = isTree(tree[first]) ? tree[first] : {}
  tree[first] = branch
  put(branch, rest.join('.'), value)
}

/** Fills what is absent; texts of environment and flags become numbers and booleans where the schema wants them. */
function withDefaults(given: Tree): unknown {
  const branches = Object.entries(settingsSchema.properties).filter(([, schema]) => 'properties' in schema)
  const whole = { ...given }
  for (const [name] of branches) whole[name] ??= {}
  return Value.Convert(settingsSchema, Value.Default(settingsSchema, whole))
}

function toFault(error: { readonly instancePath: string; readonly message: string; readonly params: object }): ConfigFault {
  const params = error.params as { additionalProperties?: readonly string[]; allowedValues?: readonly unknown[] }
  const parts = error.instancePath.split('/').slice(1)
  const extra = Array.isArray(params.additionalProperties) ? params.additionalProperties[0] : undefined
  if (extra !== undefined) return { path: [...parts, extra].join('.'), reason: 'names no setting' }
  if (params.allowedValues !== undefined) return { path: parts.join('.'), reason: `must be one of ${params.allowedValues.join(', ')}` }
  return { path: parts.join('.'), reason: error.message }
}

function toConfig(settings: Settings, faults: ConfigFault[]): Config {
  const { mqtt, mqtts, http } = settings
  const tls = tlsFiles('mqtts', mqtts, faults)
  return {
    dataDir: resolve(settings.data),
    dev: settings.dev,
    logLevel: settings.log_level,
    mqtt: { host: mqtt.host, port: mqtt.port, fastLane: mqtt.fast_lane },
    mqtts: tls === undefined ? undefined : { host: mqtts.host, port: mqtts.port, ...tls, ...crlOf(mqtts, faults) },
    jwt: { audience: settings.jwt.audience, issuers: issuersOf(settings.jwt.issuers_file, faults) },
    http: { host: http.host, port: http.port, tls: tlsFiles('http', http, faults) },
    webhooks: settings.webhooks,
    emergencies: emergencySettings(settings.emergencies, faults),
    store: storeSettings(settings.store, faults),
    retention: settings.retention,
    timeZone: timeZone(settings, faults),
    foreignBrokers: settings.foreign_brokers.map(foreignBroker),
    opcua: opcuaServers(settings.opcua, faults),
    limits: { ...limits, ...settings.limits },
  }
}

function timeZone({ devices }: Settings, faults: ConfigFault[]): string {
  if (!isTimeZone(devices.time_zone))
    faults.push({ path: 'devices.time_zone', reason: `names no time zone, e.g. Europe/Berlin: ${devices.time_zone}` })
  return devices.time_zone
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/

/** Doors that would stand open on a public address. */
function unsafeDoors(config: Config, settings: Settings): ConfigFault[] {
  const isPublic = (address: string): boolean => !LOOPBACK.test(address)
  const doors: ConfigFault[] = []
  const doorsByHost = [['mqtt.host', config.mqtt.host], ['http.host', config.http.host], ...(config.mqtts ? [['mqtts.host', config.mqtts.host]] : [])]
  if (config.dev) {
    for (const [path = '', address = ''] of doorsByHost) {
      if (isPublic(address)) doors.push({ path, reason: `dev listens on loopback only, not on ${address}` })
    }
    return doors
  }
  if (isPublic(config.mqtt.host) && !settings.mqtt.dangerous_plain_mqtt) {
    doors.push({ path: 'mqtt.host', reason: `MQTT without TLS on ${config.mqtt.host}; use mqtts, or set mqtt.dangerous_plain_mqtt` })
  }
  if (isPublic(config.http.host) && config.http.tls === undefined && !settings.http.behind_tls_proxy) {
    doors.push({
      path: 'http.host',
      reason: `HTTP without TLS on ${config.http.host}; give http.key_file and http.cert_file, or set http.behind_tls_proxy`,
    })
  }
  return doors
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Secret) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
