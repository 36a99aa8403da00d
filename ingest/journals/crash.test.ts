/**
 * Crashes of the file journal by the thousand, on a disk in memory: unsynced bytes are dropped, torn by sectors and reordered, any one
 * call fails, bits flip.
 */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { contractLimits } from '../journal.contract.ts'
import type { Journal } from '../journal.ts'
import { createFileJournal } from './file-journal.ts'
import { createForgetfulFiles, type FileCall, type ForgetfulFiles } from './forgetful-files.ts'
import { FRAME_BYTES } from './framed-records.ts'
import { segmentBases } from './segment.ts'

const SEEDS = 2_000
const DIRECTORY = '/j'

const open = (files: ForgetfulFiles, clock = new ManualClock(0)): Journal =>
  createFileJournal({ directory: DIRECTORY, limits: contractLimits, log: silentLog, clock, files, freshSalt: 7 })
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

interface Read {
  readonly texts: readonly string[]
  readonly corrupt: number
}

async function readAll(journal: Journal): Promise<Read> {
  const texts: string[] = []
  let corrupt = 0
  for (let next = 0; ; ) {
    const part = await journal.read(next, 4_096)
    if (part.next === next) return { texts, corrupt }
    for (const { body } of part.records) texts.push(new TextDecoder().decode(body))
    corrupt += part.corrupt
    next = part.next
  }
}

/** One life of a process: appends by chance, ends at any moment with whatever was on its way; gives what was acknowledged. */
async function live(files: ForgetfulFiles, random: Random, name: string): Promise<string[]> {
  const clock = new ManualClock(0)
  const acknowledged: string[] = []
  const journal = open(files, clock)
  try {
    await journal.start()
  } catch {
    return acknowledged
  }
  const count = random.integer(1, 20)
  for (let index = 0; index < count; index++) {
    const text = `${name}/${index} ${'#'.repeat(random.integer(0, 900))}`
    journal.append(encode(text)).then(
      () => acknowledged.push(text),
      () => {},
    )
    if (random.chance(0.5)) await turns(random.integer(1, 4))
    if (random.chance(0.2)) clock.advance(contractLimits.journalRetryMs)
  }
  await turns(random.integer(0, 6))
  return acknowledged
}

/** The process is gone and then the power: nothing that its last calls would still do reaches the disk. */
async function crash(files: ForgetfulFiles, random: Random): Promise<void> {
  files.failWhen = () => 'EIO'
  await turns(8)
  files.losePower(random)
  files.failWhen = () => undefined
}

async function reopen(files: ForgetfulFiles): Promise<Read> {
  const journal = open(files)
  await journal.start()
  const read = await readAll(journal)
  await journal.stop()
  return read
}

function expectAcknowledged(read: Read, acknowledged: readonly string[], seed: string): void {
  const wanted = new Set(acknowledged)
  expect(
    read.texts.filter((text) => wanted.has(text)),
    seed,
  ).toEqual(acknowledged)
  expect(new Set(read.texts).size, seed).toBe(read.texts.length)
}

describe('file journal on a disk that drops, tears and reorders', () => {
  it(`opens and has every acknowledged record in order (${SEEDS} seeds)`, { timeout: 120_000 }, async () => {
    for (let number = 0; number < SEEDS; number++) {
      const seed = `crash/${number}`
      const random = createRandom(seed)
      const files = createForgetfulFiles()
      const acknowledged: string[] = []
      for (let life = 0; life < 3; life++) {
        const errorRate = random.pick([0, 0, 0, 0.05])
        files.failWhen = () => (random.chance(errorRate) ? random.pick(['EIO', 'ENOSPC'] as const) : undefined)
        acknowledged.push(...(await live(files, random, `${life}`)))
        await crash(files, random)
        expectAcknowledged(await reopen(files), acknowledged, seed)
      }
    }
  })

  const codes = ['EIO', 'ENOSPC'] as const
  it.each(codes)('loses nothing acknowledged whichever single call answers %s, in a life or while it opens', { timeout: 60_000 }, async (code) => {
    let isBeyond = false
    for (let nth = 1; !isBeyond; nth++) {
      const seed = `nth/${code}/${nth}`
      const random = createRandom('the same life each time')
      const files = createForgetfulFiles()
      let calls = 0
      const failNth = (): typeof code | undefined => (++calls === nth ? code : undefined)
      files.failWhen = failNth
      const acknowledged = await live(files, random, '0')
      files.losePower(random)
      acknowledged.push(...(await live(files, random, '1')))
      isBeyond = calls < nth
      await crash(files, random)
      expectAcknowledged(await reopen(files), acknowledged, seed)
    }
  })

  it('opens at the second try when its first opening failed at any call, and has the same records', async () => {
    const calls: FileCall[] = ['write', 'sync', 'create', 'truncate']
    for (const call of calls) {
      for (let number = 0; number < 50; number++) {
        const random = createRandom(`open/${call}/${number}`)
        const files = createForgetfulFiles()
        const acknowledged = await live(files, random, '0')
        await crash(files, random)
        files.failWhen = (made) => (made === call ? 'EIO' : undefined)
        const first = open(files)
        await first.start().catch((error: unknown) => expect(error).toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE' }))
        await crash(files, random)
        expectAcknowledged(await reopen(files), acknowledged, `open/${call}/${number}`)
      }
    }
  })
})

describe('file journal with flipped bits', () => {
  it('opens, alters nothing, loses only records that were hit, and says that it found something (500 seeds)', { timeout: 60_000 }, async () => {
    for (let number = 0; number < 500; number++) {
      const seed = `flip/${number}`
      const random = createRandom(seed)
      const files = createForgetfulFiles()
      const journal = open(files)
      await journal.start()
      const written = Array.from({ length: random.integer(1, 30) }, (_, index) => `${index} ${'#'.repeat(random.integer(0, 200))}`)
      const positions: number[] = []
      for (const text of written) positions.push(await journal.append(encode(text)))
      await journal.stop()
      const hit = flipOne(files, random, positions, written)
      const reopened = open(files)
      const report = await reopened.start()
      const { texts, corrupt } = await readAll(reopened)
      expect(texts, seed).toEqual(written.filter((_, index) => index !== hit))
      if (hit !== undefined) expect(report.corruptRecords + report.tornBytes + corrupt, seed).toBeGreaterThan(0)
      await reopened.append(encode('goes on'))
      expect((await readAll(reopened)).texts.at(-1), seed).toBe('goes on')
      await reopened.stop()
    }
  })
})

/** Flips a bit anywhere in the log; gives the index of the record that holds it, undefined for a header, which has a second copy. */
function flipOne(files: ForgetfulFiles, random: Random, positions: readonly number[], written: readonly string[]): number | undefined {
  const path = random.pick(files.paths().filter((name) => name.endsWith('.journal')))
  const base = segmentBases([path.slice(DIRECTORY.length + 1)])[0] ?? 0
  const offset = random.integer(0, files.sizeOf(path) - 1)
  files.flipBit(path, offset, random.integer(0, 7))
  const at = positions.findIndex((position, index) => {
    const end = position + FRAME_BYTES + encode(written[index] ?? '').length
    return base + offset >= position && base + offset < end
  })
  return at === -1 ? undefined : at
}
