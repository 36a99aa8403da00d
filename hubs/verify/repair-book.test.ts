import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, raised, testType } from '../hub-builders.ts'
import { foldScores, type VisitGroup } from './live-scores.ts'
import { createRepairBook } from './repair-book.ts'

const HOUR_MS = 3_600_000
const SIGN = { subcooling_k: -4, superheat_k: 3 }
const type = {
  ...testType,
  faults: testType.faults.map((fault) =>
    fault.code === 'T-01'
      ? { ...fault, signs: Object.entries(SIGN).map(([feature, z]) => ({ feature, direction: Math.sign(z) as 1 | -1, text: fault.name })) }
      : fault,
  ),
}
const residuals: MeasuredResidual[] = Object.entries(SIGN).map(([feature, z_score]) => ({ feature, observed: 1, expected: 2, z_score }))

const benches: HubBench[] = []
async function start() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => type })
  benches.push(b)
  return { b, book: createRepairBook(b.database) }
}
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close()
})

async function visit(b: HubBench, cause = 'T-01'): Promise<string> {
  b.clock.advance(24 * HOUR_MS)
  const { work_order_id: id } = await b.order()
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state, undefined, { id, actor: 'engineer-7' })
  const outcome = { cause, parts_used: [{ part: 'refrigerant', qty: 1 }], parts_returned: [], minutes: 30 }
  await b.answer('done', { outcome }, { id, actor: 'engineer-7' })
  return id
}

async function windows(b: HubBench, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    b.clock.advance(HOUR_MS)
    const to = b.clock.now()
    const window = { tenant: 'home', device: 'unit-1', type: type.id, window_from_ms: to - HOUR_MS, window_to_ms: to, residuals }
    await b.apply({ kind: 'residuals_measured', key: `w-${to}`, window })
  }
}

describe('the lineage of an order', () => {
  it('goes from the readings to the label, with what was seen behind the repair', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    const id = await visit(b)
    await windows(b, 6)
    const lineage = await book.ofOrder('home', id)
    const [diagnosis] = (await b.hubs.diagnoses({ tenant: 'home' })).items
    expect(lineage?.readings).toEqual({ device: 'unit-1', from_ms: diagnosis?.window_from_ms, to_ms: diagnosis?.window_to_ms })
    expect(lineage?.diagnosis).toMatchObject({ diagnosis_id: diagnosis?.diagnosis_id, fault: 'T-01', versions: diagnosis?.versions })
    expect(lineage?.order).toMatchObject({ work_order_id: id, state: 'reopened' })
    expect(lineage?.order.moves.filter(({ kind }) => kind === 'move').map(({ to }) => to)).toEqual([
      'opened',
      'accepted',
      'on_site',
      'done',
      'reopened',
    ])
    expect(lineage?.outcome).toMatchObject({ cause: 'T-01', minutes: 30 })
    const [repair] = lineage?.repairs ?? []
    expect(repair?.reason).toContain('not back to normal')
    expect(repair?.windows.length).toBeGreaterThan(2)
    expect(lineage?.signs).toMatchObject([{ sign: 'phantom_repair', engineer: 'engineer-7' }])
    expect(lineage?.labels).toMatchObject([{ cause: 'T-01', predicted: 'T-01', engineer: 'engineer-7', origin: 'model' }])
    expect(lineage?.labels[0]?.reasons.length).toBeGreaterThan(0)
  })

  it('is empty where nothing is known, and says that no reading was diagnosed', async () => {
    const { b, book } = await start()
    await b.apply(raised())
    const lineage = await book.ofOrder('home', (await b.order()).work_order_id)
    expect(lineage).toMatchObject({ readings: null, diagnosis: null, outcome: null, repairs: [], signs: [], labels: [] })
    expect(lineage?.alarm?.alarm_id).toBe((await b.hubs.alarms({ tenant: 'home' })).items[0]?.alarm_id)
  })

  it('is not given to another tenant, by order or by label', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    const id = await visit(b)
    const [label] = (await book.labels({ tenant: 'home' })).items
    expect(await book.ofOrder('other', id)).toBeUndefined()
    expect(await book.ofLabel('other', label?.label_id ?? '')).toBeUndefined()
    expect(await book.ofLabel('home', 'lab_none')).toBeUndefined()
    expect((await book.ofLabel('home', label?.label_id ?? ''))?.order.work_order_id).toBe(id)
  })

  it('of a label leaves out the other visits of the order', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    const id = await visit(b)
    await windows(b, 6)
    await visit(b)
    expect((await book.ofOrder('home', id))?.labels.length).toBe(2)
    const [newest] = (await book.labels({ tenant: 'home' })).items
    expect((await book.ofLabel('home', newest?.label_id ?? ''))?.labels.map(({ label_id }) => label_id)).toEqual([newest?.label_id])
  })
})

