import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { WORK_ORDER_STATES, type WorkOrderState } from '#kernel/work-order.ts'
import type { NewProcess } from '#kernel/work-order-process.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'
import type { HubsOptions } from '../hubs.ts'
import { standardProcess } from './standard-process.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const benches: HubBench[] = []
const outcome = { cause: 'T-01', parts_used: [{ part: 'refrigerant', qty: 1 }], parts_returned: [], minutes: 45 }

async function bench(options: Partial<HubsOptions> = {}): Promise<HubBench> {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), options)
  benches.push(b)
  return b
}
const typesOf = (b: HubBench): string[] => b.events.map(({ type }) => type.replace(/^mendline\.work_order\.|\.v1$/g, ''))
const ships = (): NewProcess => {
  const { version: _version, ...process } = structuredClone(standardProcess)
  return process
}

afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

describe('the chain of an order', () => {
  it('goes to the outlet of the narrowest area with the skills, and stays with the organisation when none fits', async () => {
    const places = { placeOf: () => ({ unit: 'unit-1', building: 'Tower 3', outage_area: 'North' }), populationOf: () => 0 }
    const b = await bench({ places })
    const outlet = { name: 'x', types: [], skills: [] }
    await b.hubs.putOutlet('home', { ...outlet, outlet: 'everywhere', areas: [] })
    await b.hubs.putOutlet('home', { ...outlet, outlet: 'north', areas: ['North', 'South'] })
    await b.hubs.putOutlet('home', { ...outlet, outlet: 'unskilled', areas: ['Tower 3'], skills: ['ELE'] })
    await b.hubs.putOutlet('home', { ...outlet, outlet: 'other-type', areas: ['Tower 3'], types: ['fridge'] })
    await b.hubs.putOutlet('home', { ...outlet, outlet: 'away', areas: ['West'] })
    await b.apply(diagnosed())
    expect(await b.order()).toMatchObject({ outlet: 'north' })
    expect((await b.hubs.workOrders({ tenant: 'home', outlet: 'north' })).items).toHaveLength(1)
    expect((await b.hubs.workOrders({ tenant: 'home', outlet: 'away' })).items).toEqual([])
    const alone = await bench()
    await alone.hubs.putOutlet('away', { ...outlet, outlet: 'foreign', areas: [] })
    await alone.apply(diagnosed())
    expect(await alone.order()).toMatchObject({ outlet: null })
  })

  it('keeps what the outlet verified, the promise and who accepted, and refuses what is malformed', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const [from, to] = [b.clock.now() + HOUR_MS, b.clock.now() + 3 * HOUR_MS]
    const need = { is_needed: true, symptom: 'does not cool', spoken_with: 'the household' }
    await b.answer('triaged', { outlet: 'north', verified_need: need, preferred_windows: [{ from_ms: from, to_ms: to }] })
    await expect(b.answer('scheduled', { window_from_ms: to, window_to_ms: from })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await b.answer('scheduled', { window_from_ms: from, window_to_ms: to })
    await b.answer('accepted', {}, { actor: 'engineer-7' })
    const order = await b.order()
    expect(order).toMatchObject({ outlet: 'north', engineer: 'engineer-7', promised_from_ms: from, promised_to_ms: to, verified_need: need })
    expect((await b.hubs.workOrders({ tenant: 'home', engineer: 'engineer-7' })).items).toHaveLength(1)
    await b.answer('rescheduled', { window_from_ms: from + HOUR_MS, window_to_ms: to + HOUR_MS, by: 'household' })
    expect(await b.order()).toMatchObject({ promised_from_ms: from + HOUR_MS, reschedule_count: 1, state: 'accepted', revision: order.revision + 1 })
    expect(typesOf(b)).toContain('rescheduled')
    await b.answer('note', { kind: 'no_show', text: 'nobody opened' })
    expect(await b.order()).toMatchObject({ promised_from_ms: null, no_show_count: 1 })
    await b.answer('refused', { reason: 'the van broke down' })
    expect(await b.order()).toMatchObject({ state: 'refused', engineer: null })
  })

  it('lets one of two engineers who grab at once have the order', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await b.answer('offered')
    const grabs = await Promise.allSettled(['engineer-1', 'engineer-2', 'engineer-3'].map((actor) => b.answer('accepted', {}, { actor })))
    expect(grabs.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(grabs.flatMap((grab) => (grab.status === 'rejected' ? [grab.reason.code] : []))).toEqual([
      'MDL_HUBS_ILLEGAL_MOVE',
      'MDL_HUBS_ILLEGAL_MOVE',
    ])
    const order = await b.order()
    const moves = await b.hubs.workOrderMoves('home', order.work_order_id)
    expect(moves.filter(({ type }) => type === 'accepted').map(({ actor }) => actor)).toEqual([order.engineer])
  })

  it('keeps an offer to one engineer from the others until it is open to all', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await b.answer('offered', { engineer: 'engineer-1' })
    await expect(b.answer('accepted', {}, { actor: 'engineer-2' })).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    await b.wait(15 * MINUTE_MS)
    expect(await b.order()).toMatchObject({ state: 'offered', offered_to: null })
    expect(typesOf(b)).toContain('pooled')
    expect(await b.answer('accepted', {}, { actor: 'engineer-2' })).toMatchObject({ state: 'accepted', engineer: 'engineer-2' })
  })

  it('says that nobody has come when the promised window is over, and counts anew when it is moved', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const window = (hours: number) => ({ window_from_ms: b.clock.now() + hours * HOUR_MS, window_to_ms: b.clock.now() + (hours + 2) * HOUR_MS })
    await b.answer('scheduled', window(1))
    await b.answer('accepted', {}, { actor: 'engineer-1' })
    await b.answer('rescheduled', { ...window(4), by: 'household' })
    await b.wait(5 * HOUR_MS)
    expect(typesOf(b)).not.toContain('escalated')
    await b.wait(HOUR_MS)
    expect(b.events.at(-1)).toMatchObject({
      type: 'mendline.work_order.escalated.v1',
      data: { timer: 'not_there', to: 'outlet', engineer: 'engineer-1' },
    })
    await b.answer('rescheduled', { ...window(1), by: 'engineer' })
    await b.wait(3 * HOUR_MS)
    expect(typesOf(b).filter((type) => type === 'escalated')).toHaveLength(2)
  })

  it('needs a reason to give an order back, and for each step of the guide that was left out', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await expect(b.answer('returned')).rejects.toMatchObject({ code: 'MDL_HUBS_REASON_REQUIRED' })
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    const done = { step: 'find-leak', done: true }
    for (const steps of [[done], [done, { step: 'charge', done: false }], [done, { step: 'charge', done: false, reason: ' ' }]]) {
      await expect(b.answer('done', { outcome: { ...outcome, steps } })).rejects.toMatchObject({ code: 'MDL_HUBS_REASON_REQUIRED' })
    }
    const explained = [done, { step: 'charge', done: false, reason: 'the charge was whole' }]
    expect(await b.answer('done', { outcome: { ...outcome, steps: explained } })).toMatchObject({ state: 'done', outcome: { steps: explained } })
  })

  it('links an order to the repair that it repeats within thirty days, and no other', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const first = await b.order()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    b.clock.advance(2 * HOUR_MS)
    await b.answer('done', { outcome })
    await b.answer('closed')
    const rivals = [{ fault: 'T-01', fault_name: '', probability: 0.2 }]
    await b.apply(diagnosed({ fault: 'T-02', rivals, hour: 20 * 24 }), diagnosed({ device: 'unit-2', hour: 20 * 24 }))
    expect(await b.order('unit-1')).toMatchObject({ fault: 'T-02', repeat_of: first.work_order_id })
    expect(await b.order('unit-2')).toMatchObject({ repeat_of: null })
    await b.answer('cancelled', { reason: 'x' }, { id: (await b.order('unit-1')).work_order_id })
    await b.apply(diagnosed({ hour: 40 * 24 }))
    expect((await b.hubs.workOrders({ tenant: 'home', device: 'unit-1', state: 'opened' })).items).toMatchObject([{ fault: 'T-01', repeat_of: null }])
  })
})

