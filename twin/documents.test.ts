import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyReport, deltaOf, mergePatch, plainSettings, type TimedSettings } from './documents.ts'

describe('mergePatch', () => {
  // RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j and %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })
})

describe('deltaOf', () => {
  it('has what is not reported so, and nothing that only the device has', () => {
    const desired = { a: 1, b: { c: 2, d: 3 }, list: [1, 2] }
    expect(deltaOf(desired, { a: 1, b: { c: 2, d: 4 }, list: [2, 1], own: true })).toEqual({ b: { d: 3 }, list: [1, 2] })
    expect(deltaOf(desired, desired)).toEqual({})
  })
})

describe('applyReport', () => {
  it('ends the same whatever the order and repetition of the reports', () => {
    const report = fc.record({ atMs: fc.nat(5), settings: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(1, 2, null)) })
    const end = (reports: ReadonlyArray<{ readonly atMs: number; readonly settings: object }>) =>
      plainSettings(reports.reduce<TimedSettings>((known, { settings, atMs }) => applyReport(known, { ...settings }, atMs).settings, {}))
    fc.assert(
      fc.property(fc.array(report, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (reports, keys) => {
        const shuffled = [...reports, ...reports].map((each) => [keys.next().value as number, each] as const).sort((one, two) => one[0] - two[0])
        expect(end(shuffled.map(([, each]) => each))).toEqual(end(reports))
      }),
    )
  })
})
