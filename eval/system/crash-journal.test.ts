import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { createFileJournal } from '../../ingest/journals/file-journal.ts'
import { systemClock } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import { createRandom } from '../../kernel/random.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-crash-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const child = fileURLToPath(new URL('crash-journal-child.ts', import.meta.url))

/** Runs the child until it is killed, some time after its first acknowledgement; gives the numbers that it printed. */
async function runAndKill(directory: string, first: number, killAfterMs: number): Promise<number[]> {
  const process_ = spawn(process.execPath, [child, directory, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  const started = new Promise<void>((resolve) => process_.stdout.once('data', () => resolve()))
  process_.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const closed = new Promise((resolve) => process_.once('close', resolve))
  await started
  await sleep(killAfterMs)
  process_.kill('SIGKILL')
  await closed
  return text.split('\n').slice(0, -1).map(Number)
}

async function readNumbers(directory: string): Promise<number[]> {
  const journal = createFileJournal({ directory, limits, log: silentLog, clock: systemClock })
  await journal.start()
  const numbers: number[] = []
  for (let next = 0; ; ) {
    const part = await journal.read(next, 100_000)
    if (part.next === next) break
    numbers.push(...[...part.records].map(({ body }) => Number.parseInt(new TextDecoder().decode(body), 10)))
    next = part.next
  }
  await journal.stop()
  return numbers
}

describe('file journal of a killed process', () => {
  it('has every acknowledged record once and in order after 6 kills', async () => {
    const random = createRandom('crash-journal')
    const directory = join(root, 'journal')
    const acknowledged = new Set<number>()
    for (let kill = 0, first = 0; kill < 6; kill++) {
      for (const number of await runAndKill(directory, first, random.integer(5, 150))) acknowledged.add(number)
      const stored = await readNumbers(directory)
      expect(stored).toEqual([...new Set(stored)].sort((a, b) => a - b))
      const kept = new Set(stored)
      expect([...acknowledged].filter((number) => !kept.has(number))).toEqual([])
      first = Math.max(...stored) + 1
    }
    expect(acknowledged.size).toBeGreaterThan(6)
  })
})
