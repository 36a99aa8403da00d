/**
 * Backups and verifications beside a running server: copying, looking through and digests stay off the threads that serve. It asks the main
 * thread for the journal's end and, by it, the pipeline's worker for what only the writer of the readings can give.
 */
import { parentPort } from 'node:worker_threads'
import { systemClock } from '#kernel/clock.ts'
import { assert } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { runBackup } from '../guard/backup.ts'
import { verifyFolder } from '../guard/verify.ts'
import type { StoreFindings } from '../ingest/reading-store.ts'
import { GUARD_CALLS, type GuardTask } from './guard-calls.ts'
import { Rpc } from './rpc.ts'

assert(parentPort !== null, 'the guard runs in a worker')
const main = new Rpc(parentPort)
const journalEnd = (): Promise<number> => main.call(GUARD_CALLS.journalEnd)
const note = (step: string): Promise<void> => main.call(GUARD_CALLS.note, { step })

main.handle(GUARD_CALLS.run, async (task: GuardTask) => {
  const { dataDir } = task
  if (task.kind === 'backup') {
    const captureReadings = (directory: string): Promise<{ position: number; layout: number }> => main.call(GUARD_CALLS.capture, directory)
    const { files, ...manifest } = await runBackup({ ...task, nowMs: systemClock.now, captureReadings, journalEnd, note })
    return { ...manifest, directory: task.target, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  }
  const readings = (): Promise<StoreFindings> => main.call(GUARD_CALLS.verifyReadings)
  return verifyFolder({ directory: dataDir, limits, readings, journalEnd, note })
})
