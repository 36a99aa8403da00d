/**
 * What the InfluxDB-compatible store asks of an engine when it reads. Writing is the same line protocol everywhere; reading is each
 * engine's own language, so there is one adapter for MetricsQL (VictoriaMetrics) and one for Flux (InfluxDB 2).
 */

/** One point as the engine holds it: the number fields of one device and millisecond. */
export interface EngineRow {
  readonly firmware: string | undefined
  readonly observedAtMs: number
  readonly fields: ReadonlyMap<string, number>
}

export interface EngineSeries {
  readonly tenant: string
  readonly device: string
  /** Appliance type, the measurement. */
  readonly type: string
}

/** Half open in device time: `fromMs` counts, `toMs` does not. */
export interface EngineSpan {
  readonly fromMs: number
  readonly toMs: number
}

export interface EngineGrid extends EngineSpan {
  readonly originMs: number
  readonly widthMs: number
}

/** Aggregates of one field in one bucket of the grid, cut at the span's ends. */
export interface EngineBucket {
  readonly t: number
  readonly field: string
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly n: number
}

export interface InfluxEngine {
  /** Name for logs and documents. */
  readonly name: string
  /** Whether every double comes back as it was; where not, only multiples of 1e-6 below 1e8 are given to the engine. */
  readonly isExact: boolean
  /** Makes what was written visible to queries. */
  refresh(): Promise<void>
  /**
   * Which run of the engine answers. Another answer than before means that it started anew and may have lost what was written and not
   * persisted; one that logs every write before it answers says the same always.
   */
  run(): Promise<string>
  /** Resolves when what was written survives a crash of the engine, as far as the engine can promise it. */
  persist(): Promise<void>
  /** Points of a device in ascending time. */
  rows(series: EngineSeries, span: EngineSpan): Promise<readonly EngineRow[]>
  buckets(series: EngineSeries, fields: readonly string[], grid: EngineGrid): Promise<readonly EngineBucket[]>
  /** Every device of every type that ever wrote. */
  series(types: readonly string[]): Promise<readonly EngineSeries[]>
  /** Points and values of the types over all time. */
  counts(types: readonly string[]): Promise<{ readonly points: number; readonly values: number }>
}

/** Fields beside the channels; their names are reserved by the stored types. */
export const KEY_FIELDS = { boot: 'boot', seq: 'seq', receivedAtMs: 'received_at_ms', flags: 'flags' } as const

/** The earliest and latest device time that a query over everything asks for: 1970 to 2200. VictoriaMetrics takes a begin of 0 for none. */
export const ALL_TIME: EngineSpan = { fromMs: 1_000, toMs: 7_258_118_400_000 }
