/**
 * Appliance types by tenant and name: those of the catalogue, which every tenant has, and those that a tenant described itself by
 * its channels. An own type has no faults and no rules; its readings are stored, charted and exported like any other.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import { checkQuality } from '#catalogue/check-quality.ts'
import { learnNormalOf, type NewLearnNormal, newLearnNormalOf } from '#catalogue/own-normal.ts'
import { identityOf, type NewIdentity, type NewQuality, newIdentityOf, newQualityOf, qualityOf } from '#catalogue/own-quality.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { isId } from '#kernel/ids.ts'
import { limits as defaultLimits, type Limits } from '#kernel/limits.ts'
import type { Migration } from '#kernel/migration.ts'
import { UNITS, type Unit, unitOfName } from '#kernel/units.ts'
import { columnsOf, KEY_COLUMNS } from './stores/stored-type.ts'

export interface OwnTypeTables {
  own_types: { tenant: string; name: string; definition: string; created_at_ms: number }
}

export const typeMigrations: readonly Migration[] = [
  {
    id: '0001-own-types',
    statements: [
      'CREATE TABLE own_types (tenant TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL, created_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, name))',
    ],
  },
]

/** A channel as `POST /api/v1/types` takes it. */
export interface NewChannel {
  /** Snake case; a unit, when there is one, is its last word. */
  readonly name: string
  readonly kind?: 'number' | 'boolean' | 'text' | undefined
  /** Taken from the name when absent. */
  readonly unit?: string | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  /** The device may send {min, mean, max}. */
  readonly aggregated?: boolean | undefined
  readonly description?: string | undefined
  readonly quality?: NewQuality | undefined
}

export interface NewType {
  readonly type: string
  /** Name for people; the type when absent. */
  readonly name?: string | undefined
  readonly channels: readonly NewChannel[]
  /** Relations that physics demands of the channels; those of an earlier registration stay when absent. */
  readonly identities?: readonly NewIdentity[] | undefined
  /** How the own normal of its devices is learned; that of an earlier registration stays when absent. */
  readonly learn_normal?: NewLearnNormal | undefined
}

export interface TypeRegistry {
  /** Reads the own types; the table must be there. */
  start(): Promise<void>
  /** The type of this name for the tenant, its own or the catalogue's. */
  find(tenant: string, name: string): ApplianceType | undefined
  /** Type by the id that readings carry. */
  byId(id: string): ApplianceType | undefined
  /** Names that a device of the tenant may give as its type. */
  names(tenant: string): ReadonlySet<string>
  /** Catalogue first, then the tenant's own in order of name. */
  list(tenant: string): readonly ApplianceType[]
  /**
   * Adds an own type; the same definition again changes nothing, further channels are added, a channel cannot change its meaning.
   * @param prepare makes room for the type's readings before it is known; when it fails nothing is registered
   * @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT, and what `prepare` throws
   */
  register(tenant: string, type: NewType, prepare: (type: ApplianceType) => Promise<void>): Promise<ApplianceType>
  /** All own types by `${tenant}/${name}`. */
  own(): ReadonlyArray<readonly [key: string, type: ApplianceType]>
}

const CHANNEL_NAME = /^[a-z][a-z0-9_]{0,62}$/

