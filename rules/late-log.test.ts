import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LateLog, SAYS } from './late-log.ts'
import { createLogsInUse } from './logs-in-use.ts'

const TALK_MS = 100
const keys = ['A@1', 'B@1']
const contentOf = (log: LateLog) => Array.from({ length: log.length }, (_, index) => [log.timeAt(index), log.sayAt(index, 0), log.sayAt(index, 1)])
const says = fc.tuple(fc.constantFrom(...Object.values(SAYS)), fc.constantFrom(...Object.values(SAYS)))
const notes = fc.array(fc.tuple(fc.nat(5_000), says), { maxLength: 200 })
const logOf = (given: ReadonlyArray<readonly [number, readonly number[]]>): LateLog => {
  const log = new LateLog(keys, TALK_MS)
  for (const [atMs, of] of given) log.note(atMs, of)
  return log
}

describe('the log of late readings', () => {
  it('holds what was said in the order of its times, the graver of two that came for one time', () => {
    const log = logOf([
      [30, [SAYS.holds, SAYS.fails]],
      [10, [SAYS.fails, SAYS.nothing]],
      [30, [SAYS.fails, SAYS.between]],
      [20, [SAYS.nothing, SAYS.holds]],
    ])
    expect(contentOf(log)).toEqual([
      [10, SAYS.fails, SAYS.nothing],
      [20, SAYS.nothing, SAYS.holds],
      [30, SAYS.holds, SAYS.between],
    ])
  })

  it('holds all answers whatever their order, and comes back as it was through JSON', () => {
    fc.assert(
      fc.property(notes, (given) => {
        const log = logOf(given)
        const graver = (a: number, b: number) => [5, 0, 2, 3, 4, 1].indexOf(a) - [5, 0, 2, 3, 4, 1].indexOf(b)
        for (const column of [0, 1]) {
          const expected = new Map<number, number>()
          for (const [atMs, of] of given) {
            const say = of[column] ?? 0
            if (say !== SAYS.unseen && graver(say, expected.get(atMs) ?? 0) > 0) expected.set(atMs, say)
          }
          const found = contentOf(log).flatMap(([atMs, ...own]) =>
            own[column] === SAYS.nothing || own[column] === SAYS.unseen ? [] : [[atMs, own[column]]],
          )
          expect(found).toEqual([...expected].sort(([a], [b]) => a - b))
        }
        expect(contentOf(LateLog.unpack(JSON.parse(JSON.stringify(log.pack())), TALK_MS))).toEqual(contentOf(log))
        expect(JSON.parse(JSON.stringify(LateLog.unpack(log.pack(), TALK_MS).pack()))).toEqual(JSON.parse(JSON.stringify(log.pack())))
      }),
    )
  })

  it('holds of a unit that only talks no more than it takes to know that it did not fall silent', () => {
    const log = logOf(Array.from({ length: 1_000 }, (_, index) => [((index * 7) % 1_000) * 10, [SAYS.nothing, SAYS.nothing]]))
    const times = contentOf(log).map(([atMs = 0]) => atMs)
    expect(times.length).toBeLessThan(250)
    expect([times[0], times[times.length - 1]]).toEqual([0, 9_990])
    expect(Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0)))).toBeLessThanOrEqual(TALK_MS)
  })

  it('forgets what lies farthest from where readings come, and says so, when it is full', () => {
    const log = new LateLog(keys, TALK_MS)
    for (let atMs = 0; atMs < 10_000; atMs++) log.note(atMs, [SAYS.holds, SAYS.fails])
    expect([log.length < 2_048, log.hasForgotten, log.timeAt(log.length - 1)]).toEqual([true, true, 9_999])
    for (let atMs = -1; atMs > -10_000; atMs--) log.note(atMs, [SAYS.holds, SAYS.fails])
    expect([log.length < 2_048, log.timeAt(0)]).toEqual([true, -9_999])
  })

  it('forgets what no late reading can reach any more before anything else, and is a whole picture still', () => {
    const log = new LateLog(keys, TALK_MS)
    for (let minute = 0; minute < 4_000; minute++) log.note(minute * 60_000, [SAYS.holds, SAYS.fails])
    expect([log.length < 2_048, log.hasForgotten]).toEqual([true, false])
    expect(log.timeAt(0)).toBeLessThanOrEqual(3_999 * 60_000 - 24 * 3_600_000)
  })

  it('keeps the answers of rules that stay when others are asked', () => {
    const log = logOf([[10, [SAYS.holds, SAYS.fails]]])
    log.witnesses[1] = []
    const next = log.withKeys(['B@1', 'C@1'], TALK_MS)
    expect([contentOf(next), next.witnesses]).toEqual([[[10, SAYS.fails, SAYS.unseen]], [[], null]])
  })
})

describe('logs in use', () => {
  const HOUR_MS = 3_600_000
  const withLog = (readings: number, usedMs: number) => {
    const log = logOf(Array.from({ length: readings }, (_, index) => [index, [SAYS.fails, SAYS.fails]]))
    log.usedMs = usedMs
    return { late: { log } as { readonly log: LateLog } | undefined }
  }

  it('drop one a little more than a day behind its last use', () => {
    const inUse = createLogsInUse()
    const [first, second] = [withLog(1, 0), withLog(1, 27 * HOUR_MS)]
    inUse.use(first, 0)
    inUse.use(second, 27 * HOUR_MS)
    expect(first.late).toBeDefined()
    inUse.use(second, 29 * HOUR_MS)
    expect([first.late, second.late === undefined]).toEqual([undefined, false])
  })

  it('drop the one not used for longest when all are too large together', () => {
    const inUse = createLogsInUse(25)
    const [first, second, third] = [withLog(10, 0), withLog(10, 0), withLog(10, 0)]
    for (const device of [first, second, first, third]) inUse.use(device, 0)
    expect([first, second, third].map(({ late }) => late === undefined)).toEqual([false, true, false])
  })
})
