/** The data folder's marker: tells a folder that was initialised from an empty or a foreign one. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { MendlineError } from '#kernel/errors.ts'
import { dataFiles } from '../config.ts'

export const isInitialised = (dataDir: string): boolean => existsSync(dataFiles(dataDir).marker)

/** Makes the folder and its marker. @throws MendlineError MDL_CONFIG_INVALID for a folder with other things in it */
export function initialise(dataDir: string, nowMs: number): void {
  if (isInitialised(dataDir)) return
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new MendlineError('MDL_CONFIG_INVALID', `data: ${dataDir} is not empty and no data folder of ours`)
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(dataFiles(dataDir).marker, `${JSON.stringify({ format: 1, created_at_ms: nowMs })}\n`, { flush: true })
}
