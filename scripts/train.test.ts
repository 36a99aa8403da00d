/**
 * The training command as a whole, on a few units: nothing else runs what it does from its first line to the card. Where the Python
 * environment of the trainer was not made (`npm run train` makes it), that is said and the run is left out; a test downloads nothing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { washingMachine } from '#catalogue/washing-machine/washing-machine.ts'
import { checkArtefact, readArtefact } from '../models/artefact.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const training = join(root, 'models/training')
const installed = join(training, '.venv/installed.txt')
const isPrepared = existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(join(training, 'requirements.txt'), 'utf8')
if (!isPrepared) console.log('skipped: models/training/.venv is not there or of other requirements; the training command is not run')

const train = (...flags: readonly string[]) => spawnSync(process.execPath, ['scripts/train.ts', ...flags], { cwd: root, encoding: 'utf8' })

describe('npm run train', () => {
  it.skipIf(!isPrepared)('goes from the simulated units to an artefact that the program takes', { timeout: 240_000 }, async () => {
    const folder = join(training, 'scratch/trial/washing_machine')
    rmSync(folder, { recursive: true, force: true })
    const { status, stdout, stderr } = train('--trial', '--type', 'washing_machine')
    expect([status, stderr]).toEqual([0, ''])
    const { card } = checkArtefact(await readArtefact(folder), washingMachine)
    expect(card.data.is_quick).toBe(true)
    expect(card.classes.length).toBeGreaterThan(2)
    expect(card.scores).toMatchObject({ split: 'test', units: 8, strangers: { units: 8 } })
    expect(stdout).toContain('threshold')
  })

  it('refuses a type without a recipe and names those that there are', () => {
    const { status, stderr } = train('--type', 'toaster')
    expect(status).toBe(2)
    expect(stderr).toContain('washing_machine')
  })
})
