/**
 * The rules of tenants in the operational store: every version that was ever saved, and which was put into force when. The catalogue's rule is
 * the first version of its id; a saved version does nothing before it is promoted, or tried on a share of the units. Every change
 * takes effect at a device time that is noted with it, so the past keeps the rules it had. A danger is tried on nobody: its new
 * version holds for all or for none, and warns no less than the catalogue's and than the one in force.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { isSafetyRule } from './compile-rules.ts'
import { newRuleFaults } from './new-rule-faults.ts'
import { promotionsOf } from './promotions.ts'
import type { RuleActivation } from './rule-book.ts'
import { diffRules, type RuleDocument, readRule, writeRule } from './rule-document.ts'
import { refused, weakerThanInForce } from './rule-refusals.ts'
import { addRow, type RuleTables } from './rule-tables.ts'
import { classFaults, weakerFaults, weakerThanEither } from './weaker-danger.ts'

export interface RuleSummary {
  readonly rule_id: string
  readonly type: string
  readonly origin: 'catalogue' | 'tenant'
  readonly live_version: number | null
  readonly canary_version: number | null
  readonly canary_share_pct: number | null
  readonly since_ms: number | null
  readonly newest_version: number
  readonly safety_class: string
  readonly fault: string | null
  readonly title: string
}

export interface RuleVersionRecord {
  readonly rule_id: string
  readonly version: number
  readonly type: string
  readonly origin: 'catalogue' | 'tenant'
  readonly document: RuleDocument
  readonly note: string
  readonly created_by: string
  readonly created_at_ms: number | null
}

/** Saved versions of one rule, rules of which a tenant saved versions, and times that one is put into force; more are refused. */
const VERSIONS_MAX = 500
const RULES_MAX = 1_000
const ACTIVATIONS_MAX = 500

interface RegistryParts {
  readonly database: Kysely<RuleTables>
  readonly types: { list(tenant: string): readonly ApplianceType[]; find(tenant: string, name: string): ApplianceType | undefined }
  readonly clock: Clock
  /** Told of all activations after each change, before the change is answered. */
  readonly onChange: (activations: readonly RuleActivation[]) => Promise<unknown>
}

type VersionRow = RuleTables['rule_versions']
type ActivationRow = RuleTables['rule_activations']

export class RuleRegistry {
  readonly #parts: RegistryParts
  readonly #versions = new Map<string, VersionRow[]>()
  readonly #activations = new Map<string, ActivationRow[]>()
  /** Rules that were read from their documents: a saved version never changes. */
  readonly #read = new WeakMap<VersionRow, Rule>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: RegistryParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    for (const row of await this.#parts.database.selectFrom('rule_versions').selectAll().orderBy('version').execute()) addRow(this.#versions, row)
    for (const row of await this.#parts.database.selectFrom('rule_activations').selectAll().orderBy('from_ms').execute())
      addRow(this.#activations, row)
  }

  /** Everything that was ever put into force, as the book takes it. */
  activations(): RuleActivation[] {
    return [...this.#activations.values()].flat().flatMap((row): RuleActivation[] => {
      const { tenant, rule_id, type, from_ms, live_version, canary_version, canary_share_pct } = row
      const live = live_version === null ? null : (this.rule(tenant, rule_id, live_version) ?? null)
      const tried = canary_version === null ? undefined : this.rule(tenant, rule_id, canary_version)
      return [{ tenant, type, rule_id, from_ms, live, canary: tried === undefined ? null : { rule: tried, share_pct: canary_share_pct ?? 0 } }]
    })
  }