export function createTypeRegistry(parts: {
  readonly database: Kysely<OwnTypeTables>
  readonly catalogue: readonly ApplianceType[]
  readonly clock: Clock
  readonly limits?: Surroundings['limits']
}): TypeRegistry {
  const { database, clock, limits = defaultLimits } = parts
  const common = new Map(parts.catalogue.map((type) => [type.id, type]))
  const own = new Map<string, ApplianceType>()
  const ids = new Map(common)

  const remember = (tenant: string, name: string, type: ApplianceType): void => {
    own.set(`${tenant}/${name}`, type)
    ids.set(type.id, type)
  }

  const register = async (tenant: string, given: NewType, prepare: (type: ApplianceType) => Promise<void>): Promise<ApplianceType> => {
    const known = own.get(`${tenant}/${given.type}`)
    refuseFaults(given, { common, known, limits })
    const type = toApplianceType(tenant, given)
    if (known !== undefined) refuseChanges(known, type)
    const identities = type.identities ?? known?.identities
    const learnNormal = type.learnNormal ?? known?.learnNormal
    const merged = {
      ...type,
      ...(learnNormal === undefined ? {} : { learnNormal }),
      channels: [...keptChannels(known, given), ...type.channels],
      ...(identities === undefined ? {} : { identities }),
    }
    refuseQuality(merged)
    const definition = JSON.stringify({
      ...given,
      channels: merged.channels.map(toNewChannel),
      identities: identities?.map(newIdentityOf),
      learn_normal: learnNormal && newLearnNormalOf(learnNormal),
    })
    await prepare(merged)
    await database
      .insertInto('own_types')
      .values({ tenant, name: given.type, definition, created_at_ms: clock.now() })
      .onConflict((conflict) => conflict.columns(['tenant', 'name']).doUpdateSet({ definition }))
      .execute()
    remember(tenant, given.type, merged)
    return merged
  }
  /** Registrations follow each other, for each builds on what the type had before. */
  let tail: Promise<unknown> = Promise.resolve()

  return {
    async start() {
      for (const row of await database.selectFrom('own_types').selectAll().execute()) {
        remember(row.tenant, row.name, toApplianceType(row.tenant, JSON.parse(row.definition) as NewType))
      }
    },
    find: (tenant, name) => common.get(name) ?? own.get(`${tenant}/${name}`),
    byId: (id) => ids.get(id),
    names(tenant) {
      const prefix = `${tenant}/`
      return new Set([...common.keys(), ...[...own.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))])
    },
    list(tenant) {
      const mine = [...own].filter(([key]) => key.startsWith(`${tenant}/`)).sort(([a], [b]) => (a < b ? -1 : 1))
      return [...common.values(), ...mine.map(([, type]) => type)]
    },
    register(tenant, given, prepare) {
      const turn = tail.catch(() => {}).then(() => register(tenant, given, prepare))
      tail = turn
      return turn
    },
    own: () => [...own],
  }
}

/** Channels that the type had and the new definition does not name; they stay. */
const keptChannels = (known: ApplianceType | undefined, given: NewType): readonly Channel[] =>
  known?.channels.filter((old) => !given.channels.some((channel) => channel.name === old.name)) ?? []

interface Surroundings {
  readonly common: ReadonlyMap<string, ApplianceType>
  readonly known: ApplianceType | undefined
  readonly limits: Pick<Limits, 'channelsPerReading_MAX' | 'normalChannels_MAX'>
}

interface Fault {
  readonly field: string
  readonly reason: string
}

