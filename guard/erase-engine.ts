/**
 * Erasure where a time-series engine holds the readings: it deletes first, since behind the rest nobody would know any more what to ask of it. What
 * it cannot delete is refused before anything is touched, or left in it with a word, when that was asked for.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MendlineError } from '#kernel/errors.ts'
import { ENGINE_FILE } from '../ingest/stores/engine-file.ts'
import type { EngineEraser, EngineErasure } from '../ingest/stores/influx-erase.ts'

export interface KeptInEngine {
  readonly device: string
  readonly reason: string
}

interface EngineStep {
  readonly engine: EngineEraser | undefined
  readonly isEngineLeft: boolean
  readonly given: EngineErasure
}

/** Gives what the engine keeps. @throws MendlineError MDL_CONFIG_INVALID, MDL_STORE_UNAVAILABLE before anything is erased */
export async function eraseInEngine(dataDir: string, { engine, isEngineLeft, given }: EngineStep): Promise<readonly KeptInEngine[]> {
  const file = join(dataDir, 'readings', ENGINE_FILE)
  const named = existsSync(file) ? String((JSON.parse(readFileSync(file, 'utf8')) as { url?: unknown }).url) : undefined
  if (engine === undefined) {
    if (named === undefined) return []
    const reason = `the engine at ${named} was not asked`
    if (isEngineLeft) return [...given.devices, ...given.staying.map(({ device }) => device)].map((device) => ({ device, reason }))
    throw new MendlineError(
      'MDL_CONFIG_INVALID',
      `not erased: the readings of this folder are in the engine at ${named}; name its settings with --config`,
    )
  }
  const kept = engine.kept(given)
  if (kept.length > 0 && !isEngineLeft) {
    const words = kept.map(({ device, reason }) => `${device} (${reason})`).join(', ')
    throw new MendlineError(
      'MDL_STORE_UNAVAILABLE',
      `not erased: the engine keeps readings of ${words}; delete them there, or erase here alone with --leave-engine`,
    )
  }
  await engine.erase(given)
  return kept
}
