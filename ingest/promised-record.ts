/** Turns an append that tells a waiter into one that gives a promise, for callers that are not hot. */
import { MendlineError } from '#kernel/errors.ts'
import type { Position, WaitingRecord } from './journal.ts'

const NO_HEAD = new Uint8Array(0)

/** Appends `body` by `appendFor`; resolves with its position once it is durable, rejects with the refusal. */
export function promised(body: Uint8Array, appendFor: (record: WaitingRecord) => Position | MendlineError): Promise<Position> {
  return new Promise((resolve, reject) => {
    const position = appendFor({
      head: NO_HEAD,
      payload: body,
      settled: ({ error }) => (error === undefined ? resolve(position as Position) : reject(error)),
    })
    if (position instanceof MendlineError) reject(position)
  })
}
