/**
 * The models of tenants: which there are, in which state, and which was in force when. The model that comes with the program is the first
 * live one of its type and can always be gone back to. A change takes effect at a time of receipt that is kept with it, so that a
 * replay diagnoses each window by the model that was in force then; every change is a row with who and why.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Artefact, ArtefactFiles, Card } from '../artefact.ts'
import type { ModelSeats } from './model-book.ts'
import { folderOf, writeModelFiles } from './model-files.ts'
import type { ModelTables } from './model-tables.ts'

export type ModelState = 'candidate' | 'shadow' | 'live' | 'retired'

export interface ModelRecord {
  readonly version: string
  readonly type: string
  readonly state: ModelState
  readonly source: 'program' | 'uploaded' | 'trained'
  readonly algorithm: string
  readonly created_at_ms: number | null
  readonly created_by: string
  readonly shadow_from_ms: number | null
  /** Since when it is in force; null: it is not, or has been since the beginning. */
  readonly live_from_ms: number | null
}

export interface ModelMove {
  readonly kind: 'added' | 'shadow' | 'promoted' | 'rolled_back'
  readonly from: ModelState | null
  readonly to: ModelState
  readonly actor: string
  readonly reason: string
  readonly isForced?: boolean
  readonly report?: unknown
}

interface RegistryParts {
  readonly database: Kysely<ModelTables>
  readonly dataDir: string
  /** Models that come with the program, by type. */
  readonly builtIn: ReadonlyMap<string, Artefact>
  readonly clock: Clock
  readonly limits: Pick<Limits, 'ownModels_MAX' | 'ownModelsRunning_MAX'>
  /** Told of all seats after each change, before the change is answered. */
  readonly onChange: (seats: readonly ModelSeats[]) => Promise<unknown>
}

type ModelRow = ModelTables['models']
type ReignRow = ModelTables['model_reigns']

