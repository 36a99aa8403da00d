/**
 * The mappings of users, by tenant. Registering one under the name of another makes its next version; records name the version that was
 * newest when they came, so an old record is decoded for ever as it was first. It also says which messages a mapping is for: by topic,
 * by device or by type, always the newest version.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Migration } from '#kernel/migration.ts'
import { isRecord, parsePayload } from '../decode-json.ts'
import { createMappingBook, type MappingBook, type MappingVersion } from './mapping-book.ts'
import { type MappingDocument, readMappingText } from './mapping-document.ts'
import { follow, parsePath } from './mapping-path.ts'

export interface MappingTables {
  mappings: { tenant: string; mapping: string; version: number; definition: string; created_at_ms: number }
}

export const mappingMigrations: readonly Migration[] = [
  {
    id: '0240-mappings',
    statements: [
      `CREATE TABLE mappings (tenant TEXT NOT NULL, mapping TEXT NOT NULL, version INTEGER NOT NULL, definition TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, mapping, version))`,
    ],
  },
]

export interface MappingRecord {
  readonly mapping: string
  readonly version: number
  readonly match: NonNullable<MappingDocument['match']>
  readonly definition: string
  readonly created_at_ms: number
}

/** Whom a message on a foreign topic is of: `login` = the device that logged in, undefined = the payload names none. */
export interface MappingRoute {
  readonly reference: string
  readonly device: { readonly kind: 'login' } | { readonly kind: 'named'; readonly device: string | undefined }
}

export interface MappingRegistry {
  start(): Promise<void>
  /**
   * Registers a mapping; the newest definition again changes nothing, another one makes the next version.
   * @param prepare makes the version known to who decodes, before any record names it
   * @throws MendlineError MDL_MAPPING_INVALID, MDL_API_CONFLICT
   */
  register(tenant: string, definition: string, prepare: (version: MappingVersion) => Promise<void>): Promise<MappingRecord>
  /** Newest versions in order of their names. */
  list(tenant: string): readonly MappingRecord[]
  get(tenant: string, mapping: string): MappingRecord | undefined
  /** The mapping for a message on a topic outside `mend/`. */
  route(tenant: string, topic: string, payload: Uint8Array): MappingRoute | undefined
  /** `id@version` of the mapping for a device on its own topic: one that names it goes before one of its type. */
  forDevice(tenant: string, device: string, type: string): string | undefined
  readonly book: MappingBook
}

interface Entry {
  readonly record: MappingRecord
  readonly document: MappingDocument
}

type RegistryParts = {
  readonly database: Kysely<MappingTables>
  readonly clock: Clock
  /** A type by its name in a tenant; undefined where nobody described it yet. */
  readonly typeOf?: (tenant: string, name: string) => Pick<ApplianceType, 'channels'> | undefined
  readonly limits: Pick<Limits, 'mappingsPerTenant_MAX' | 'jsonDepth_MAX'>
}

