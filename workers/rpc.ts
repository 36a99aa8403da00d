/**
 * Calls across a worker's message port: requests with one answer, streams that the caller pulls chunk by chunk (so a slow reader
 * holds the producer), and one-way notices. Both ends use the same class; errors of the world cross with their code.
 */
import type { MessagePort, Worker } from 'node:worker_threads'
import { assert, type ErrorCode, MendlineError } from '#kernel/errors.ts'

type Channel = Pick<MessagePort | Worker, 'on' | 'postMessage'>
type Handler = (argument: never) => unknown

interface SentError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>
}

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: SentError }
  | { readonly kind: 'notice'; readonly name: string; readonly argument: unknown }

/** Items of a stream that cross in one message. */
const STREAM_CHUNK_ITEMS = 500

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class Rpc {
  readonly #channel: Channel
  readonly #handlers = new Map<string, Handler>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #streams = new Map<number, AsyncIterator<unknown>>()
  #nextId = 1
  #closedBy: Error | undefined

  constructor(channel: Channel) {
    this.#channel = channel
    channel.on('message', (message: Message) => this.#receive(message))
    this.handle('stream.next', (id: number) => this.#nextChunk(id))
    this.handle('stream.close', async (id: number) => {
      await this.#streams.get(id)?.return?.()
      this.#streams.delete(id)
    })
  }

  /** Registers what answers `name`; a thrown or rejected error goes back to the caller. */
  handle<Argument>(name: string, handler: (argument: Argument) => unknown): void {
    this.#handlers.set(name, handler as Handler)
  }

  /** Registers a stream; the caller reads it by `stream`. */
  handleStream<Argument>(name: string, open: (argument: Argument) => AsyncIterable<unknown>): void {
    this.handle(name, (argument: Argument) => {
      const id = this.#nextId++
      this.#streams.set(id, open(argument)[Symbol.asyncIterator]())
      return id
    })
  }

  /** Calls `name` on the other side. Rejects when the other side failed or ended. */
  call<Result>(name: string, argument?: unknown): Promise<Result> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy)
    const id = this.#nextId++
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#channel.postMessage({ kind: 'call', id, name, argument } satisfies Message)
    }) as Promise<Result>
  }

  /** Reads a stream of the other side, chunk by chunk as it is consumed. */
  async *stream<Item>(name: string, argument: unknown): AsyncGenerator<Item> {
    const id = await this.call<number>(name, argument)
    let isDone = false
    try {
      while (!isDone) {
        const chunk = await this.call<{ items: Item[]; isDone: boolean }>('stream.next', id)
        isDone = chunk.isDone
        yield* chunk.items
      }
    } finally {
      if (!isDone) await this.call('stream.close', id)
    }
  }

  /** Sends without waiting for an answer. */
  notify(name: string, argument: unknown): void {
    if (this.#closedBy === undefined) this.#channel.postMessage({ kind: 'notice', name, argument } satisfies Message)
  }

  /** The other side has ended: every open and every later call fails with `reason`. */
  close(reason: Error): void {
    this.#closedBy = reason
    for (const waiting of this.#waiting.values()) waiting.reject(reason)
    this.#waiting.clear()
  }

  async #nextChunk(id: number): Promise<{ items: unknown[]; isDone: boolean }> {
    const iterator = this.#streams.get(id)
    assert(iterator !== undefined, 'the stream is open')
    const items: unknown[] = []
    while (items.length < STREAM_CHUNK_ITEMS) {
      const step = await iterator.next()
      if (step.done === true) {
        this.#streams.delete(id)
        return { items, isDone: true }
      }
      items.push(step.value)
    }
    return { items, isDone: false }
  }

  #receive(message: Message): void {
    if (message.kind === 'answer') {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.error === undefined) waiting?.resolve(message.value)
      else waiting?.reject(receivedError(message.error))
      return
    }
    const handler = this.#handlers.get(message.name)
    assert(handler !== undefined, `the call ${message.name} has a handler`)
    if (message.kind === 'notice') {
      handler(message.argument as never)
      return
    }
    void this.#answer(message.id, handler, message.argument)
  }

  async #answer(id: number, handler: Handler, argument: unknown): Promise<void> {
    try {
      this.#channel.postMessage({ kind: 'answer', id, value: await handler(argument as never) } satisfies Message)
    } catch (error) {
      this.#channel.postMessage({ kind: 'answer', id, error: sentError(error) } satisfies Message)
    }
  }
}

function sentError(error: unknown): SentError {
  if (error instanceof MendlineError) return { code: error.code, message: error.message, retryable: error.retryable, details: error.details }
  return { code: undefined, message: error instanceof Error ? (error.stack ?? error.message) : String(error), retryable: false, details: {} }
}

function receivedError(error: SentError): Error {
  if (error.code === undefined) return new Error(error.message)
  return new MendlineError(error.code, error.message, { retryable: error.retryable, details: error.details })
}
