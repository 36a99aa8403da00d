/**
 * Port of the file journal to the file system: the few calls that it makes, so that tests can put a failing or forgetful disk beneath
 * it. Writing and syncing take callbacks, since they are called for every group and a promise each would be felt; the rest is rare.
 */
import fs, { constants } from 'node:fs'
import fsPromises from 'node:fs/promises'

type Done = (error: Error | null) => void

export interface JournalFile {
  /** Writes all of `bytes` at `offset` and makes them durable, with the length (write and fdatasync in one); an error is final. */
  writeDurably(bytes: Uint8Array, offset: number, done: Done): void
  /** fdatasync: what others wrote, and the length, survive a loss of power. */
  sync(done: Done): void
  /** Bytes read into `target` from `offset`; fewer than asked only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>
  size(): Promise<number>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

export interface Files {
  makeDirectory(path: string): Promise<void>
  /** Names in a directory. */
  list(path: string): Promise<readonly string[]>
  /** `create` fails when the file exists, `change` and `read` when it does not. */
  open(path: string, mode: 'create' | 'change' | 'read'): Promise<JournalFile>
  remove(path: string): Promise<void>
  /** fsync of a directory: the names in it survive a loss of power. */
  syncDirectory(path: string): Promise<void>
}

/** What reading needs of it. */
export interface ReadableFiles {
  list(path: string): Promise<readonly string[]>
  open(path: string, mode: 'read'): Promise<Pick<JournalFile, 'read' | 'close'>>
}

/**
 * On Linux each write is followed by the kernel's own fdatasync before it returns (O_DSYNC), which saves a group one of its two ways
 * through the thread pool. Elsewhere the flag promises less than fdatasync does (macOS leaves the disk's cache alone), so both are called.
 */
const WRITE_SYNCS = process.platform === 'linux'
const SYNCED = WRITE_SYNCS ? constants.O_DSYNC : 0
const FLAGS = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SYNCED,
  change: constants.O_RDWR | SYNCED,
  read: constants.O_RDONLY,
} as const

/** The disk of the machine. */
export const diskFiles: Files = {
  async makeDirectory(path) {
    await fsPromises.mkdir(path, { recursive: true })
  },
  list: (path) => fsPromises.readdir(path),
  async open(path, mode) {
    const descriptor = await new Promise<number>((resolve, reject) => {
      fs.open(path, FLAGS[mode], 0o600, (error, opened) => (error === null ? resolve(opened) : reject(error)))
    })
    return diskFile(descriptor)
  },
  remove: (path) => fsPromises.rm(path, { force: true }),
  async syncDirectory(path) {
    const handle = await fsPromises.open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

function diskFile(descriptor: number): JournalFile {
  const writeDurably: JournalFile['writeDurably'] = (bytes, offset, done) => {
    fs.write(descriptor, bytes, 0, bytes.length, offset, (error, written) => {
      if (error !== null) done(error)
      else if (written < bytes.length) writeDurably(bytes.subarray(written), offset + written, done)
      else if (WRITE_SYNCS) done(null)
      else fs.fdatasync(descriptor, done)
    })
  }
  const settle = (call: (done: Done) => void): Promise<void> =>
    new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))))
  return {
    writeDurably,
    sync: (done) => fs.fdatasync(descriptor, done),
    async read(target, offset) {
      let filled = 0
      while (filled < target.length) {
        const count = await readSome(descriptor, target.subarray(filled), offset + filled)
        if (count === 0) break
        filled += count
      }
      return filled
    },
    size: () => new Promise((resolve, reject) => fs.fstat(descriptor, (error, stat) => (error === null ? resolve(stat.size) : reject(error)))),
    truncate: (length) => settle((done) => fs.ftruncate(descriptor, length, done)),
    close: () => settle((done) => fs.close(descriptor, done)),
  }
}

function readSome(descriptor: number, target: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, target, 0, target.length, offset, (error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

/** `writeDurably` as a promise, for the rare calls. */
export function writeDurably(file: JournalFile, bytes: Uint8Array, offset: number): Promise<void> {
  return new Promise((resolve, reject) => file.writeDurably(bytes, offset, (error) => (error === null ? resolve() : reject(error))))
}
