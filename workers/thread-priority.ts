/**
 * Lets a thread stand back. Where processors are few, whoever wakes up waits for the one that runs, for milliseconds at a time; a PUBACK
 * and a danger should not wait for the store. On Linux a nice value belongs to a thread, elsewhere to the whole process: there nothing is done.
 */
import { readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { basename } from 'node:path'

/** A third of the weight of a thread at 0: the store gets on beside a main thread that never rests. */
const NICE_STEPS = 5
const NICE_MAX = 19

/** Puts the calling thread behind the others of the process; says whether that could be done. */
export function standBack(): boolean {
  try {
    const thread = Number(basename(readlinkSync('/proc/thread-self')))
    // 0 is the calling thread; the number names it alone, for the id of a process would mean its main thread.
    setPriority(thread, Math.min(getPriority(0) + NICE_STEPS, NICE_MAX))
    return true
  } catch {
    return false
  }
}
