/**
 * Processor time of a process by thread, from Linux's own books (`/proc/PID/task/*\/schedstat`): what the main thread ran and how long it
 * stood ready without a processor, and what all the others ran. Unlike a wait on the clock it hardly depends on what else the machine does.
 * Elsewhere than on Linux there is none.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface ThreadTimes {
  /** Processor time of the main thread. */
  readonly mainMs: number
  /** Time for which the main thread could have run and no processor was free. */
  readonly mainWaitedMs: number
  /** Processor time of the other threads that live. */
  readonly othersMs: number
}

/** What the threads of a process took since it began; undefined where the system does not say. */
export function threadTimes(pid: number | undefined): ThreadTimes | undefined {
  if (pid === undefined) return undefined
  try {
    let [mainMs, mainWaitedMs, othersMs] = [0, 0, 0]
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ranMs = 0, waitedMs = 0] = readTimes(`/proc/${pid}/task/${thread}/schedstat`)
      if (Number(thread) !== pid) othersMs += ranMs
      else [mainMs, mainWaitedMs] = [ranMs, waitedMs]
    }
    return { mainMs, mainWaitedMs, othersMs }
  } catch {
    return undefined
  }
}

/** A thread that ended meanwhile has none. */
function readTimes(file: string): readonly number[] {
  try {
    return readFileSync(file, 'utf8')
      .split(' ')
      .map((ns) => Number(ns) / 1e6)
  } catch {
    return []
  }
}