export class ModelRegistry {
  readonly #parts: RegistryParts
  readonly #models = new Map<string, ModelRow>()
  readonly #reigns = new Map<string, ReignRow[]>()
  /** Changes go one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: RegistryParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { database } = this.#parts
    for (const row of await database.selectFrom('models').selectAll().execute()) this.#models.set(`${row.tenant}/${row.version}`, row)
    for (const row of await database.selectFrom('model_reigns').selectAll().orderBy('from_ms').execute()) this.#reignsOf(row).push(row)
  }

  /** Everything that the pipeline must know. */
  seats(): ModelSeats[] {
    const shadows = [...this.#models.values()].filter(({ state }) => state === 'shadow')
    const keys = new Set([...this.#reigns.keys(), ...shadows.map(keyOf)])
    return [...keys].map((key) => {
      const [tenant = '', type = ''] = key.split('/')
      return {
        tenant,
        type,
        reigns: (this.#reigns.get(key) ?? []).map(({ from_ms, version }) => ({ from_ms, version })),
        shadows: shadows.filter((row) => keyOf(row) === key).map(({ version, shadow_from_ms }) => ({ version, from_ms: shadow_from_ms ?? 0 })),
      }
    })
  }

  list(tenant: string): ModelRecord[] {
    const own = [...this.#models.values()].filter((row) => row.tenant === tenant).map((row) => this.#record(row))
    const builtIn = [...this.#parts.builtIn.values()].map(({ card }) => this.#builtInRecord(tenant, card))
    return [...builtIn, ...own.sort((a, b) => (a.created_at_ms ?? 0) - (b.created_at_ms ?? 0))]
  }

  /** @throws MendlineError MDL_API_NOT_FOUND */
  get(tenant: string, version: string): { readonly record: ModelRecord; readonly card: Card } {
    const row = this.#models.get(`${tenant}/${version}`)
    if (row !== undefined) return { record: this.#record(row), card: JSON.parse(row.card) as Card }
    const builtIn = [...this.#parts.builtIn.values()].find(({ card }) => card.version === version)
    if (builtIn === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no model ${version}`)
    return { record: this.#builtInRecord(tenant, builtIn.card), card: builtIn.card }
  }

  /** Record of the model in force; undefined where the type has none. */
  live(tenant: string, type: string): ModelRecord | undefined {
    return this.list(tenant).find((record) => record.type === type && record.state === 'live')
  }

  moves(tenant: string, version?: string): Promise<ReadonlyArray<ModelTables['model_moves']>> {
    const query = this.#parts.database.selectFrom('model_moves').selectAll().where('tenant', '=', tenant).orderBy('move', 'desc').limit(200)
    return (version === undefined ? query : query.where('version', '=', version)).execute()
  }

  /** Takes a checked model in as a candidate. @throws MendlineError MDL_API_CONFLICT, MDL_JOB_TOO_MANY */
  add(
    tenant: string,
    files: ArtefactFiles & { readonly parsed: Card },
    { source, actor }: { source: 'uploaded' | 'trained'; actor: string },
  ): Promise<ModelRecord> {
    return this.#inTurn(async () => {
      const { database, dataDir, clock, limits, builtIn } = this.#parts
      const { parsed: card } = files
      const key = `${tenant}/${card.version}`
      if (this.#models.has(key) || [...builtIn.values()].some((artefact) => artefact.card.version === card.version))
        throw new MendlineError('MDL_API_CONFLICT', `there is a model ${card.version} already`)
      if ([...this.#models.values()].filter((row) => row.tenant === tenant).length >= limits.ownModels_MAX)
        throw new MendlineError('MDL_JOB_TOO_MANY', `a tenant has at most ${limits.ownModels_MAX} models`)
      await writeModelFiles(folderOf(dataDir, tenant, card.version), files)
      const row: ModelRow = {
        ...{ tenant, version: card.version, type: card.type, state: 'candidate', source, card: JSON.stringify(card) },
        ...{ created_by: actor, created_at_ms: clock.now(), shadow_from_ms: null },
      }
      await database.transaction().execute(async (transaction) => {
        await transaction.insertInto('models').values(row).execute()
        await this.#note(transaction, row, { kind: 'added', from: null, to: 'candidate', actor, reason: source })
      })
      this.#models.set(key, row)
      return this.#record(row)
    })
  }

  /** Lets a model look on, or ends that. @throws MendlineError MDL_API_CONFLICT, MDL_API_NOT_FOUND */
  setShadow(tenant: string, version: string, { isOn, actor }: { readonly isOn: boolean; readonly actor: string }): Promise<ModelRecord> {
    return this.#inTurn(async () => {
      const row = this.#own(tenant, version)
      const from = row.state as ModelState
      if (from === 'live') throw new MendlineError('MDL_API_CONFLICT', `${version} is the live model`)
      if (isOn === (from === 'shadow')) return this.#record(row)
      if (isOn) this.#refuseTooMany()
      const to = isOn ? 'shadow' : 'candidate'
      const changed = { ...row, state: to, shadow_from_ms: isOn ? this.#parts.clock.now() : null }
      await this.#save([changed], { row: changed, move: { kind: 'shadow', from, to, actor, reason: isOn ? 'begun' : 'ended' } })
      return this.#record(changed)
    })
  }

  /** Puts a model into force; whether it may be is judged by the caller. @throws MendlineError MDL_API_CONFLICT, MDL_API_NOT_FOUND */
  promote(tenant: string, version: string, move: Pick<ModelMove, 'actor' | 'reason' | 'isForced' | 'report'>): Promise<ModelRecord> {
    return this.#inTurn(async () => {
      const row = this.#own(tenant, version)
      if (row.state === 'live') throw new MendlineError('MDL_API_CONFLICT', `${version} is the live model`)
      if (row.state !== 'shadow') this.#refuseTooMany()
      const promoted = { ...row, state: 'live', shadow_from_ms: null }
      const from = row.state as ModelState
      await this.#reign(promoted, version, { kind: 'promoted', from, to: 'live', ...move })
      return this.#record(promoted)
    })
  }

  /** Puts the model into force that was before the live one. @throws MendlineError MDL_API_CONFLICT when there was none */
  rollBack(tenant: string, type: string, move: Pick<ModelMove, 'actor' | 'reason'>): Promise<ModelRecord> {
    return this.#inTurn(async () => {
      const order = orderOf(this.#reigns.get(`${tenant}/${type}`) ?? [])
      const now = order.at(-1)
      if (now === undefined)
        throw new MendlineError('MDL_API_CONFLICT', `the live model of ${type} is the one that comes with the program; there is none before it`)
      const version = order.at(-2) ?? null
      const before = version === null ? undefined : this.#models.get(`${tenant}/${version}`)
      const restored = before === undefined ? { tenant, type, version: null } : { ...before, state: 'live', shadow_from_ms: null }
      await this.#reign(restored, version, { kind: 'rolled_back', from: 'retired', to: 'live', ...move })
      const live = this.live(tenant, type)
      if (live === undefined) throw new MendlineError('MDL_API_CONFLICT', `no model comes with the program for ${type}; ${now} is retired`)
      return live
    })
  }

  async #reign(row: ModelRow | { tenant: string; type: string; version: null }, version: string | null, move: ModelMove): Promise<void> {
    const { tenant, type } = row
    const reigns = this.#reignsOf(row)
    const from_ms = Math.max(this.#parts.clock.now(), (reigns.at(-1)?.from_ms ?? 0) + 1)
    const reign = { tenant, type, from_ms, version, is_rollback: move.kind === 'rolled_back' ? 1 : 0 }
    const former = [...this.#models.values()].filter((own) => keyOf(own) === `${tenant}/${type}` && own.state === 'live')
    const retired = former.filter((own) => own.version !== version).map((own) => ({ ...own, state: 'retired' }))
    await this.#save([...retired, ...('card' in row ? [row] : [])], { row, move, reign })
  }

  async #save(
    rows: readonly ModelRow[],
    { row, move, reign }: { row: Pick<ModelRow, 'tenant' | 'type'> & { version: string | null }; move: ModelMove; reign?: ReignRow },
  ): Promise<void> {
    await this.#parts.database.transaction().execute(async (transaction) => {
      for (const { tenant, version, state, shadow_from_ms } of rows)
        await transaction.updateTable('models').set({ state, shadow_from_ms }).where('tenant', '=', tenant).where('version', '=', version).execute()
      if (reign !== undefined) await transaction.insertInto('model_reigns').values(reign).execute()
      await this.#note(transaction, row, move)
    })
    for (const changed of rows) this.#models.set(`${changed.tenant}/${changed.version}`, changed)
    if (reign !== undefined) this.#reignsOf(reign).push(reign)
    await this.#parts.onChange(this.seats())
  }

  async #note(database: Kysely<ModelTables>, row: Pick<ModelRow, 'tenant' | 'type'> & { version: string | null }, move: ModelMove): Promise<void> {
    const { kind, from, to, actor, reason, isForced = false, report = null } = move
    const { tenant, type, version } = row
    const newest = await database.selectFrom('model_moves').select('move').where('tenant', '=', tenant).orderBy('move', 'desc').executeTakeFirst()
    const values = { tenant, move: (newest?.move ?? 0) + 1, type, version, kind, from_state: from, to_state: to, actor, reason }
    await database
      .insertInto('model_moves')
      .values({ ...values, at_ms: this.#parts.clock.now(), is_forced: isForced ? 1 : 0, report: JSON.stringify(report) })
      .execute()
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(act)
    this.#last = turn.catch(() => {})
    return turn
  }

  #own(tenant: string, version: string): ModelRow {
    const row = this.#models.get(`${tenant}/${version}`)
    if (row !== undefined) return row
    const { record } = this.get(tenant, version)
    throw new MendlineError('MDL_API_CONFLICT', `${record.version} comes with the program; go back to it with a roll-back`)
  }

  #refuseTooMany(): void {
    const running = [...this.#models.values()].filter(({ state }) => state === 'live' || state === 'shadow').length
    const most = this.#parts.limits.ownModelsRunning_MAX
    if (running >= most) throw new MendlineError('MDL_API_CONFLICT', `${most} models of users run already; end a shadow first`)
  }

  #reignsOf({ tenant, type }: { readonly tenant: string; readonly type: string }): ReignRow[] {
    const key = `${tenant}/${type}`
    const reigns = this.#reigns.get(key) ?? []
    this.#reigns.set(key, reigns)
    return reigns
  }

  #record(row: ModelRow): ModelRecord {
    const { version, type, state, source, created_at_ms, created_by, shadow_from_ms } = row
    const { algorithm } = JSON.parse(row.card) as Card
    const live_from_ms = state === 'live' ? (this.#reigns.get(keyOf(row))?.at(-1)?.from_ms ?? null) : null
    const names = { version, type, state: state as ModelState, source: source as ModelRecord['source'], algorithm }
    return { ...names, created_at_ms, created_by, shadow_from_ms, live_from_ms }
  }

  #builtInRecord(tenant: string, { version, type, algorithm }: Card): ModelRecord {
    const reign = this.#reigns.get(`${tenant}/${type}`)?.at(-1)
    const state = (reign?.version ?? null) === null ? 'live' : 'retired'
    const live_from_ms = state === 'live' ? (reign?.from_ms ?? null) : null
    return { version, type, state, source: 'program', algorithm, created_at_ms: null, created_by: 'program', shadow_from_ms: null, live_from_ms }
  }
}

const keyOf = ({ tenant, type }: { readonly tenant: string; readonly type: string }): string => `${tenant}/${type}`

/** Versions as they lie on each other: a promotion puts one on top, a roll-back takes it away. */
function orderOf(reigns: readonly ReignRow[]): string[] {
  const order: string[] = []
  for (const { version, is_rollback } of reigns) {
    if (is_rollback === 1) order.pop()
    else if (version !== null) order.push(version)
  }
  return order
}
