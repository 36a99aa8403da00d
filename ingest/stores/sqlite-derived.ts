/**
 * The derived store on SQLite. Its rows are few (a handful a device and day), found by device and replaced by device, which a b-tree does
 * and a column store does not; decision 0008 has the figures. Each `apply` is one transaction with fsync. Deleted rows are overwritten on
 * the disk, so that an erased device leaves nothing behind.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { MendlineError } from '#kernel/errors.ts'
import type { DerivedChange, DerivedKind, DerivedRow, DerivedStore, GapQuery, Hole, StoredGap } from '../derived-store.ts'

const SCHEMA_VERSION = 1

/** Checkpoints kept of a device: the newest ones close to each other, older ones further and further apart. */
const CHECKPOINTS_MAX = 16

const TABLES = `
  CREATE TABLE IF NOT EXISTS derived (tenant TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, from_ms INTEGER NOT NULL,
    to_ms INTEGER, known_ms INTEGER NOT NULL, closed_known_ms INTEGER, data TEXT NOT NULL,
    PRIMARY KEY (tenant, device, kind, from_ms, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS checkpoints (tenant TEXT NOT NULL, device TEXT NOT NULL, at_ms INTEGER NOT NULL, type TEXT NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (tenant, device, at_ms));
  CREATE TABLE IF NOT EXISTS gaps (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, device TEXT NOT NULL, boot INTEGER NOT NULL, from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, opened_at_ms INTEGER NOT NULL, closed_at_ms INTEGER);
  DROP INDEX IF EXISTS gaps_by_device;
  CREATE INDEX IF NOT EXISTS gaps_open ON gaps (tenant, device, boot, from_seq) WHERE closed_at_ms IS NULL;
  CREATE INDEX IF NOT EXISTS gaps_by_end ON gaps (tenant, device, boot, to_seq);
  CREATE INDEX IF NOT EXISTS derived_by_end ON derived (to_ms) WHERE to_ms IS NOT NULL;
  CREATE INDEX IF NOT EXISTS gaps_filled ON gaps (to_ms) WHERE closed_at_ms IS NOT NULL;
`

const SQL = {
  put: 'INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)',
  close: 'UPDATE derived SET to_ms = ?, closed_known_ms = ? WHERE tenant = ? AND device = ? AND kind = ? AND from_ms = ? AND key = ?',
  rewind: 'DELETE FROM derived WHERE tenant = ? AND device = ? AND known_ms >= ?',
  reopen: 'UPDATE derived SET to_ms = NULL, closed_known_ms = NULL WHERE tenant = ? AND device = ? AND closed_known_ms >= ?',
  putCheckpoint: 'INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)',
  rewindCheckpoints: 'DELETE FROM checkpoints WHERE tenant = ? AND device = ? AND at_ms > ?',
  dropCheckpoint: 'DELETE FROM checkpoints WHERE tenant = ? AND device = ? AND at_ms = ?',
  checkpointTimes: 'SELECT at_ms FROM checkpoints WHERE tenant = ? AND device = ? ORDER BY at_ms',
  checkpoint: 'SELECT at_ms, state FROM checkpoints WHERE tenant = ? AND device = ? AND type = ? AND at_ms <= ? ORDER BY at_ms DESC LIMIT 1',
  checkpointBehind: 'SELECT at_ms, state FROM checkpoints WHERE tenant = ? AND device = ? AND type = ? AND at_ms >= ? ORDER BY at_ms LIMIT 1',
  known: 'SELECT 1 FROM derived WHERE tenant = ? AND device = ? AND known_ms >= ? AND known_ms < ? LIMIT 1',
  openGaps: 'SELECT * FROM gaps WHERE tenant = ? AND device = ? AND boot = ? AND from_seq >= ? AND from_seq <= ? AND closed_at_ms IS NULL',
  gapAt: `SELECT * FROM gaps WHERE tenant = ? AND device = ? AND boot = ? AND from_seq <= ? AND closed_at_ms IS NULL ORDER BY from_seq DESC LIMIT 1`,
  putGap:
    'INSERT INTO gaps (tenant, device, boot, from_seq, to_seq, from_ms, to_ms, opened_at_ms, closed_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)',
  changeGap: 'UPDATE gaps SET from_seq = ?, to_seq = ?, from_ms = ?, to_ms = ? WHERE id = ?',
  closedGap: `SELECT * FROM gaps WHERE tenant = ? AND device = ? AND boot = ? AND to_seq >= ? AND from_seq <= ? AND closed_at_ms IS NOT NULL
    ORDER BY id LIMIT 1`,
  reopenGap: 'UPDATE gaps SET from_seq = ?, to_seq = ?, from_ms = ?, to_ms = ?, closed_at_ms = NULL WHERE id = ?',
  closeGap: 'UPDATE gaps SET closed_at_ms = ? WHERE id = ?',
  rows: `SELECT tenant, device, kind, key, from_ms, to_ms, data FROM derived WHERE tenant = ? AND device = ? AND kind = ? AND from_ms < ?
    AND (to_ms IS NULL OR to_ms > ? OR (to_ms = from_ms AND to_ms = ?)) AND (from_ms, key) > (?, ?) ORDER BY from_ms, key LIMIT ?`,
  gaps: `SELECT * FROM gaps WHERE tenant = ? AND (? IS NULL OR device = ?) AND from_ms < ? AND to_ms >= ? AND (? IS NULL OR (closed_at_ms IS NULL) = ?)
    AND id > ? ORDER BY id LIMIT ?`,
  drop: `DELETE FROM derived WHERE (tenant, device, kind, from_ms, key) IN
    (SELECT tenant, device, kind, from_ms, key FROM derived WHERE to_ms IS NOT NULL AND to_ms < ? LIMIT ?)`,
  dropGaps: 'DELETE FROM gaps WHERE id IN (SELECT id FROM gaps WHERE closed_at_ms IS NOT NULL AND to_ms < ? LIMIT ?)',
  all: 'SELECT tenant, device, kind, key, from_ms, to_ms, data FROM derived WHERE kind = ? ORDER BY tenant, device, from_ms, key',
} as const