export function createMappingRegistry({ database, clock, typeOf = () => undefined, limits }: RegistryParts): MappingRegistry {
  const book = createMappingBook()
  const tenants = new Map<string, Map<string, Entry>>()
  const of = (tenant: string): ReadonlyMap<string, Entry> => tenants.get(tenant) ?? new Map<string, Entry>()
  const newest = (tenant: string, isFor: (document: MappingDocument) => boolean): Entry | undefined => {
    for (const entry of of(tenant).values()) if (isFor(entry.document)) return entry
    return undefined
  }

  const remember = (tenant: string, entry: Entry): void => {
    const mine = new Map(tenants.get(tenant)).set(entry.record.mapping, entry)
    tenants.set(tenant, new Map([...mine].sort(([a], [b]) => (a < b ? -1 : 1))))
    book.add({ tenant, reference: referenceOf(entry.record), text: entry.record.definition })
  }

  const register: MappingRegistry['register'] = async (tenant, definition, prepare) => {
    const document = readMappingText(definition, 'mapping')
    const { mapping, match } = complete(document)
    const known = of(tenant).get(mapping)
    if (known?.record.definition === definition) return known.record
    refuseUnknownChannels(document, 'type' in match ? typeOf(tenant, match.type) : undefined)
    refuseOverlap(document, mapping, of(tenant))
    if (known === undefined && of(tenant).size >= limits.mappingsPerTenant_MAX)
      throw new MendlineError('MDL_API_CONFLICT', `a tenant has at most ${limits.mappingsPerTenant_MAX} mappings`)
    const record = { mapping, version: (known?.record.version ?? 0) + 1, match, definition, created_at_ms: clock.now() }
    await prepare({ tenant, reference: referenceOf(record), text: definition })
    await database
      .insertInto('mappings')
      .values({ tenant, mapping, version: record.version, definition, created_at_ms: record.created_at_ms })
      .execute()
    remember(tenant, { record, document })
    return record
  }
  /** Registrations follow each other, for each makes a version on top of the one before. */
  let tail: Promise<unknown> = Promise.resolve()

  return {
    book,
    async start() {
      for (const row of await database.selectFrom('mappings').selectAll().orderBy('version').execute()) {
        const document = readMappingText(row.definition, `${row.mapping}@${row.version}`, { isKept: true })
        const { match } = complete(document)
        const { mapping, version, definition, created_at_ms } = row
        remember(row.tenant, { record: { mapping, version, match, definition, created_at_ms }, document })
      }
    },
    register(tenant, definition, prepare) {
      const turn = tail.catch(() => {}).then(() => register(tenant, definition, prepare))
      tail = turn
      return turn
    },
    list: (tenant) => [...of(tenant).values()].map(({ record }) => record),
    get: (tenant, mapping) => of(tenant).get(mapping)?.record,
    route(tenant, topic, payload) {
      const entry = newest(tenant, ({ match }) => match !== undefined && 'topic' in match && matches(match.topic, topic))
      if (entry === undefined) return undefined
      return { reference: referenceOf(entry.record), device: deviceOf(entry.document, { topic, payload, depth_MAX: limits.jsonDepth_MAX }) }
    },
    forDevice(tenant, device, type) {
      const entry =
        newest(tenant, ({ match }) => match !== undefined && 'devices' in match && match.devices.includes(device)) ??
        newest(tenant, ({ match }) => match !== undefined && 'type' in match && match.type === type)
      return entry === undefined ? undefined : referenceOf(entry.record)
    },
  }
}

const referenceOf = ({ mapping, version }: Pick<MappingRecord, 'mapping' | 'version'>): string => `${mapping}@${version}`

/** What a mapping must have to be registered, beyond what one for a file needs. */
function complete({ mapping, match, fields }: MappingDocument): { readonly mapping: string; readonly match: NonNullable<MappingDocument['match']> } {
  if (mapping !== undefined && match !== undefined && fields !== undefined) return { mapping, match }
  const missing = Object.entries({ mapping, match, fields }).flatMap(([name, value]) => (value === undefined ? [name] : []))
  throw new MendlineError('MDL_MAPPING_INVALID', `a mapping of a server has mapping (its name), match and fields; missing: ${missing.join(', ')}`, {
    details: { faults: missing.map((name) => `${name}: ${name === 'mapping' ? 'the name' : name} is missing`) },
  })
}

/** A mapping for a type names its channels only; of a type that is described later nobody knows them. */
function refuseUnknownChannels({ fields = [] }: MappingDocument, type: Pick<ApplianceType, 'channels'> | undefined): void {
  if (type === undefined) return
  const known = new Set(type.channels.map(({ name }) => name))
  const faults = fields.flatMap(({ channel }, index) => (known.has(channel) ? [] : [`fields.${index}.channel: the type has no channel ${channel}`]))
  if (faults.length > 0) throw new MendlineError('MDL_MAPPING_INVALID', `mapping\n${faults.join('\n')}`, { details: { faults } })
}

/** Two mappings for the same filter, device or type would leave it to chance which one is used. */
function refuseOverlap({ match }: MappingDocument, mapping: string, others: ReadonlyMap<string, Entry>): void {
  for (const [name, { document }] of others) {
    const other = document.match
    if (name === mapping || match === undefined || other === undefined) continue
    const same =
      ('topic' in match && 'topic' in other && match.topic === other.topic) ||
      ('type' in match && 'type' in other && match.type === other.type) ||
      ('devices' in match && 'devices' in other && match.devices.some((device) => other.devices.includes(device)))
    if (same) throw new MendlineError('MDL_API_CONFLICT', `the mapping ${name} is for the same messages`)
  }
}

/** MQTT's match of a topic with a filter (section 4.7). */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}

interface Arrived {
  readonly topic: string
  readonly payload: Uint8Array
  readonly depth_MAX: number
}

function deviceOf({ device }: MappingDocument, { topic, payload, depth_MAX }: Arrived): MappingRoute['device'] {
  if (device === undefined) return { kind: 'login' }
  if ('level' in device) return { kind: 'named', device: topic.split('/')[device.level - 1] }
  const parsed = parsePayload(payload, depth_MAX)
  const value = parsed.kind === 'parsed' ? follow(parsed.value, parsePath(device.field) ?? []) : undefined
  return { kind: 'named', device: isRecord(value) || value === undefined || value === null ? undefined : String(value) }
}
