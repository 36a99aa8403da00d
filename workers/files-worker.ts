/**
 * Imports and exports beside a running server: reading, checking and writing of files stay off the threads that serve. It asks the main
 * thread for devices and types, hands it messages for the journal chunk by chunk, and pulls stored readings from the pipeline by it.
 */
import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { assert } from '#kernel/errors.ts'
import { FILES_CALLS, type FilesTask } from './files-calls.ts'
import { runExport } from './files-export.ts'
import { runImport } from './files-import.ts'
import { Rpc } from './rpc.ts'

assert(parentPort !== null, 'files are read in a worker')
const main = new Rpc(parentPort)
main.handle(FILES_CALLS.run, (task: FilesTask) => (task.kind === 'import' ? runImport(task, main) : runExport(task, main)))

yieldToOthers()

/** On Linux a thread has a priority of its own: where processors are few, live messages go first. Elsewhere nothing is changed. */
function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_LOW)
  } catch {
    // No such file, or not allowed: the pace of the import still holds.
  }
}