function refuseFaults(given: NewType, { common, known, limits }: Surroundings): void {
  const faults: Fault[] = []
  const kept = keptChannels(known, given)
  if (!isId(given.type)) faults.push({ field: 'type', reason: 'must match [A-Za-z0-9_-]{1,64}' })
  if (common.has(given.type)) faults.push({ field: 'type', reason: 'is a type of the catalogue' })
  if (given.channels.length === 0) faults.push({ field: 'channels', reason: 'must hold at least one channel' })
  if (kept.length + given.channels.length > limits.channelsPerReading_MAX)
    faults.push({ field: 'channels', reason: `makes more than ${limits.channelsPerReading_MAX}, with those that the type has` })
  const numbers = [...kept, ...given.channels].filter(({ kind }) => kind !== 'text').length
  if (given.learn_normal !== undefined && given.learn_normal.enabled !== false && numbers > limits.normalChannels_MAX)
    faults.push({ field: 'learn_normal', reason: `is learned of ${limits.normalChannels_MAX} channels at most, and the type has ${numbers}` })
  const columns = new Map<string, string>(KEY_COLUMNS.map((column) => [column, 'the key of a reading']))
  for (const channel of kept) for (const column of columnsOf(channel)) columns.set(column, `the channel ${channel.name}`)
  const names = new Set<string>()
  given.channels.forEach((channel, index) => {
    const field = `channels[${index}]`
    if (!CHANNEL_NAME.test(channel.name)) faults.push({ field: `${field}.name`, reason: 'must be snake_case, 1 to 63 characters' })
    if (names.has(channel.name)) faults.push({ field: `${field}.name`, reason: 'is named twice' })
    else faults.push(...columnFaults(channel, `${field}.name`, columns))
    names.add(channel.name)
    if (channel.unit !== undefined && !Object.hasOwn(UNITS, channel.unit))
      faults.push({ field: `${field}.unit`, reason: `is none of ${Object.keys(UNITS).join(', ')}` })
    if (channel.min !== undefined && channel.max !== undefined && channel.min >= channel.max)
      faults.push({ field: `${field}.min`, reason: 'must lie below max' })
  })
  if (faults.length > 0) throw new MendlineError('MDL_API_INVALID', 'the type has faults', { details: { errors: faults } })
}

/** Each channel has columns of its own: `x`, and `x_min` and `x_max` when it is aggregated; none has the name of a key's column. */
function columnFaults(given: NewChannel, field: string, columns: Map<string, string>): Fault[] {
  const own = columnsOf(toChannel(given))
  const taken = [given.name, ...own].find((column) => columns.has(column))
  for (const column of own) if (!columns.has(column)) columns.set(column, `the channel ${given.name}`)
  return taken === undefined ? [] : [{ field, reason: `takes the name ${taken}, which belongs to ${columns.get(taken)}` }]
}

function refuseQuality(type: ApplianceType): void {
  const errors = checkQuality(type).map((reason) => ({ field: 'quality', reason }))
  if (errors.length > 0) throw new MendlineError('MDL_API_INVALID', 'the quality sections of the type have faults', { details: { errors } })
}

function refuseChanges(known: ApplianceType, given: ApplianceType): void {
  for (const channel of given.channels) {
    const before = known.channels.find((old) => old.name === channel.name)
    if (before !== undefined && (before.kind !== channel.kind || before.unit !== channel.unit || before.isAggregated !== channel.isAggregated)) {
      throw new MendlineError('MDL_API_CONFLICT', `channel ${channel.name} exists with another kind, unit or aggregation`, {
        details: { channel: channel.name },
      })
    }
  }
}

function toApplianceType(tenant: string, given: NewType): ApplianceType {
  const name = given.name ?? given.type
  return {
    id: `${tenant}.${given.type}`,
    version: '1',
    name: { en: name, 'zh-CN': name },
    channels: given.channels.map(toChannel),
    faults: [],
    parts: [],
    steps: [],
    rules: [],
    recipe: undefined,
    ...learnNormalOf(given.learn_normal),
    ...(given.identities === undefined ? {} : { identities: given.identities.map(identityOf) }),
  }
}

function toChannel(given: NewChannel): Channel {
  const description = given.description ?? given.name
  return {
    name: given.name,
    kind: given.kind ?? 'number',
    unit: (given.unit as Unit | undefined) ?? unitOfName(given.name),
    min: given.min ?? -Number.MAX_VALUE,
    max: given.max ?? Number.MAX_VALUE,
    step: 0,
    isAggregated: given.aggregated ?? false,
    isSafety: false,
    description: { en: description, 'zh-CN': description },
    ...qualityOf(given.quality),
  }
}

function toNewChannel(channel: Channel): NewChannel {
  const { name, kind, unit, min, max, isAggregated, description } = channel
  return { name, kind, unit, min, max, aggregated: isAggregated, description: description.en, ...newQualityOf(channel) }
}
