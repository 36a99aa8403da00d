/** One forward step of the operational store's schema; each stage lists its own, ids are never reused. */
export interface Migration {
  /** `<number>-<name>`, applied in order of the list that main passes. */
  readonly id: string
  /** Plain SQL that SQLite and PostgreSQL both accept. */
  readonly statements: readonly string[]
}
