/** Holds the table of the hops in ARCHITECTURE.md against the code: each file exists and exports the function that the table names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const HOPS = ['broker.authorise', 'ingest.accept', 'store.write', 'rules.decide', 'models.diagnose', 'hubs.route', 'outbox.send']

const rows = [...readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| ([a-z]+\.[a-z]+) \| `([^`]+)` \| `([^`]+)` \|/gm)]

describe('the table of hops in ARCHITECTURE.md', () => {
  it('names the hops in data order', () => {
    expect(rows.map((row) => row[1])).toEqual(HOPS)
  })

  it.each(rows.map((row) => [row[1] ?? '', row[2] ?? '', row[3] ?? '']))(
    '%s stands in %s as %s and is joined at the root',
    async (_hop, file, name) => {
      const module = (await import(join(root, file))) as Record<string, unknown>
      expect(typeof module[name]).toBe('function')
      const roots = ['main.ts', 'safety-join.ts', join('workers', 'pipeline-worker.ts'), join('models', 'registry', 'model-bench.ts')]
      const joins = roots.map((name) => readFileSync(join(root, name), 'utf8')).join('')
      expect(joins).toContain(`${name}(`)
    },
  )
})
