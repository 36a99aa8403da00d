/**
 * TCP sockets past the machinery of Node's streams, which costs a message of 300 bytes more than all that is done with it. Bytes are read into
 * one buffer that all sockets share (`onread` of `net.Socket`), and an answer that the kernel takes at once is written by one call. Only
 * what cannot be done so goes the stream's way: the rest of a partial write, a paused reader, errors, the end. Where the socket is not
 * built as expected, it stays an ordinary one.
 */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What one read of a socket brings at most. */
const READ_BYTES = 64 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * Takes `length` bytes at the begin of a buffer that is overwritten after the call. False stops reading until the socket is resumed:
 * a `pause` alone is undone by a `resume` of the same turn.
 */
type Reader = (bytes: Buffer, length: number) => boolean

export interface PlainSocket {
  /** From now on what arrives goes to `reader` and not to 'data'. */
  read(reader: Reader): void
  /** Writes behind what was written before; the bytes are the caller's again when it returns. */
  write(bytes: Uint8Array): void
}

/** The handle that a `net.Socket` reads and writes by. */
interface Handle {
  readonly fd: number
}
interface Inside {
  _handle: Handle | null
  _server: unknown
  server: unknown
}

const plain = new WeakMap<Duplex, PlainSocket>()

/** What a socket of `makePlain` can do beside its stream; undefined for every other stream. */
export const plainSocketOf = (stream: Duplex): PlainSocket | undefined => plain.get(stream)

/** Puts a socket that was accepted paused, and of which nothing was read, in the place of one that is read past its stream. */
export function makePlain(accepted: Socket): Socket {
  const from = accepted as unknown as Inside
  const handle = from._handle
  const fd = handle?.fd
  if (handle === null || fd === undefined || !(fd >= 0)) {
    accepted.resume()
    return accepted
  }
  let reader: Reader = () => false
  const onread = {
    buffer: shared,
    callback: (length: number, bytes: Uint8Array): boolean => reader(bytes as Buffer, length),
  }
  const socket = new Socket({ handle, onread, pauseOnCreate: true, allowHalfOpen: false } as object)
  const to = socket as unknown as Inside
  // The server counts a socket until it closes.
  to._server = from._server
  to.server = from.server
  from._server = null
  from._handle = null
  plain.set(socket, {
    read(given) {
      reader = given
      socket.resume()
    },
    write(bytes) {
      // A socket lets go of its handle in the moment in which it closes it; from then on the number may be another file's.
      const written = to._handle === handle && socket.writableLength === 0 ? writeNow(fd, bytes) : 0
      if (written < bytes.length) socket.write(Buffer.from(bytes.subarray(written)))
    },
  })
  return socket
}

/** Bytes that the kernel took at once. */
function writeNow(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes)
  } catch {
    // The buffer of the socket is full, or it is broken: the stream waits for the one and tells of the other.
    return 0
  }
}
