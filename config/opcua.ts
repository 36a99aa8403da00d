/** Settings of the gateways to OPC UA servers: what is asked of a user, and its translation for the gateway. */
import { type Static, Type } from 'typebox'
import { type ConfigFault, Secret } from '../config-files.ts'

const ID = '^[A-Za-z0-9_-]{1,64}$'
const DATA_TYPES = ['Boolean', 'SByte', 'Byte', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Int64', 'UInt64', 'Float', 'Double', 'String']

const channelFields = {
  channel: Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }),
  datatype: Type.Optional(Type.Enum(DATA_TYPES)),
  unit: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
  quality: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' })),
}

export const opcuaSchema = Type.Array(
  Type.Object(
    {
      name: Type.String({ pattern: ID }),
      url: Type.String({ pattern: '^opc[.]tcp://' }),
      tenant: Type.String({ pattern: ID, default: 'home' }),
      security_policy: Type.Enum(['None', 'Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'], { default: 'Basic256Sha256' }),
      security_mode: Type.Enum(['None', 'Sign', 'SignAndEncrypt'], { default: 'SignAndEncrypt' }),
      username: Type.Optional(Type.String({ minLength: 1 })),
      password: Type.Optional(Type.String()),
      user_cert_file: Type.Optional(Type.String({ minLength: 1 })),
      user_key_file: Type.Optional(Type.String({ minLength: 1 })),
      sampling_ms: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 1_000 }),
      publishing_ms: Type.Integer({ minimum: 50, maximum: 3_600_000, default: 1_000 }),
      queue_size: Type.Integer({ minimum: 1, maximum: 100_000, default: 600 }),
      nodes: Type.Array(
        Type.Object(
          {
            node: Type.Optional(Type.String({ minLength: 3 })),
            path: Type.Optional(Type.String({ minLength: 1 })),
            device: Type.String({ pattern: ID }),
            ...channelFields,
          },
          { additionalProperties: false },
        ),
        { default: [] },
      ),
      rules: Type.Array(
        Type.Object(
          {
            folder: Type.String({ minLength: 1 }),
            type: Type.Optional(Type.String({ minLength: 1 })),
            device: Type.String({ minLength: 1, maxLength: 64, default: '{name}' }),
            channels: Type.Record(Type.String(), Type.Object(channelFields, { additionalProperties: false })),
          },
          { additionalProperties: false },
        ),
        { default: [] },
      ),
    },
    { additionalProperties: false },
  ),
  { default: [], description: 'OPC UA servers that are read (docs/gateways/opc-ua.md)' },
)

type Given = Static<typeof opcuaSchema>[number]

/** A server as the gateway takes it, its password still closed. */
export interface OpcuaServer {
  readonly name: string
  readonly url: string
  readonly tenant: string
  readonly securityPolicy: string
  readonly securityMode: string
  readonly user:
    | { readonly kind: 'anonymous' }
    | { readonly kind: 'password'; readonly name: string; readonly password: Secret }
    | { readonly kind: 'certificate'; readonly certificateFile: string; readonly keyFile: string }
  readonly samplingMs: number
  readonly publishingMs: number
  readonly queueSize: number
  readonly nodes: Given['nodes']
  readonly rules: Given['rules']
}

/** Servers of the settings; contradictions are faults. */
export function opcuaServers(given: readonly Given[], faults: ConfigFault[]): readonly OpcuaServer[] {
  const names = new Set<string>()
  return given.map((server, index) => {
    const path = `opcua.${index}`
    if (names.has(server.name)) faults.push({ path: `${path}.name`, reason: `another server is named ${server.name}` })
    names.add(server.name)
    if ((server.security_policy === 'None') !== (server.security_mode === 'None'))
      faults.push({ path: `${path}.security_mode`, reason: 'policy and mode are None both or neither' })
    for (const [at, { node, path: browsePath }] of server.nodes.entries())
      if ((node === undefined) === (browsePath === undefined)) faults.push({ path: `${path}.nodes.${at}`, reason: 'needs either node or path' })
    return toServer(server, path, faults)
  })
}

function toServer(server: Given, path: string, faults: ConfigFault[]): OpcuaServer {
  const { name, url, tenant, nodes, rules } = server
  const settings = { samplingMs: server.sampling_ms, publishingMs: server.publishing_ms, queueSize: server.queue_size }
  const security = { securityPolicy: server.security_policy, securityMode: server.security_mode }
  return { name, url, tenant, nodes, rules, ...settings, ...security, user: userOf(server, path, faults) }
}

function userOf({ username, password, user_cert_file: certificateFile, user_key_file: keyFile }: Given, path: string, faults: ConfigFault[]) {
  if (username !== undefined) return { kind: 'password', name: username, password: new Secret(password ?? '') } as const
  if (certificateFile !== undefined && keyFile !== undefined) return { kind: 'certificate', certificateFile, keyFile } as const
  if (certificateFile !== undefined || keyFile !== undefined)
    faults.push({ path: `${path}.user_cert_file`, reason: 'a user certificate needs user_cert_file and user_key_file' })
  if (password !== undefined) faults.push({ path: `${path}.password`, reason: 'needs username' })
  return { kind: 'anonymous' } as const
}
