/**
 * Makes a folder and those above it that are not there, one at a time from the top. Node's own recursive `mkdir` never ends where the
 * parent is there and yet answers ENOENT to each new name, as `/proc` does; a thread that is caught in it cannot be stopped.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** New folders are for the own user only. @throws the error of the system when one of them cannot be made, or something else is there */
export function makeFolder(folder: string): void {
  const missing: string[] = []
  for (let place = resolve(folder); statSync(place, { throwIfNoEntry: false }) === undefined && dirname(place) !== place; place = dirname(place)) {
    missing.unshift(place)
  }
  for (const place of missing) makeOne(place)
  // What was there already may be a file.
  if (missing.length === 0 && statSync(folder).isDirectory() === false) mkdirSync(folder)
}

/** Somebody else may have made it meanwhile. */
function makeOne(place: string): void {
  try {
    mkdirSync(place, { mode: 0o700 })
  } catch (error) {
    if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}
