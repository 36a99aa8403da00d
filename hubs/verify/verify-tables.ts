/**
 * Tables of verified repair: one row for each visit whose repair is watched, the residuals of the windows behind it, the signs that a
 * repair was none or was coded wrongly, and what a label rests on. Instants are epoch ms; JSON text where nobody searches inside.
 */
import type { Migration } from '#kernel/migration.ts'

export interface VerifyTables {
  hub_verifications: VerificationRow
  hub_repair_windows: RepairWindowRow
  hub_repair_signs: RepairSignRow
}

/** How a repair is verified. */
export type VerifyMethod = 'residuals' | 'rule' | 'contact'
export type VerifyState = 'watching' | 'verified' | 'failed' | 'ended'

export interface VerificationRow {
  verification_id: string
  tenant: string
  device: string
  type: string
  work_order_id: string
  /** Sequence of the move to `done`: each visit has its own. */
  visit: number
  method: VerifyMethod
  state: VerifyState
  /** Fault that the order was for, and the code of the outcome. */
  fault: string | null
  outcome_cause: string
  done_at_ms: number
  due_at_ms: number
  /** Residuals behind the diagnosis, JSON of `MeasuredResidual[]`. */
  before: string
  /** JSON: last windows before the visit, oldest first (`before-repair.ts`); null while none is known. */
  seen: string | null
  /** JSON: probabilities of the diagnosis by fault. */
  probabilities: string
  judged_at_ms: number | null
  /** JSON of `Verdict`, or null. */
  verdict: string | null
}

export interface RepairWindowRow {
  verification_id: string
  window_to_ms: number
  window_from_ms: number
  tenant: string
  device: string
  work_order_id: string
  /** JSON of `MeasuredResidual[]`. */
  residuals: string
}

export const REPAIR_SIGNS = ['phantom_repair', 'bad_repair', 'miscoded_repair', 'missed_fault'] as const
export type RepairSign = (typeof REPAIR_SIGNS)[number]

export interface RepairSignRow {
  sign_id: string
  tenant: string
  device: string
  work_order_id: string
  verification_id: string
  sign: string
  /** Engineer of the visit, as on its label. */
  engineer: string
  raised_at_ms: number
  /** JSON: what the code said, what the sensors say. */
  body: string
}

export const verifyMigrations: readonly Migration[] = [
  {
    id: '0560-verify',
    statements: [
      `CREATE TABLE hub_verifications (verification_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL,
        work_order_id TEXT NOT NULL, visit INTEGER NOT NULL, method TEXT NOT NULL, state TEXT NOT NULL, fault TEXT, outcome_cause TEXT NOT NULL,
        done_at_ms BIGINT NOT NULL, due_at_ms BIGINT NOT NULL, before TEXT NOT NULL, probabilities TEXT NOT NULL, judged_at_ms BIGINT, verdict TEXT)`,
      'CREATE INDEX hub_verifications_watching ON hub_verifications (tenant, device, state)',
      'CREATE INDEX hub_verifications_by_order ON hub_verifications (tenant, work_order_id, visit)',
      `CREATE TABLE hub_repair_windows (verification_id TEXT NOT NULL, window_to_ms BIGINT NOT NULL, window_from_ms BIGINT NOT NULL,
        tenant TEXT NOT NULL, device TEXT NOT NULL, work_order_id TEXT NOT NULL, residuals TEXT NOT NULL, PRIMARY KEY (verification_id, window_to_ms))`,
      `CREATE TABLE hub_repair_signs (sign_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, work_order_id TEXT NOT NULL,
        verification_id TEXT NOT NULL, sign TEXT NOT NULL, engineer TEXT NOT NULL, raised_at_ms BIGINT NOT NULL, body TEXT NOT NULL)`,
      'CREATE INDEX hub_repair_signs_by_time ON hub_repair_signs (tenant, raised_at_ms, sign_id)',
      ...[
        'confidence DOUBLE PRECISION',
        'corrected_cause TEXT',
        'reasons TEXT',
        'engineer TEXT',
        'origin TEXT',
        'model_version TEXT',
        'visit INTEGER',
      ].map((column) => `ALTER TABLE hub_labels ADD COLUMN ${column}`),
      'CREATE INDEX hub_labels_by_order ON hub_labels (tenant, work_order_id)',
      'CREATE INDEX hub_labels_by_engineer ON hub_labels (tenant, engineer)',
    ],
  },
  {
    id: '0561-verify-waiting',
    statements: ['CREATE INDEX hub_verifications_waiting ON hub_verifications (state, tenant, device)'],
  },
  {
    id: '0562-verify-seen',
    statements: [
      'ALTER TABLE hub_verifications ADD COLUMN seen TEXT',
      'CREATE INDEX hub_repair_windows_by_unit ON hub_repair_windows (tenant, device, window_to_ms)',
    ],
  },
]
