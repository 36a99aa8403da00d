/**
 * A disk for tests, in memory: it remembers which bytes were synced, forgets the others when the power goes (whole, in part, or only
 * some sectors of them, by seed), and fails the calls that a test names. A failed sync drops what it should have written, as Linux does.
 */
import type { Random } from '#kernel/random.ts'
import type { Files, JournalFile } from './files.ts'

const SECTOR_BYTES = 512

interface Content {
  bytes: Uint8Array
  durable: Uint8Array
  isNameDurable: boolean
}

export type FileCall = 'write' | 'sync' | 'create' | 'truncate'

export interface ForgetfulFiles extends Files {
  /** Fails the calls for which this answers an error code. */
  failWhen: (call: FileCall, path: string) => 'EIO' | 'ENOSPC' | undefined
  /** The power goes: each file falls back to what was synced plus a random part of what was not. */
  losePower(random: Random): void
  /** Flips one bit. */
  flipBit(path: string, offset: number, bit: number): void
  paths(): readonly string[]
  sizeOf(path: string): number
}

/** Creates an empty disk. */
export function createForgetfulFiles(): ForgetfulFiles {
  const contents = new Map<string, Content>()
  const failure = (call: FileCall, path: string): Error | null => {
    const code = disk.failWhen(call, path)
    return code === undefined ? null : Object.assign(new Error(`${code}: ${call}`), { code })
  }
  const find = (path: string): Content => {
    const content = contents.get(path)
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return content
  }
  const disk: ForgetfulFiles = {
    failWhen: () => undefined,
    makeDirectory: async () => {},
    list: async (path) =>
      [...contents.keys()]
        .filter((name) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes('/'))
        .map((name) => name.slice(path.length + 1)),
    async open(path, mode) {
      if (mode === 'create') {
        const error = failure('create', path)
        if (error !== null) throw error
        contents.set(path, { bytes: new Uint8Array(0), durable: new Uint8Array(0), isNameDurable: false })
      }
      return openFile(path, find(path), failure)
    },
    remove: async (path) => {
      contents.delete(path)
    },
    async syncDirectory(path) {
      for (const [name, content] of contents) if (name.startsWith(`${path}/`)) content.isNameDurable = true
    },
    losePower(random) {
      for (const [path, content] of contents) {
        if (!content.isNameDurable && random.chance(0.5)) contents.delete(path)
        else content.bytes = content.durable = survivor(content, random)
      }
    },
    flipBit(path, offset, bit) {
      const content = find(path)
      content.bytes = content.bytes.slice()
      content.bytes[offset] = (content.bytes[offset] ?? 0) ^ (1 << bit)
      content.durable = content.bytes.slice()
    },
    paths: () => [...contents.keys()],
    sizeOf: (path) => find(path).bytes.length,
  }
  return disk
}

function openFile(path: string, content: Content, failure: (call: FileCall, path: string) => Error | null): JournalFile {
  const sync = (done: (error: Error | null) => void, from = 0, to = Number.POSITIVE_INFINITY): void => {
    const error = failure('sync', path)
    if (error === null) content.durable = withSynced(content, from, to)
    setImmediate(() => done(error))
  }
  return {
    writeDurably(bytes, offset, done) {
      const error = failure('write', path)
      // A disk that fills up takes a part of the bytes before it says so.
      const taken = error === null ? bytes : bytes.subarray(0, bytes.length >> 1)
      const grown = new Uint8Array(Math.max(content.bytes.length, offset + taken.length))
      grown.set(content.bytes)
      grown.set(taken, offset)
      content.bytes = grown
      setImmediate(() => (error === null ? sync(done, offset, offset + bytes.length) : done(error)))
    },
    sync: (done) => sync(done),
    async read(target, offset) {
      const part = content.bytes.subarray(offset, offset + target.length)
      target.set(part)
      return part.length
    },
    size: async () => content.bytes.length,
    async truncate(length) {
      const error = failure('truncate', path)
      if (error !== null) throw error
      content.bytes = content.bytes.slice(0, length)
    },
    close: async () => {},
  }
}

/** What is durable when a part was synced: that part and the length; the rest of the file as it was, or zero. */
function withSynced({ bytes, durable }: Content, from: number, to: number): Uint8Array {
  const result = new Uint8Array(Math.min(bytes.length, Math.max(durable.length, to)))
  result.set(durable.subarray(0, result.length))
  result.set(bytes.subarray(from, to), from)
  return result
}

/** The synced bytes, and of the unsynced ones each sector by chance, cut at a random length; what was not written yet reads as zero. */
function survivor(content: Content, random: Random): Uint8Array {
  const { bytes, durable } = content
  // A cut that was not synced: as it was or as it became.
  if (bytes.length < durable.length && random.chance(0.5)) return bytes.slice()
  const length = Math.max(durable.length, random.integer(Math.min(durable.length, bytes.length), bytes.length))
  const result = new Uint8Array(length)
  result.set(durable)
  for (let from = 0; from < Math.min(length, bytes.length); from += SECTOR_BYTES) {
    if (random.chance(0.6)) result.set(bytes.subarray(from, Math.min(length, from + SECTOR_BYTES)), from)
  }
  return result
}
