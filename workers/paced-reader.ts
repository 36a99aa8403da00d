/**
 * Paces the pipeline's reading of the journal. A read costs the same file calls for one record as for a thousand, so where little is
 * waiting it gathers for a moment first: with a thousand devices that each wait for their PUBACK a group commit brings some records
 * each millisecond. A query that waits for what was acknowledged, and a stop, end the moment at once. A backlog is read without it.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'

interface Reader<Batch> {
  read(from: number, maxBytes: number): Promise<Batch>
}

export interface PacedReader<Batch> extends Reader<Batch> {
  /** Ends the present moment of gathering, or leaves the next one out. */
  hurry(): void
}

/** Puts the pace before `reader`. */
export function createPacedReader<Batch>(parts: {
  readonly reader: Reader<Batch>
  readonly committedEnd: () => number
  readonly clock: Pick<Clock, 'after'>
  readonly limits: Pick<Limits, 'pipelineGatherBytes' | 'pipelineGatherMs'>
}): PacedReader<Batch> {
  const { reader, committedEnd, clock, limits } = parts
  let isHurried = false
  let end = (): void => {}
  const gather = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(limits.pipelineGatherMs, resolve)
      end = () => {
        cancel()
        resolve()
      }
    })
  return {
    async read(from, maxBytes) {
      const waiting = committedEnd() - from
      if (waiting > 0 && waiting < limits.pipelineGatherBytes && !isHurried) await gather()
      isHurried = false
      return reader.read(from, maxBytes)
    },
    hurry() {
      isHurried = true
      end()
    },
  }
}
