/** The Python environment of the trainer: made once beside the trainer's code, and again when its requirements change. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MendlineError } from '#kernel/errors.ts'

const TRAINING = import.meta.dirname
export const TRAINER = join(TRAINING, 'train.py')

/**
 * Path of the interpreter with what the trainer needs.
 * @throws MendlineError MDL_MODEL_TRAINER when there is no Python or the packages cannot be installed
 */
export function preparePython(say: (text: string) => void): string {
  const python = join(TRAINING, '.venv/bin/python')
  const wanted = readFileSync(join(TRAINING, 'requirements.txt'), 'utf8')
  const mark = join(TRAINING, '.venv/installed.txt')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return python
  say('installing Python packages into models/training/.venv')
  try {
    execFileSync('python3', ['-m', 'venv', join(TRAINING, '.venv')], { stdio: 'pipe' })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--requirement', join(TRAINING, 'requirements.txt')], { stdio: 'pipe' })
  } catch (cause) {
    throw new MendlineError(
      'MDL_MODEL_TRAINER',
      'training needs python3 (3.10 or later) with venv, and a package index to install models/training/requirements.txt from',
      { cause },
    )
  }
  writeFileSync(mark, wanted)
  return python
}
