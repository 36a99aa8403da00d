/** A thread of `offline-fleet.ts`: runs the slices that it is given, writes their readings, and tells their truth and cost. */
import { parentPort } from 'node:worker_threads'
import { createReadingWriter, type Format } from './offline-files.ts'
import { type OfflineSlice, runSlice, type SliceResult, typeOf } from './offline-run.ts'

export interface SliceJob {
  readonly slice: OfflineSlice
  readonly format: Format
  readonly folder: string
  readonly name: string
}

export interface SliceDone {
  readonly job: SliceJob
  readonly result: SliceResult
  /** CPU time of this thread for the slice. */
  readonly cpuMs: number
}

parentPort?.on('message', (job: SliceJob) => {
  const before = process.threadCpuUsage()
  const writer = createReadingWriter(job.format, typeOf(job.slice.type), job.folder, job.name)
  const result = runSlice(job.slice, (reading) => writer.write(reading))
  writer.close()
  const { user, system } = process.threadCpuUsage(before)
  parentPort?.postMessage({ job, result, cpuMs: (user + system) / 1000 } satisfies SliceDone)
})