  list(tenant: string): RuleSummary[] {
    const own = this.#parts.types.list(tenant).flatMap((type) => type.rules.map((rule) => ({ id: rule.id, type: type.id })))
    const saved = [...this.#versions.values()].flatMap(([row]) => (row?.tenant === tenant ? [{ id: row.rule_id, type: row.type }] : []))
    const ids = new Map([...own, ...saved].map(({ id, type }) => [id, type]))
    return [...ids].sort().map(([id, type]) => this.#summary(tenant, id, type))
  }

  /** @throws MendlineError MDL_API_NOT_FOUND */
  versions(tenant: string, id: string): RuleVersionRecord[] {
    const type = this.#typeOf(tenant, id)
    const plain = type?.rules.find((rule) => rule.id === id)
    const saved = this.#saved(tenant, id)
    if (type === undefined || (plain === undefined && saved.length === 0)) throw new MendlineError('MDL_API_NOT_FOUND', `there is no rule ${id}`)
    const first: RuleVersionRecord[] =
      plain === undefined
        ? []
        : [
            {
              rule_id: id,
              version: plain.version,
              type: type.id,
              origin: 'catalogue',
              document: writeRule(plain, type.id),
              note: plain.source,
              created_by: 'catalogue',
              created_at_ms: null,
            },
          ]
    return [
      ...first,
      ...saved.map(
        ({ tenant: _tenant, document, ...row }): RuleVersionRecord => ({ ...row, origin: 'tenant', document: JSON.parse(document) as RuleDocument }),
      ),
    ]
  }

  /** @throws MendlineError MDL_API_NOT_FOUND */
  diff(tenant: string, id: string, versions: { readonly from: number; readonly to: number }): ReturnType<typeof diffRules> {
    const all = this.versions(tenant, id)
    const [before, after] = [versions.from, versions.to].map((version) => all.find((record) => record.version === version))
    if (before === undefined || after === undefined)
      throw new MendlineError('MDL_API_NOT_FOUND', `rule ${id} has no version ${before === undefined ? versions.from : versions.to}`)
    return diffRules(before.document, after.document)
  }

  /** Reads a document that is not saved. @throws MendlineError MDL_API_INVALID with each field and its reason */
  read(tenant: string, id: string, document: RuleDocument): Rule {
    const type = this.#parts.types.find(tenant, String(document.type))
    const known = this.#typeOf(tenant, id)
    if (type === undefined) throw refused([{ field: 'type', reason: 'must name an appliance type' }])
    if (known !== undefined && known.id !== type.id) throw refused([{ field: 'type', reason: `rule ${id} is of the type ${known.id}` }])
    const before = this.current(tenant, id)
    const result = readRule(document, { id, version: this.#newest(tenant, id) + 1, type, before })
    if ('faults' in result) throw refused(result.faults)
    const faults = newRuleFaults(result.rule, type)
    if (faults.length > 0) throw refused(faults)
    return result.rule
  }

  /** Saves a version; nothing uses it yet. @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  put(
    tenant: string,
    id: string,
    given: { readonly document: RuleDocument; readonly note: string; readonly actor: string },
  ): Promise<RuleVersionRecord> {
    return this.#inTurn(() => this.#put(tenant, id, given))
  }

  async #put(
    tenant: string,
    id: string,
    given: { readonly document: RuleDocument; readonly note: string; readonly actor: string },
  ): Promise<RuleVersionRecord> {
    const rule = this.read(tenant, id, given.document)
    const [plain, before] = [this.#plain(tenant, id), this.current(tenant, id)]
    const weaker = [...(plain === undefined ? [] : weakerFaults(plain, rule)), ...(before === undefined || plain ? [] : classFaults(before, rule))]
    if (weaker.length > 0) throw refused(weaker)
    const isNew = this.#saved(tenant, id).length === 0
    const rules = [...this.#versions.keys()].filter((key) => key.startsWith(`${tenant}/`)).length
    if (this.#saved(tenant, id).length >= VERSIONS_MAX || (isNew && rules >= RULES_MAX)) {
      throw new MendlineError('MDL_API_CONFLICT', `a rule has at most ${VERSIONS_MAX} versions, a tenant ${RULES_MAX} rules of its own`)
    }
    const type = String(given.document.type)
    const row = {
      tenant,
      rule_id: id,
      version: rule.version,
      type,
      document: JSON.stringify(writeRule(rule, type)),
      note: given.note,
      created_by: given.actor,
      created_at_ms: this.#parts.clock.now(),
    }
    await this.#parts.database.insertInto('rule_versions').values(row).execute()
    addRow(this.#versions, row)
    const { tenant: _tenant, document, ...record } = row
    return { ...record, origin: 'tenant', document: JSON.parse(document) as RuleDocument }
  }

  /** Puts a version into force, for all units or a share of them. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID */
  activate(
    tenant: string,
    id: string,
    how: { readonly version: number; readonly sharePct?: number | undefined; readonly reason: string; readonly actor: string },
  ): Promise<RuleSummary> {
    return this.#changed(this.#inTurn(() => this.#activate(tenant, id, how)))
  }

  async #activate(
    tenant: string,
    id: string,
    how: { readonly version: number; readonly sharePct?: number | undefined; readonly reason: string; readonly actor: string },
  ): Promise<RuleSummary> {
    const type = this.#typeOf(tenant, id)
    const rule = this.rule(tenant, id, how.version)
    if (type === undefined || rule === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `rule ${id} has no version ${how.version}`)
    if (this.history(tenant, id).length >= ACTIVATIONS_MAX) {
      throw new MendlineError('MDL_API_CONFLICT', `rule ${id} was changed ${ACTIVATIONS_MAX} times, it can only be rolled back`)
    }
    const before = this.#active(tenant, id)
    const isTrial = how.sharePct !== undefined && how.sharePct < 100
    if (isTrial && isSafetyRule(rule)) throw refused([{ field: 'share_pct', reason: 'a rule of class E0 or E1 holds for all units or for none' }])
    const version = how.version === this.#plain(tenant, id)?.version ? null : how.version
    const weaker = version === null ? [] : weakerThanEither([this.#plain(tenant, id), this.current(tenant, id)], rule)
    if (weaker.length > 0) throw weakerThanInForce(how.version, weaker)
    const canary = isTrial ? { canary_version: how.version, canary_share_pct: how.sharePct ?? 0 } : { canary_version: null, canary_share_pct: null }
    return this.#note({
      tenant,
      rule_id: id,
      type: type.id,
      live_version: isTrial ? (before?.live_version ?? null) : version,
      ...canary,
      activated_by: how.actor,
      reason: how.reason,
      is_roll_back: 0,
    })
  }

  /** Takes back the last change, canary or promotion. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  rollBack(tenant: string, id: string, how: { readonly reason: string; readonly actor: string }): Promise<RuleSummary> {
    return this.#changed(this.#inTurn(() => this.#rollBack(tenant, id, how)))
  }

  async #rollBack(tenant: string, id: string, how: { readonly reason: string; readonly actor: string }): Promise<RuleSummary> {
    const rows = this.#activations.get(`${tenant}/${id}`) ?? []
    const now = rows.at(-1)
    if (now === undefined && this.#newest(tenant, id) === 0) throw new MendlineError('MDL_API_NOT_FOUND', `there is no rule ${id}`)
    const isTrial = now !== undefined && now.canary_version !== null
    const promoted = promotionsOf(rows)
    if (now === undefined || (!isTrial && promoted.length === 1))
      throw new MendlineError('MDL_API_CONFLICT', `rule ${id} is as the catalogue has it, there is nothing to take back`)
    const live_version = isTrial ? now.live_version : (promoted.at(-2) ?? null)
    const [plain, back] = [this.#plain(tenant, id), live_version === null ? undefined : this.rule(tenant, id, live_version)]
    if (!isTrial && plain !== undefined && back !== undefined && weakerFaults(plain, back).length > 0)
      throw new MendlineError(
        'MDL_API_CONFLICT',
        `version ${live_version} of ${id} warns less than the catalogue's: activate version ${plain.version}`,
      )
    const canary = { canary_version: null, canary_share_pct: null }
    return this.#note({ ...now, live_version, ...canary, activated_by: how.actor, reason: how.reason, is_roll_back: 1 })
  }

  /** What was put into force, oldest first; a roll-back stands as one. */
  history(tenant: string, id: string): ReadonlyArray<Omit<ActivationRow, 'tenant' | 'is_roll_back'> & { readonly is_roll_back: boolean }> {
    return (this.#activations.get(`${tenant}/${id}`) ?? []).map(({ tenant: _tenant, is_roll_back, ...row }) => ({
      ...row,
      type: this.#nameOf(tenant, id, row.type),
      is_roll_back: is_roll_back === 1,
    }))
  }

  /** A version of a rule, the catalogue's included. */
  rule(tenant: string, id: string, version: number): Rule | undefined {
    const type = this.#typeOf(tenant, id)
    const row = this.#saved(tenant, id).find((saved) => saved.version === version)
    if (row === undefined || type === undefined) {
      const plain = this.#plain(tenant, id)
      return plain?.version === version ? plain : undefined
    }
    const known = this.#read.get(row)
    if (known !== undefined) return known
    const result = readRule(JSON.parse(row.document) as RuleDocument, { id, version, type, before: undefined })
    if (!('rule' in result)) return undefined
    this.#read.set(row, result.rule)
    return result.rule
  }

  /** What holds now for all units but those of a canary. */
  current(tenant: string, id: string): Rule | undefined {
    const version = this.#active(tenant, id)?.live_version ?? null
    if (version !== null) return this.rule(tenant, id, version)
    return this.#plain(tenant, id)
  }

  /** The rule as the catalogue has it. */
  #plain(tenant: string, id: string): Rule | undefined {
    return this.#typeOf(tenant, id)?.rules.find((rule) => rule.id === id)
  }

