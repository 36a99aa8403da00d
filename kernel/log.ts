/**
 * Structured logging as a port. The message is a constant phrase, the data are fields with units in their names.
 * `info` is for life cycle and decisions; a reading is never logged at info. The adapter (pino) is built in `main.ts`.
 */
export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Log that discards everything. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