describe('signs and labels as lists', () => {
  it('are filtered, and of one tenant', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    await visit(b)
    await windows(b, 6)
    expect((await book.repairSigns({ tenant: 'home', engineer: 'engineer-7' })).items).toMatchObject([
      { sign: 'phantom_repair', code: 'T-01', reopens: true, device: 'unit-1' },
    ])
    expect((await book.repairSigns({ tenant: 'home', sign: 'missed_fault' })).items).toEqual([])
    expect((await book.repairSigns({ tenant: 'other' })).items).toEqual([])
    expect((await book.labels({ tenant: 'home', fault: 'T-03' })).items).toEqual([])
  })
})

describe('scores of diagnoses at visits', () => {
  const group = (given: Partial<VisitGroup>): VisitGroup => ({
    ...{ type: 'x', model_version: 'm1', origin: 'model', predicted: 'F1', cause: 'F1', corrected_cause: null, is_believed: true, count: 1 },
    ...given,
  })

  it('have visits as their denominators', () => {
    const rows = foldScores([
      group({ count: 6 }),
      group({ cause: 'no_fault_found', count: 2 }),
      group({ cause: 'F2', count: 2 }),
      group({ predicted: 'F2', cause: 'F1', count: 3 }),
    ])
    expect(rows.find(({ fault }) => fault === 'F1')).toMatchObject({
      ...{ visits: 10, judged: 10, right: 6, precision: 0.6, had: 9, found: 6, recall: 6 / 9 },
      ...{ no_fault_found: 2, no_fault_found_rate: 0.2 },
    })
    expect(rows.find(({ fault }) => fault === 'F2')).toMatchObject({ visits: 3, right: 0, precision: 0, had: 2, found: 0, recall: 0 })
  })

  it('go by the corrected cause, and leave a doubted code out of precision and recall but not out of the visits', () => {
    const [row] = foldScores([group({ cause: 'F2', corrected_cause: 'F1' }), group({ is_believed: false, cause: 'no_fault_found' })])
    expect(row).toMatchObject({ fault: 'F1', visits: 2, no_fault_found: 1, judged: 1, right: 1, precision: 1, recall: 1 })
  })

  it('keep origins apart, and say null where nothing was foretold or nobody had the fault', () => {
    const rows = foldScores([group({ origin: 'household', predicted: null }), group({ cause: 'other' })])
    expect(rows.find(({ fault, origin }) => fault === 'F1' && origin === 'household')).toMatchObject({ precision: null, had: 1, recall: 0 })
    expect(rows.find(({ fault }) => fault === null)).toMatchObject({ visits: 1, precision: null, recall: null })
    expect(rows.find(({ fault, origin }) => fault === 'F1' && origin === 'model')).toMatchObject({ precision: 0, recall: null })
  })

  it('come from the labels of a tenant, within the times that were asked for', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    await visit(b)
    const nowMs = b.clock.now()
    const [diagnosis] = (await b.hubs.diagnoses({ tenant: 'home' })).items
    expect(await book.liveScores({ tenant: 'home' })).toMatchObject([
      { type: type.id, model_version: diagnosis?.versions.model, fault: 'T-01', origin: 'model', visits: 1, had: 1, recall: 1 },
    ])
    expect(await book.liveScores({ tenant: 'home', from_ms: nowMs + 1 })).toEqual([])
    expect(await book.liveScores({ tenant: 'home', to_ms: nowMs })).toEqual([])
    expect(await book.liveScores({ tenant: 'home', type: 'another' })).toEqual([])
    expect(await book.liveScores({ tenant: 'other' })).toEqual([])
  })

  it('count a call that no diagnosis foretold for the model that saw the unit before', async () => {
    const { b, book } = await start()
    await b.apply(diagnosed({ residuals }))
    await visit(b)
    await b.database.updateTable('hub_labels').set({ model_version: null, predicted: null, origin: 'household' }).execute()
    const [diagnosis] = (await b.hubs.diagnoses({ tenant: 'home' })).items
    const row = (await book.liveScores({ tenant: 'home' })).find(({ fault }) => fault === 'T-01')
    expect(row).toMatchObject({ model_version: diagnosis?.versions.model, origin: 'household', visits: 0, had: 1, found: 0, recall: 0 })
  })
})
