import { expect, it } from 'vitest'
import type { DerivedChange } from '../derived-store.ts'
import { createSqliteDerived } from './sqlite-derived.ts'

const source = { tenant: 'home', device: 'd' }
const row = (key: string, from_ms: number, to_ms: number | null): DerivedChange => ({
  ...{ op: 'put', ...source, kind: 'window', key, from_ms, to_ms, known_ms: from_ms, data: {} },
})

it('derived rows that only end where an erased stretch begins are left, for they are of who had the device before', async () => {
  const derived = createSqliteDerived({ file: ':memory:' })
  await derived.start()
  const before = [row('ends at its begin', 50, 100), row('a point before', 99, 99)]
  const within = [row('reaches in', 50, 101), row('a point at its begin', 100, 100), row('lasts', 60, null), row('inside', 150, 160)]
  await derived.apply([...before, ...within, row('begins at its end', 200, 250), row('a point at its end', 200, 200)])
  await derived.erase({ ...source, spans: [{ from_ms: 100, to_ms: 200 }] })
  const left = await derived.rows({ ...source, kind: 'window', from_ms: 0, to_ms: 1_000, limit: 99 })
  expect(left.map(({ key }) => key).sort()).toEqual(['a point at its end', 'a point before', 'begins at its end', 'ends at its begin'])
  await derived.stop()
})
