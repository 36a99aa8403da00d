/**
 * Writes the boards as JSON into the provisioning folder that Grafana reads. `node dashboards/generate.ts`; a test holds the committed files
 * equal to what is made here.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applianceBoard } from './appliance.ts'
import { fleetBoard } from './fleet.ts'

/** Files of the provisioning folder with their text. */
export const boardFiles = (): ReadonlyMap<string, string> =>
  new Map([
    ['provisioning/boards/fleet.json', toText(fleetBoard())],
    ['provisioning/boards/appliance.json', toText(applianceBoard())],
  ])

const toText = (board: object): string => `${JSON.stringify(board, null, 2)}\n`

if (import.meta.main) for (const [file, text] of boardFiles()) writeFileSync(join(import.meta.dirname, file), text)
