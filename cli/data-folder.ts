/** The data folder's marker: tells a folder that was initialised from an empty or a foreign one. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { MendlineError } from '#kernel/errors.ts'
import { dataFiles } from '../config.ts'
import { makeFolder } from '../operations/make-folder.ts'

export const isInitialised = (dataDir: string): boolean => existsSync(dataFiles(dataDir).marker)

/** Makes the folder and its marker. @throws MendlineError MDL_CONFIG_INVALID for a folder with other things in it */
export function initialise(dataDir: string, nowMs: number): void {
  if (isInitialised(dataDir)) return
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new MendlineError('MDL_CONFIG_INVALID', `data: ${dataDir} is not empty and no data folder of ours`)
  }
  try {
    makeFolder(dataDir)
  } catch (cause) {
    throw new MendlineError('MDL_CONFIG_INVALID', `data: ${dataDir} cannot be made`, { cause })
  }
  writeFileSync(dataFiles(dataDir).marker, `${JSON.stringify({ format: 1, created_at_ms: nowMs })}\n`, { flush: true })
}