/** Creates the store over one file, or `:memory:`; `start` opens it. */
export const createSqliteDerived = (options: { readonly file: string }): DerivedStore => new SqliteDerived(options.file)

type Row = Readonly<Record<string, unknown>>

class SqliteDerived implements DerivedStore {
  readonly #file: string
  #database: DatabaseSync | undefined
  readonly #statements = new Map<string, StatementSync>()

  constructor(file: string) {
    this.#file = file
  }

  async start(): Promise<void> {
    await this.#guarded(() => {
      const database = new DatabaseSync(this.#file)
      this.#database = database
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
      const version = Number((database.prepare('PRAGMA user_version').get() as Row).user_version)
      if (version !== 0 && version !== SCHEMA_VERSION) {
        throw new MendlineError('MDL_STORE_SCHEMA', 'the derived store has another schema version', {
          details: { found: version, known: SCHEMA_VERSION },
        })
      }
      database.exec(`${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}`)
    })
  }

  apply(changes: readonly DerivedChange[]): Promise<void> {
    return this.#guarded(() => {
      if (changes.length === 0) return
      this.#exec('BEGIN IMMEDIATE')
      try {
        for (const change of changes) this.#applyOne(change)
        this.#exec('COMMIT')
      } catch (error) {
        this.#exec('ROLLBACK')
        throw error
      }
    })
  }

  checkpoint(query: Parameters<DerivedStore['checkpoint']>[0]): ReturnType<DerivedStore['checkpoint']> {
    return this.#checkpointBy(SQL.checkpoint, query)
  }

  checkpointBehind(query: Parameters<DerivedStore['checkpoint']>[0]): ReturnType<DerivedStore['checkpoint']> {
    return this.#checkpointBy(SQL.checkpointBehind, query)
  }

  hasRows({ tenant, device, from_ms, to_ms }: Parameters<DerivedStore['hasRows']>[0]): Promise<boolean> {
    return this.#guarded(() => this.#all(SQL.known, tenant, device, from_ms, to_ms).length > 0)
  }

  rows({ tenant, device, kind, from_ms, to_ms, after, limit }: Parameters<DerivedStore['rows']>[0]): Promise<readonly DerivedRow[]> {
    const place = after ?? { from_ms: Number.MIN_SAFE_INTEGER, key: '' }
    return this.#guarded(() => this.#all(SQL.rows, tenant, device, kind, to_ms, from_ms, from_ms, place.from_ms, place.key, limit).map(toRow))
  }

  gaps({ tenant, device: name, from_ms, to_ms, isOpen, after, limit }: GapQuery): ReturnType<DerivedStore['gaps']> {
    const open = isOpen === undefined ? null : Number(isOpen)
    const device = name ?? null
    return this.#guarded(() => this.#all(SQL.gaps, tenant, device, device, to_ms, from_ms, open, open, after, limit).map(toGap))
  }

  async *all(kind: DerivedKind): AsyncIterable<DerivedRow> {
    for (const row of this.#statement(SQL.all).iterate(kind)) yield toRow(row as Row)
  }

  drop({ before_ms, limit }: Parameters<DerivedStore['drop']>[0]): Promise<number> {
    return this.#guarded(() => {
      const rows = Number(this.#statement(SQL.drop).run(before_ms, limit).changes)
      return rows + Number(this.#statement(SQL.dropGaps).run(before_ms, limit - rows).changes)
    })
  }

  erase({ tenant, device, spans }: Parameters<DerivedStore['erase']>[0]): Promise<void> {
    return this.#guarded(() => {
      for (const { name } of this.#all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
        const sql = `DELETE FROM ${String(name)} WHERE tenant = ? AND device = ?`
        // A row that ends where the stretch begins only touches it; one without length is of its instant.
        // A checkpoint holds what was learned of all before it.
        if (spans === undefined || name === 'checkpoints') this.#statement(sql).run(tenant, device)
        else
          for (const { from_ms, to_ms } of spans)
            this.#statement(`${sql} AND from_ms < ? AND (from_ms >= ? OR to_ms IS NULL OR to_ms > ?)`).run(tenant, device, to_ms, from_ms, from_ms)
      }
      this.#exec('PRAGMA wal_checkpoint(TRUNCATE)')
    })
  }

  statistics(): ReturnType<DerivedStore['statistics']> {
    const count = (sql: string): number => Number(this.#all(`SELECT count(*) AS n FROM ${sql}`)[0]?.n)
    return this.#guarded(() => ({ rows: count('derived'), checkpoints: count('checkpoints'), gaps_open: count('gaps WHERE closed_at_ms IS NULL') }))
  }

  async stop(): Promise<void> {
    this.#statements.clear()
    this.#database?.close()
    this.#database = undefined
  }

  #checkpointBy(sql: string, { tenant, device, type, at_ms }: Parameters<DerivedStore['checkpoint']>[0]): ReturnType<DerivedStore['checkpoint']> {
    return this.#guarded(() => {
      const [row] = this.#all(sql, tenant, device, type, at_ms)
      return row === undefined ? undefined : { at_ms: Number(row.at_ms), state: row.state as Uint8Array }
    })
  }

  #applyOne(change: DerivedChange): void {
    const { tenant, device } = change
    if (change.op === 'put') {
      const { kind, key, from_ms, to_ms, known_ms, data } = change
      this.#run(SQL.put, tenant, device, kind, key, from_ms, to_ms, known_ms, JSON.stringify(data))
    } else if (change.op === 'close') {
      this.#run(SQL.close, change.to_ms, change.known_ms, tenant, device, change.kind, change.from_ms, change.key)
    } else if (change.op === 'checkpoint') {
      this.#run(SQL.putCheckpoint, tenant, device, change.at_ms, change.type, change.state)
      this.#thin(tenant, device)
    } else if (change.op === 'rewind') {
      this.#run(SQL.rewind, tenant, device, change.from_ms)
      this.#run(SQL.reopen, tenant, device, change.from_ms)
      this.#run(SQL.rewindCheckpoints, tenant, device, change.from_ms)
    } else if (change.op === 'holes') this.#setHoles(change)
    else this.#fill(change)
  }

  /** Drops the checkpoint that is missed least: the one that lies closest between its neighbours for its age. */
  #thin(tenant: string, device: string): void {
    const times = this.#all(SQL.checkpointTimes, tenant, device).map((row) => Number(row.at_ms))
    if (times.length <= CHECKPOINTS_MAX) return
    const newest = times.at(-1) ?? 0
    let [chosen, least] = [1, Number.POSITIVE_INFINITY]
    for (let index = 1; index < times.length - 2; index++) {
      const width = ((times[index + 1] ?? 0) - (times[index - 1] ?? 0)) / (newest - (times[index] ?? 0))
      if (width < least) [chosen, least] = [index, width]
    }
    this.#run(SQL.dropCheckpoint, tenant, device, times[chosen] ?? 0)
  }

  /** A hole that is left of a gap goes on under the gap's time of opening; a gap without any is closed. */
  #setHoles({ tenant, device, boot, from_seq, to_seq, holes, at_ms }: Extract<DerivedChange, { op: 'holes' }>): void {
    const open = this.#all(SQL.openGaps, tenant, device, boot, from_seq, to_seq ?? Number.MAX_SAFE_INTEGER).map(toGap)
    const heirs = new Map<number, Hole>()
    for (const hole of holes) {
      const gap = open.find(({ from_seq, to_seq }) => from_seq <= hole.to_seq && hole.from_seq <= to_seq)
      if (gap !== undefined && !heirs.has(gap.id)) heirs.set(gap.id, hole)
      else this.#openGap({ tenant, device, boot }, hole, gap?.opened_at_ms ?? at_ms)
    }
    for (const gap of open) {
      const heir = heirs.get(gap.id)
      if (heir === undefined) this.#run(SQL.closeGap, at_ms, gap.id)
      else this.#run(SQL.changeGap, heir.from_seq, heir.to_seq, heir.from_ms, heir.to_ms, gap.id)
    }
  }

  /** What came once is never missing again: a closed gap in the place is this one, told before a crash whose journal is read again. */
  #openGap({ tenant, device, boot }: Pick<StoredGap, 'tenant' | 'device' | 'boot'>, hole: Hole, openedMs: number): void {
    const { from_seq, to_seq, from_ms, to_ms } = hole
    const [known] = this.#all(SQL.closedGap, tenant, device, boot, from_seq, to_seq)
    if (known === undefined) this.#run(SQL.putGap, tenant, device, boot, from_seq, to_seq, from_ms, to_ms, openedMs)
    else this.#run(SQL.reopenGap, from_seq, to_seq, from_ms, to_ms, toGap(known).id)
  }

  #fill({ tenant, device, boot, seq, observed_at_ms, at_ms }: Extract<DerivedChange, { op: 'fill' }>): void {
    const [gap] = this.#all(SQL.gapAt, tenant, device, boot, seq).map(toGap)
    if (gap === undefined || gap.to_seq < seq) return
    const { id, from_seq, to_seq, from_ms, to_ms, opened_at_ms } = gap
    if (from_seq === to_seq) this.#run(SQL.closeGap, at_ms, id)
    else if (seq === from_seq) this.#run(SQL.changeGap, seq + 1, to_seq, observed_at_ms, to_ms, id)
    else {
      this.#run(SQL.changeGap, from_seq, seq - 1, from_ms, observed_at_ms, id)
      if (seq < to_seq) this.#run(SQL.putGap, tenant, device, boot, seq + 1, to_seq, observed_at_ms, to_ms, opened_at_ms)
    }
  }

  #run(sql: string, ...parameters: SQLInputValue[]): void {
    this.#statement(sql).run(...parameters)
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[]
  }

  #exec(sql: string): void {
    this.#open().exec(sql)
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#open().prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #open(): DatabaseSync {
    if (this.#database === undefined) throw unavailable('the derived store is not open')
    return this.#database
  }

  async #guarded<Result>(action: () => Result): Promise<Result> {
    try {
      return action()
    } catch (cause) {
      if (cause instanceof MendlineError || !(cause instanceof Error && 'errcode' in cause)) throw cause
      throw unavailable('the derived store does not answer', cause)
    }
  }
}

const unavailable = (message: string, cause?: unknown): MendlineError =>
  new MendlineError('MDL_STORE_UNAVAILABLE', message, { retryable: true, cause })

const toRow = (row: Row): DerivedRow => ({
  tenant: String(row.tenant),
  device: String(row.device),
  kind: row.kind as DerivedKind,
  key: String(row.key),
  from_ms: Number(row.from_ms),
  to_ms: row.to_ms === null ? null : Number(row.to_ms),
  data: JSON.parse(String(row.data)) as Readonly<Record<string, unknown>>,
})

const toGap = (row: Row): StoredGap & { readonly id: number } => ({
  id: Number(row.id),
  tenant: String(row.tenant),
  device: String(row.device),
  boot: Number(row.boot),
  from_seq: Number(row.from_seq),
  to_seq: Number(row.to_seq),
  from_ms: Number(row.from_ms),
  to_ms: Number(row.to_ms),
  opened_at_ms: Number(row.opened_at_ms),
  closed_at_ms: row.closed_at_ms === null ? null : Number(row.closed_at_ms),
})
