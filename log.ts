/** The log adapter: pino to standard error, so that standard output holds only what a verb promises to print. */
import { pino } from 'pino'
import type { Log } from '#kernel/log.ts'

/** Creates the process's log; `level` is one of pino's, `silent` included. */
export function createLog(level: string): Log {
  const serializers = { error: pino.stdSerializers.err, cause: pino.stdSerializers.err }
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers }, pino.destination({ dest: 2, sync: true }))
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  }
}
