/** Sections on public data of real machines: the benchmark of Numenta, the air handlers of LBNL, and traces of household appliances. */
import type { EvalSkipped, EvalRow as ToldRow } from '../eval-row.ts'
import { lbnlRows, measureLbnl } from '../lbnl/measure-lbnl.ts'
import { measureNab, NAB_FLOOR, nabRows } from '../nab/measure-nab.ts'
import { measureTraces, tracesRows } from '../traces/measure-traces.ts'
import type { Bound, EvalRow, EvalSection } from './table.ts'

interface Limits {
  readonly goal?: Bound
  readonly floor?: Bound
}

interface RealSection {
  readonly id: string
  readonly title: string
  readonly measure: (dataFolder: string, isQuick: boolean) => readonly ToldRow[] | EvalSkipped
  /** Goals and floors of the rows, in their order. */
  readonly limits: readonly Limits[]
}

const NAB = { goal: { min: 75.9 }, floor: { min: NAB_FLOOR } }

const REAL: readonly RealSection[] = [
  {
    id: 'nab',
    title: 'Anomalies of single signals: the Numenta benchmark',
    measure: (folder, isQuick) => nabRows(measureNab(folder, isQuick ? 3 : 1)),
    limits: [NAB, NAB],
  },
  {
    id: 'lbnl',
    title: 'Types nobody described: air handlers of LBNL',
    measure: (folder) => lbnlRows(measureLbnl(folder)),
    // Half of balanced error is what a coin gets.
    limits: [{ goal: { max: 0.2 }, floor: { max: 0.5 } }, { goal: { max: 0 } }],
  },
  {
    id: 'traces',
    title: 'Healthy appliances of real households',
    measure: (folder) => tracesRows(measureTraces(folder)),
    limits: [{ goal: { max: 0 } }],
  },
]

/** The sections; each says what is absent where its data is not there. */
export const realSections: readonly EvalSection[] = REAL.map(({ id, title, measure, limits }) => ({
  id,
  async run({ dataFolder, isQuick }) {
    const told = measure(dataFolder, isQuick)
    if ('skipped' in told) return told.skipped
    const table = (data: 'real' | 'simulated', suffix: string) => {
      const rows = told.flatMap((row, index) => (row.data === data ? [toRow(row, limits[index] ?? {})] : []))
      return rows.length === 0 ? [] : [{ id: `${id}${suffix}`, title: `${title}${suffix}`, data, command: `npm run eval -- --only ${id}`, rows }]
    }
    return [...table('real', ''), ...table('simulated', ', judged on simulated data')]
  },
}))

function toRow({ measure, value, interval, baseline, goal, data: _ }: ToldRow, limits: Limits): EvalRow {
  const beside = [baseline, limits.goal === undefined ? `goal ${goal}` : undefined].filter((part) => part !== undefined).join('; ')
  return { measure, value, ...(interval !== undefined && { interval }), ...limits, ...(beside !== '' && { note: beside }) }
}
