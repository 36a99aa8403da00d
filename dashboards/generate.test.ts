/** Boards as they lie in the provisioning folder: made by the builders, whole, and only of what Mendline and its data source have. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { boardFiles } from './generate.ts'
import { MENDLINE } from './infinity.ts'

const folder = join(import.meta.dirname, 'provisioning')

describe('the committed boards', () => {
  it('are what the builders make, and no other file lies beside them (node dashboards/generate.ts)', () => {
    for (const [file, text] of boardFiles()) expect(readFileSync(join(import.meta.dirname, file), 'utf8'), file).toBe(text)
    expect(
      readdirSync(join(folder, 'boards'))
        .map((name) => `provisioning/boards/${name}`)
        .sort(),
    ).toEqual([...boardFiles().keys()].sort())
  })

  it('have panels that do not overlap, and columns without two of one name', () => {
    for (const text of boardFiles().values()) {
      const { panels } = JSON.parse(text) as {
        panels: ReadonlyArray<{
          title: string
          gridPos: { x: number; y: number; w: number; h: number }
          targets: ReadonlyArray<{ columns: ReadonlyArray<{ text: string }> }>
        }>
      }
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
      )
      expect(new Set(cells).size).toBe(cells.length)
      for (const { targets } of panels) {
        for (const { columns } of targets) expect(new Set(columns.map((column) => column.text)).size).toBe(columns.length)
      }
    }
  })

  it('name the data source that is provisioned, which carries no key in clear', () => {
    const file = readFileSync(join(folder, 'datasources', 'mendline.yaml'), 'utf8')
    const [source] = (parse(file) as { datasources: ReadonlyArray<Record<string, unknown>> }).datasources
    expect(source).toMatchObject({ ...MENDLINE, url: '$MENDLINE_URL', jsonData: { auth_method: 'bearerToken', allowedHosts: ['$MENDLINE_URL'] } })
    expect(source?.secureJsonData).toEqual({ bearerToken: '$MENDLINE_API_KEY' })
    const boards = parse(readFileSync(join(folder, 'dashboards', 'mendline.yaml'), 'utf8')) as { providers: ReadonlyArray<Record<string, unknown>> }
    expect(boards.providers).toMatchObject([{ type: 'file', options: { path: '/etc/grafana/provisioning/boards' } }])
  })
})
