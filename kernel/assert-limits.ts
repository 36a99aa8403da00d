/**
 * Holds the relations between the bounds of `limits.ts`, such as a packet that passes the guard fitting into a record of the journal.
 * Called once at the start: a program whose bounds contradict each other would lose or block something only under load.
 */
import { assert } from './errors.ts'
import { type Limits, limits } from './limits.ts'

/** Holds the relations between limits; a broken one stops the start. */
export function assertLimits(given: Limits = limits): void {
  assert(given.packetBytesBeforeLogin_MAX < given.packetBytes_MAX, 'the packet limit before login lies below the one after')
  assert(given.packetBytes_MAX < given.journalRecordBytes_MAX, 'every packet that passes the guard fits a journal record')
  assert(given.packetBytes_MAX + given.sparkplugContextBytes_MAX < given.journalRecordBytes_MAX, 'a Sparkplug packet fits a record with its names')
  assert(given.journalRecordBytes_MAX <= given.pipelineReadBytes, 'one turn of the pipeline holds at least one record')
  assert(given.journalRecordBytes_MAX < given.journalPendingBytes_MAX, 'the commit queue holds at least one record')
  assert(given.importReadingsPerMessage <= given.readingsPerPayload_MAX, 'a message of an import is a payload of the contract')
  assert(given.inferenceBatch_MAX <= given.windowsPending_MAX, 'a batch of windows fits the queue of windows')
  assert(given.halfOpenPerAddress_MAX <= given.halfOpen_MAX, 'one address cannot have more half-open sockets than all')
}
