/** Waits for a time-series engine that end when somebody can wait no longer: a reader, or a program that is to stop. */
import { MendlineError } from '#kernel/errors.ts'

/** What `work` gives, or a refusal as soon as the signal says so; the work itself goes on. */
export function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(new MendlineError('MDL_STORE_UNAVAILABLE', 'the time-series engine does not answer in time', { retryable: true }))
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true })
    // Taken off again: the signal of a stop lives as long as the program.
    const settled = (): void => signal.removeEventListener('abort', give)
    work.then(resolve, reject).then(settled, settled)
  })
}