describe('an order with somebody on site', () => {
  it('is not cancelled in silence; what was found then stands in the move, and teaches nothing', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await expect(b.answer('cancelled')).rejects.toMatchObject({ code: 'MDL_HUBS_OUTCOME_REQUIRED' })
    await expect(b.answer('cancelled', { outcome: { cause: 'T-99' } })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    expect(await b.order()).toMatchObject({ state: 'on_site' })
    const found = { ...outcome, cause: 'no_fault_found' }
    expect(await b.answer('cancelled', { outcome: found })).toMatchObject({ state: 'cancelled', outcome: null })
    const move = await b.database.selectFrom('hub_work_order_moves').select('data').where('type', '=', 'cancelled').executeTakeFirstOrThrow()
    expect(JSON.parse(move.data)).toEqual({ outcome: found })
    expect(await b.database.selectFrom('hub_labels').selectAll().execute()).toEqual([])
  })
})

describe('processes of an organisation', () => {
  it('hold for new orders, while open ones stay under theirs or come along when that is asked', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const strict = ships()
    const { accepted, offered } = strict.states
    if (accepted === undefined || offered === undefined) throw new Error('the shipped process has both')
    const next: NewProcess = { ...strict, states: { ...strict.states, accepted: { ...accepted, guards: ['engineer_qualified'] } } }
    const put = (openOrders: 'keep' | 'move', expectedVersion?: number) =>
      b.hubs.replaceProcess({ tenant: 'home', process: next, actor: 'key:x', openOrders, expectedVersion })
    expect(await put('keep', 0)).toMatchObject({ version: 1, is_in_force: true, open_orders: 0, moved_orders: 0 })
    await b.apply(diagnosed({ device: 'unit-2' }))
    const [old, young] = [await b.order('unit-1'), await b.order('unit-2')]
    expect([old.process_version, young.process_version]).toEqual([0, 1])
    await expect(b.answer('accepted', {}, { actor: 'engineer-1', id: young.work_order_id })).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    await b.hubs.putEngineer('home', { engineer: 'engineer-1', name: 'A', outlet: null, skills: ['REF'] })
    await b.hubs.putEngineer('home', { engineer: 'engineer-2', name: 'B', outlet: null, skills: ['ELE'] })
    await expect(b.answer('accepted', {}, { actor: 'engineer-2', id: young.work_order_id })).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    await b.answer('accepted', {}, { actor: 'engineer-1', id: young.work_order_id })
    await expect(put('move', 0)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(await put('move', 1)).toMatchObject({ version: 2, open_orders: 2, moved_orders: 2 })
    await expect(b.answer('accepted', {}, { actor: 'nobody', id: old.work_order_id })).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    expect((await b.hubs.processes('home')).map(({ version, is_in_force }) => [version, is_in_force])).toEqual([
      [2, true],
      [1, false],
      [0, false],
    ])
    expect((await b.hubs.processes('away')).map(({ version }) => version)).toEqual([0])
  })

  it('are refused with every fault at once, and nothing changes', async () => {
    const b = await bench()
    const { closed: _closed, ...states } = ships().states
    const change = {
      tenant: 'home',
      process: { initial: 'opened', states } as NewProcess,
      actor: 'x',
      openOrders: 'keep',
      expectedVersion: undefined,
    } as const
    const error = await b.hubs.replaceProcess(change).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'MDL_HUBS_PROCESS_INVALID' })
    expect((error as { details: { errors: unknown[] } }).details.errors.length).toBeGreaterThan(1)
    expect((await b.hubs.processes('home')).map(({ version }) => version)).toEqual([0])
  })

  it('let no random sequence of answers and waits make a move that is not in the table', async () => {
    const answer = fc.record({
      to: fc.constantFrom(...WORK_ORDER_STATES),
      hasReason: fc.boolean(),
      hasOutcome: fc.boolean(),
      engineer: fc.constantFrom(undefined, 'engineer-1', 'engineer-2'),
      waitMinutes: fc.constantFrom(0, 0, 0, 16, 31, 600),
    })
    const property = fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 30 }), async (answers) => {
      const b = await bench()
      await b.apply(diagnosed())
      for (const { to, hasReason, hasOutcome, engineer, waitMinutes } of answers) {
        const data = { ...(hasReason ? { reason: 'so' } : {}), ...(hasOutcome ? { outcome } : {}), ...(engineer === undefined ? {} : { engineer }) }
        await b.answer(to, data).catch((error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^MDL_HUBS_/) }))
        if (waitMinutes > 0) await b.wait(waitMinutes * MINUTE_MS)
      }
      const order = await b.order()
      const moves = (await b.hubs.workOrderMoves('home', order.work_order_id)).filter(({ kind }) => kind === 'move')
      let state = 'opened' as WorkOrderState
      for (const move of moves.slice(1)) {
        expect(move.from).toBe(state)
        expect(standardProcess.states[state].next).toContain(move.to)
        expect([move.actor, move.at_ms > 0]).toEqual([expect.stringMatching(/./), true])
        if (move.to === 'refused' || move.to === 'returned') expect(move.reason).not.toBe('')
        state = move.to as WorkOrderState
      }
      expect(order.state).toBe(state)
      if (['done', 'verified'].includes(state)) expect(order.outcome).not.toBeNull()
      await benches.pop()?.close()
    })
    await fc.assert(property, { numRuns: 40 })
  }, 60_000)
})