  #active(tenant: string, id: string): ActivationRow | undefined {
    return this.#activations.get(`${tenant}/${id}`)?.at(-1)
  }

  #saved(tenant: string, id: string): readonly VersionRow[] {
    return this.#versions.get(`${tenant}/${id}`) ?? []
  }

  #newest(tenant: string, id: string): number {
    const plain = this.#plain(tenant, id)
    return Math.max(plain?.version ?? 0, this.#saved(tenant, id).at(-1)?.version ?? 0)
  }

  #typeOf(tenant: string, id: string): ApplianceType | undefined {
    const { types } = this.#parts
    const saved = this.#saved(tenant, id)[0]
    return (
      types.list(tenant).find((type) => type.rules.some((rule) => rule.id === id)) ??
      (saved === undefined ? undefined : types.find(tenant, saved.type))
    )
  }

  #summary(tenant: string, id: string, type: string): RuleSummary {
    const active = this.#active(tenant, id)
    const plain = this.#plain(tenant, id)
    const newest = this.#newest(tenant, id)
    const shown = this.current(tenant, id) ?? this.rule(tenant, id, newest)
    return {
      ...{ rule_id: id, type, origin: plain === undefined ? 'tenant' : 'catalogue' },
      live_version: active?.live_version ?? plain?.version ?? null,
      ...{ canary_version: active?.canary_version ?? null, canary_share_pct: active?.canary_share_pct ?? null, since_ms: active?.from_ms ?? null },
      ...{ newest_version: newest, safety_class: shown?.safetyClass ?? '', fault: shown?.fault ?? null, title: shown?.title.en ?? '' },
    }
  }

  /** One change after the other: two that come at once would take the same version or the same time. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change, change)
    this.#last = done
    return done
  }

  async #changed(change: Promise<RuleSummary>): Promise<RuleSummary> {
    const summary = await change
    await this.#parts.onChange(this.activations())
    return summary
  }

  /** Each change has a time of its own, behind those before it. */
  async #note(row: Omit<ActivationRow, 'from_ms'>): Promise<RuleSummary> {
    const { tenant, rule_id, type } = row
    const from_ms = Math.max(this.#parts.clock.now(), (this.#active(tenant, rule_id)?.from_ms ?? 0) + 1)
    const noted = { ...row, from_ms }
    await this.#parts.database.insertInto('rule_activations').values(noted).execute()
    addRow(this.#activations, noted)
    return this.#summary(tenant, rule_id, this.#nameOf(tenant, rule_id, type))
  }

  /** Name of a rule's type as the tenant gave it; an activation holds the id that readings carry. */
  #nameOf(tenant: string, id: string, type: string): string {
    return this.#saved(tenant, id)[0]?.type ?? type
  }
}
