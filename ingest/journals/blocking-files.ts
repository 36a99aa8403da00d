/**
 * Reading of segments by calls that block, for a thread that may wait: what the journal's readers ask for lies in the page cache, and a
 * read by the thread pool costs each thread two changes for each of its five calls, which where processors are few the commits wait for.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import type { ReadableFiles } from './files.ts'

/** Not for the main thread. */
export const blockingFiles: ReadableFiles = {
  list: async (path) => readdirSync(path),
  async open(path) {
    const descriptor = openSync(path, 'r')
    return {
      async read(target, offset) {
        let filled = 0
        while (filled < target.length) {
          const count = readSync(descriptor, target, filled, target.length - filled, offset + filled)
          if (count === 0) break
          filled += count
        }
        return filled
      },
      close: async () => closeSync(descriptor),
    }
  },
}
