/**
 * Back-pressure: counts the bytes that wait for the journal, per connection and in all, and says who may read its socket. At a bound
 * nothing is dropped: sockets are not read until the journal has caught up. It also knows when nothing is on its way any more.
 */
import type { Limits } from '#kernel/limits.ts'

export interface ConnectionFlow {
  /** True when the socket may be read; when not, `wake` is called once it may. */
  mayRead(): boolean
  /** Counts a message on its way; the returned function says that it arrived or failed. */
  begin(bytes: number): () => void
  /** The same without a function a message: a message of `bytes` is on its way ... */
  began(bytes: number): void
  /** ... and `messages` of `bytes` together arrived or failed. */
  ended(bytes: number, messages: number): void
  /** Forgets the connection; what is on its way is still counted until it ends. */
  close(): void
}

export interface Flow {
  open(wake: () => void): ConnectionFlow
  /** Bytes on their way into the journal. */
  inFlightBytes(): number
  /** Lets nobody read any more. */
  hold(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

/** Bytes that every message counts beside its payload: topic, envelope, promise. */
const MESSAGE_OVERHEAD_BYTES = 256

export function createFlow(limits: Limits): Flow {
  const waiting = new Set<() => void>()
  const idleListeners: Array<() => void> = []
  let inFlight = 0
  let messages = 0
  let isHeld = false
  /** Half of the journal's own queue, so that the journal never has to refuse. */
  const bound = limits.journalPendingBytes_MAX / 2

  const settle = (): void => {
    if (waiting.size > 0 && inFlight < bound / 2 && !isHeld) {
      const woken = [...waiting]
      waiting.clear()
      for (const wake of woken) wake()
    }
    if (messages === 0) for (const listener of idleListeners.splice(0)) listener()
  }

  return {
    open(wake) {
      let own = 0
      let isOpen = true
      let isWaiting = false
      const began = (payloadBytes: number): void => {
        own += payloadBytes + MESSAGE_OVERHEAD_BYTES
        inFlight += payloadBytes + MESSAGE_OVERHEAD_BYTES
        messages++
      }
      const ended = (payloadBytes: number, count: number): void => {
        const bytes = payloadBytes + count * MESSAGE_OVERHEAD_BYTES
        own -= bytes
        inFlight -= bytes
        messages -= count
        settle()
        if (!isWaiting || !isOpen || own >= limits.connectionInFlightBytes_MAX / 2) return
        isWaiting = false
        wake()
      }
      return {
        mayRead() {
          if (isHeld) return false
          if (inFlight >= bound) {
            waiting.add(wake)
            return false
          }
          isWaiting = own >= limits.connectionInFlightBytes_MAX
          return !isWaiting
        },
        begin(bytes) {
          began(bytes)
          return () => ended(bytes, 1)
        },
        began,
        ended,
        close() {
          isOpen = false
          waiting.delete(wake)
        },
      }
    },
    inFlightBytes: () => inFlight,
    hold() {
      isHeld = true
    },
    idle() {
      return messages === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))
    },
  }
}
