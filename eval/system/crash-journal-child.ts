/** Child of the journal's crash test: appends numbered records to the journal of a folder and prints each number once it is durable. */
import { writeSync } from 'node:fs'
import { createFileJournal } from '../../ingest/journals/file-journal.ts'
import { systemClock } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'

const [directory = '', first = '0'] = process.argv.slice(2)
const journal = createFileJournal({ directory, limits: { ...limits, journalSegmentBytes: 20_000 }, log: silentLog, clock: systemClock })
await journal.start()
let next = Number(first)
// Four writers, so that groups of several records form.
await Promise.all([1, 2, 3, 4].map(() => appendForEver()))

async function appendForEver(): Promise<never> {
  for (;;) {
    const number = next++
    await journal.append(new TextEncoder().encode(`${number} ${'.'.repeat(number % 300)}`))
    writeSync(1, `${number}\n`)
  }
}
