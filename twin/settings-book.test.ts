import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#kernel/twin-message.ts'
import { NOW_MS, openBench } from '../eval/mqtt-mock/twin-bench.ts'
import { type DesiredOrder, findDesired, orderSettings } from './settings-book.ts'

async function openBook(limits: { twinDocumentBytes_MAX?: number; twinHistoryPerDevice_MAX?: number; jsonDepth_MAX?: number } = {}) {
  const bench = await openBench(limits)
  const device = { tenant: 'home', device: 'a' }
  const order = (desired: JsonObject, more: Partial<DesiredOrder> = {}, check: (settings: JsonObject) => void = () => {}) => {
    const whole: DesiredOrder = { ...device, desired, expiresAtMs: undefined, isPatch: false, expectedVersion: undefined, actor: 'key:test', ...more }
    return orderSettings(bench.database, whole, { nowMs: bench.clock.now(), limits: bench.limits, check })
  }
  return {
    bench,
    order,
    find: () => findDesired(bench.database, device, bench.clock.now()),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

describe('orderSettings', () => {
  it('gives each order the next version, of which a whole one replaces and a patch merges', async () => {
    await using b = await openBook()
    expect(await b.order({ mode: 'cool', fan: { level: 1 } })).toMatchObject({ version: 1, set_by: 'key:test', set_at_ms: NOW_MS })
    expect(await b.order({ fan: { level: 2 }, mode: null }, { isPatch: true })).toMatchObject({ version: 2, desired: { fan: { level: 2 } } })
    expect(await b.order({ mode: 'heat' })).toMatchObject({ version: 3, desired: { mode: 'heat' } })
  })

  //  expected, whether it is taken
  it.each([
    [undefined, true],
    [1, true],
    [0, false],
    [2, false],
  ] as const)('over version 1 with expected version %s: %s', async (expectedVersion, isTaken) => {
    await using b = await openBook()
    await b.order({ mode: 'cool' })
    const answer = b.order({ mode: 'heat' }, { expectedVersion })
    if (isTaken) expect(await answer).toMatchObject({ version: 2 })
    else {
      await expect(answer).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
      expect(await b.find()).toMatchObject({ version: 1, desired: { mode: 'cool' } })
    }
  })

  it('takes version 0 for "none yet"', async () => {
    await using b = await openBook()
    expect(await b.order({ mode: 'cool' }, { expectedVersion: 0 })).toMatchObject({ version: 1 })
  })

  it('keeps the expiry in a patch that names none, ends it with null, and a whole order has its own', async () => {
    await using b = await openBook()
    const expiresAtMs = NOW_MS + 60_000
    await b.order({ mode: 'cool' }, { expiresAtMs })
    expect(await b.order({ fan: 1 }, { isPatch: true })).toMatchObject({ expires_at_ms: expiresAtMs })
    expect(await b.order({ fan: 2 }, { isPatch: true, expiresAtMs: null })).toMatchObject({ expires_at_ms: null })
    await b.order({ mode: 'cool' }, { expiresAtMs })
    expect(await b.order({ mode: 'dry' })).toMatchObject({ expires_at_ms: null })
  })

  it('begins from nothing after an expiry, with the version going on', async () => {
    await using b = await openBook()
    await b.order({ mode: 'cool' }, { expiresAtMs: NOW_MS + 1_000 })
    b.bench.clock.advance(1_000)
    expect(await b.find()).toMatchObject({ version: 1, is_expired: true })
    expect(await b.order({ fan: 1 }, { isPatch: true })).toMatchObject({ version: 2, desired: { fan: 1 }, expires_at_ms: null })
  })

  it.each([
    ['an expiry that has passed', { a: 1 }, { expiresAtMs: NOW_MS }, 'body.expires_at_ms'],
    ['a document that is too long', { a: 'x'.repeat(200) }, {}, 'body.desired'],
    ['a document that is too deep', { a: { b: { c: { d: 1 } } } }, {}, 'body.desired'],
  ] as const)('refuses %s, names the field, and changes nothing', async (_name, desired, more, field) => {
    await using b = await openBook({ twinDocumentBytes_MAX: 100, jsonDepth_MAX: 3 })
    await b.order({ mode: 'cool' })
    await expect(b.order(desired, more)).rejects.toMatchObject({ code: 'MDL_API_INVALID', details: { errors: [{ field }] } })
    expect(await b.find()).toMatchObject({ version: 1, desired: { mode: 'cool' } })
  })

  it('asks the check about the merged document, and what it refuses has no effect', async () => {
    await using b = await openBook()
    const seen: JsonObject[] = []
    await b.order({ mode: 'cool' })
    const refuse = (settings: JsonObject): never => {
      seen.push(settings)
      throw new Error('not on this device')
    }
    await expect(b.order({ fan: 9 }, { isPatch: true }, refuse)).rejects.toThrow('not on this device')
    expect(seen).toEqual([{ mode: 'cool', fan: 9 }])
    expect(await b.find()).toMatchObject({ version: 1 })
  })

  it('lets one of two orders over the same version win', async () => {
    await using b = await openBook()
    await b.order({ mode: 'cool' })
    const both = await Promise.allSettled(['heat', 'dry'].map((mode) => b.order({ mode }, { expectedVersion: 1 })))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await b.find()).toMatchObject({ version: 2 })
  })
})
