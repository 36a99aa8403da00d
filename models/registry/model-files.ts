/** The files of the models of tenants: `<data>/models/<tenant>/<version>/`, the four of an artefact. A folder appears whole or not at all. */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ArtefactFiles } from '../artefact.ts'

const NAMES = { card: 'card.json', model: 'model.onnx', reference: 'reference.json', parity: 'parity.json' } as const

/** Folder of a model; both names are checked where they come in. */
export const folderOf = (dataDir: string, tenant: string, version: string): string => join(dataDir, 'models', tenant, version)

/** Writes the files and makes them durable. */
export async function writeModelFiles(folder: string, files: ArtefactFiles): Promise<void> {
  const begun = `${folder}.begun`
  await rm(begun, { recursive: true, force: true })
  await mkdir(begun, { recursive: true, mode: 0o700 })
  for (const [kind, name] of Object.entries(NAMES)) {
    const file = await open(join(begun, name), 'wx', 0o600)
    try {
      await file.writeFile(files[kind as keyof ArtefactFiles])
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await rm(folder, { recursive: true, force: true })
  await rename(begun, folder)
  const parent = await open(dirname(folder), 'r')
  try {
    // Not every system can; the files themselves are there.
    await parent.sync().catch(() => {})
  } finally {
    await parent.close()
  }
}
