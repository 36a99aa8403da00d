/** Tables of the registry of models in the operational store. The files of a model lie in the data folder (`model-files.ts`). */
import type { Migration } from '#kernel/migration.ts'

export interface ModelTables {
  models: {
    tenant: string
    version: string
    type: string
    state: string
    /** `uploaded` or `trained`. */
    source: string
    card: string
    created_by: string
    created_at_ms: number
    /** Time of receipt from which on it sees windows as a shadow; null: it is none. */
    shadow_from_ms: number | null
  }
  /** Which model is in force from which time of receipt on. */
  model_reigns: {
    tenant: string
    type: string
    from_ms: number
    /** null: the one that comes with the program. */
    version: string | null
    is_rollback: number
  }
  model_moves: {
    tenant: string
    move: number
    type: string
    version: string | null
    kind: string
    from_state: string | null
    to_state: string
    actor: string
    at_ms: number
    reason: string
    is_forced: number
    /** What was known of the two models at the time. */
    report: string
  }
  /** What shadows would have told; nobody but the report reads it. */
  model_shadow_diagnoses: {
    diagnosis_id: string
    tenant: string
    version: string
    device: string
    made_at_ms: number
    answer: string
    fault: string | null
    probability: number
  }
}

export const modelMigrations: readonly Migration[] = [
  {
    id: '0370-models',
    statements: [
      `CREATE TABLE models (tenant TEXT NOT NULL, version TEXT NOT NULL, type TEXT NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, card TEXT NOT NULL,
        created_by TEXT NOT NULL, created_at_ms BIGINT NOT NULL, shadow_from_ms BIGINT, PRIMARY KEY (tenant, version))`,
      `CREATE TABLE model_reigns (tenant TEXT NOT NULL, type TEXT NOT NULL, from_ms BIGINT NOT NULL, version TEXT,
        is_rollback INTEGER NOT NULL, PRIMARY KEY (tenant, type, from_ms))`,
      `CREATE TABLE model_moves (tenant TEXT NOT NULL, move INTEGER NOT NULL, type TEXT NOT NULL, version TEXT, kind TEXT NOT NULL, from_state TEXT,
        to_state TEXT NOT NULL, actor TEXT NOT NULL, at_ms BIGINT NOT NULL, reason TEXT NOT NULL, is_forced INTEGER NOT NULL, report TEXT NOT NULL,
        PRIMARY KEY (tenant, move))`,
      `CREATE TABLE model_shadow_diagnoses (diagnosis_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, version TEXT NOT NULL, device TEXT NOT NULL,
        made_at_ms BIGINT NOT NULL, answer TEXT NOT NULL, fault TEXT, probability DOUBLE PRECISION NOT NULL)`,
      'CREATE INDEX model_shadow_by_version ON model_shadow_diagnoses (tenant, version, made_at_ms)',
    ],
  },
]
