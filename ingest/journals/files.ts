/**
 * Port of the file journal to the file system: the few calls that it makes, so that tests can put a failing or forgetful disk beneath
 * it. Writing and syncing take callbacks, since they are called for every group and a promise each would be felt; the rest is rare.
 */
import fs from 'node:fs'
import fsPromises from 'node:fs/promises'

type Done = (error: Error | null) => void

export interface JournalFile {
  /** Writes all of `bytes` at `offset`; a short write is continued, an error is final. */
  write(bytes: Uint8Array, offset: number, done: Done): void
  /** fdatasync: what was written, and the length, survive a loss of power. */
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

const FLAGS = { create: 'wx+', change: 'r+', read: 'r' } as const

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
  const write: JournalFile['write'] = (bytes, offset, done) => {
    fs.write(descriptor, bytes, 0, bytes.length, offset, (error, written) => {
      if (error !== null) done(error)
      else if (written < bytes.length) write(bytes.subarray(written), offset + written, done)
      else done(null)
    })
  }
  const settle = (call: (done: Done) => void): Promise<void> =>
    new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))))
  return {
    write,
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

/** Writes and syncs as one promise, for the rare calls. */
export async function writeDurably(file: JournalFile, bytes: Uint8Array, offset: number): Promise<void> {
  await new Promise<void>((resolve, reject) => file.write(bytes, offset, (error) => (error === null ? resolve() : reject(error))))
  await new Promise<void>((resolve, reject) => file.sync((error) => (error === null ? resolve() : reject(error))))
}
