/**
 * Self-audit of the pipeline: what came in must be accounted for. Three counts that are made in different places are compared all the
 * time: the readings that the decoder gave, what the writer says became of each, and what the store counts in its own transactions; and the
 * records of the journal must follow each other without a hole. A difference is told once, as an alarm of the system, and again
 * when it grows; it stays until the process ends, for a balance that was broken does not heal by itself.
 */
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import type { Log } from '#kernel/log.ts'
import type { SourceBatch } from './pipeline-parts.ts'

/** What became of the readings of this process, as the writer counts. */
export interface WriterCounts {
  readonly in: number
  readonly stored: number
  readonly waiting: number
  readonly quarantined: number
  readonly duplicates: number
  readonly conflicts: number
}

/** Differences, each 0 when the books are right. */
export interface AuditReport {
  /** Readings decoded, less those that the writer took. */
  readonly untaken: number
  /** Readings taken, less stored, waiting, quarantined, duplicates and conflicts. */
  readonly unaccounted: number
  /** Readings that the writer stored, less those that the store counts. */
  readonly unstored: number
  /** Bytes of the journal that no record of it covers. */
  readonly skippedBytes: number
}

export interface AuditParts {
  readonly writer: { statistics(): WriterCounts }
  readonly store: { statistics(): Promise<{ readonly readings: number }> }
  /** Tells the hubs. */
  readonly tell: (event: HubEvent) => Promise<void>
  /** Tells the process, for its readiness page; empty = the books are right. */
  readonly onFinding: (finding: string) => void
  readonly clock: Clock
  readonly log: Log
}

export class Audit {
  readonly #parts: AuditParts
  #decoded = 0
  #decodedUpTo = 0
  #skippedBytes = 0
  #storedBefore = 0
  #report: AuditReport = { untaken: 0, unaccounted: 0, unstored: 0, skippedBytes: 0 }
  #told = 0
  #checks = 0

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** Begins behind `position`: records before it are stored and not counted again. */
  async start(position: number): Promise<void> {
    this.#decodedUpTo = position
    this.#storedBefore = (await this.#parts.store.statistics()).readings
  }

  /** Notes what a record held, once however often it is taken. */
  decoded(readings: number, next: number): void {
    if (next <= this.#decodedUpTo) return
    this.#decodedUpTo = next
    this.#decoded += readings
  }

  /** Notes whether the records of a batch follow each other; where the journal says that some cannot be read they need not. */
  read({ records, corrupt, begin }: SourceBatch): void {
    if (corrupt > 0) return
    let expected = begin
    for (let index = 0; index < records.length; index++) {
      const { position, next } = records.at(index) ?? {}
      if (position !== undefined && expected !== undefined && position !== expected) this.#skippedBytes += Math.abs(position - expected)
      expected = next
    }
  }

  /** Compares the counts; called behind a flush, when nothing is on its way. */
  async check(): Promise<AuditReport> {
    const { in: taken, stored, waiting, quarantined, duplicates, conflicts } = this.#parts.writer.statistics()
    const { readings } = await this.#parts.store.statistics()
    this.#checks++
    this.#report = {
      untaken: this.#decoded - taken,
      unaccounted: taken - stored - waiting - quarantined - duplicates - conflicts,
      unstored: stored - (readings - this.#storedBefore),
      skippedBytes: this.#skippedBytes,
    }
    const size = Object.values(this.#report).reduce((sum, difference) => sum + Math.abs(difference), 0)
    if (size > this.#told) await this.#raise(size)
    return this.#report
  }

  statistics(): Readonly<Record<string, number>> {
    return { ...this.#report, checks: this.#checks, decoded: this.#decoded }
  }

  async #raise(size: number): Promise<void> {
    const { tell, onFinding, clock, log } = this.#parts
    this.#told = size
    const { untaken, unaccounted, unstored, skippedBytes } = this.#report
    const detail = { untaken_count: untaken, unaccounted_count: unaccounted, unstored_count: unstored, skipped_bytes: skippedBytes }
    const named = Object.entries(detail).filter(([, difference]) => difference !== 0)
    const finding = named.map(([name, difference]) => `${name} ${difference}`).join(', ')
    log.error('self-audit: the books of ingest do not balance', detail)
    onFinding(finding)
    const atMs = clock.now()
    await tell({ kind: 'system_alarm', key: `system_alarm:audit:${atMs}:${size}`, tenant: DEFAULT_TENANT, at_ms: atMs, subject: 'audit', detail })
  }
}
