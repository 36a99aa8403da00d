/**
 * A file that arrives in pieces: each is appended where the bytes before it end and is on the disk when the answer goes out, so an upload
 * goes on after a break on either side from the size that is there. What came of a piece before its connection broke counts as arrived.
 */
import { open, stat } from 'node:fs/promises'
import { MendlineError } from '#kernel/errors.ts'

export interface UploadPiece {
  /** Where in the file it belongs. */
  readonly from: number
  readonly bytes: AsyncIterable<Uint8Array>
  /** Bytes of the whole file; more are refused. */
  readonly total: number
  readonly pieceBytes_MAX: number
}

/** Bytes of the file that are there. */
export const uploadedBytes = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** Paths that are being written. */
const busy = new Set<string>()

/** Appends a piece; gives the bytes that are there behind it. @throws MendlineError MDL_API_CONFLICT, MDL_API_TOO_LARGE */
export async function appendPiece(path: string, { from, bytes, total, pieceBytes_MAX }: UploadPiece): Promise<number> {
  if (busy.has(path)) throw new MendlineError('MDL_API_CONFLICT', 'another piece of this upload is on its way')
  busy.add(path)
  try {
    const there = await uploadedBytes(path)
    if (from !== there) throw new MendlineError('MDL_API_CONFLICT', `${there} bytes are here, so the next piece begins there, not at ${from}`)
    const file = await open(path, 'a')
    try {
      let size = there
      for await (const chunk of bytes) {
        if (size + chunk.length > total) throw new MendlineError('MDL_API_TOO_LARGE', `the file was said to have ${total} bytes`)
        if (size + chunk.length - there > pieceBytes_MAX) throw new MendlineError('MDL_API_TOO_LARGE', `a piece has at most ${pieceBytes_MAX} bytes`)
        await file.appendFile(chunk)
        size += chunk.length
      }
      return size
    } finally {
      await file.datasync()
      await file.close()
    }
  } finally {
    busy.delete(path)
  }
}
