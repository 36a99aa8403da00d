import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { EngineEraser, EngineErasure } from '../ingest/stores/influx-erase.ts'
import { eraseInEngine } from './erase-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-erase-engine-'))
const held = join(folder, 'held')
mkdirSync(join(held, 'readings'), { recursive: true })
writeFileSync(join(held, 'readings', 'engine.json'), JSON.stringify({ url: 'http://127.0.0.1:8428', language: 'metricsql' }))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const given: EngineErasure = { tenant: 'home', devices: ['gone'], staying: [{ device: 'stays', spans: [{ from_ms: 1, to_ms: 2 }] }] }

function engine(kept: ReturnType<EngineEraser['kept']>): EngineEraser & { readonly asked: EngineErasure[] } {
  const asked: EngineErasure[] = []
  return { asked, kept: () => kept, erase: async (erasure) => void asked.push(erasure) }
}

describe('erasure of readings in an engine', () => {
  it('is refused where nobody names the engine that the folder was served with', async () => {
    const refused = eraseInEngine(held, { engine: undefined, isEngineLeft: false, given })
    await expect(refused).rejects.toMatchObject({ code: 'MDL_CONFIG_INVALID', message: expect.stringMatching(/not erased.*127[.]0[.]0[.]1:8428/) })
    expect(await eraseInEngine(folder, { engine: undefined, isEngineLeft: false, given })).toEqual([])
  })

  it('asks the engine, and is refused before that where the engine cannot delete all of it', async () => {
    const able = engine([])
    expect(await eraseInEngine(held, { engine: able, isEngineLeft: false, given })).toEqual([])
    expect(able.asked).toEqual([given])
    const kept = [{ device: 'stays', reason: 'whole series only' }]
    const unable = engine(kept)
    await expect(eraseInEngine(held, { engine: unable, isEngineLeft: false, given })).rejects.toMatchObject({
      message: expect.stringMatching(/not erased: the engine keeps readings of stays [(]whole series only[)]/),
    })
    expect(unable.asked).toEqual([])
    expect(await eraseInEngine(held, { engine: unable, isEngineLeft: true, given })).toEqual(kept)
    expect(unable.asked).toEqual([given])
  })
})
