/** `db` looks into the data folder of a server that is not running: what is in it, and whether it is whole. It writes nothing. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Command } from 'commander'
import { MendlineError } from '#kernel/errors.ts'
import { dataFiles } from '../config.ts'
import { isInitialised } from './data-folder.ts'
import { addServerFlags, readConfig, type ServerFlags } from './settings.ts'

export function databaseVerbs(program: Command): void {
  const db = program.command('db').description('look into the data folder of a stopped server')
  addServerFlags(db.command('stats').description('sizes and counts')).action((flags: ServerFlags) => stats(folderOf(flags)))
  addServerFlags(db.command('check').description('whether the operational store is whole')).action((flags: ServerFlags) => check(folderOf(flags)))
}

function folderOf(flags: ServerFlags): string {
  const { dataDir } = readConfig(flags)
  if (!isInitialised(dataDir)) throw new MendlineError('MDL_CONFIG_MISSING', `${dataDir} is no initialised data folder`)
  return dataDir
}

function stats(dataDir: string): void {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const sizes = new Map<string, number>()
  for (const entry of files) {
    const top = relative(dataDir, join(entry.parentPath, entry.name)).split(/[\\/]/)[0] ?? ''
    sizes.set(top, (sizes.get(top) ?? 0) + statSync(join(entry.parentPath, entry.name)).size)
  }
  for (const [name, bytes] of [...sizes].sort()) console.log(`${(bytes / 2 ** 20).toFixed(2).padStart(10)} MiB  ${name}`)
  withStore(dataDir, (store) => {
    for (const table of tablesOf(store)) {
      const row = store.prepare(`SELECT count(*) AS n FROM "${table}"`).get() as { n: number }
      console.log(`${String(row.n).padStart(10)} rows  ${table}`)
    }
  })
}

function check(dataDir: string): void {
  withStore(dataDir, (store) => {
    const faults = [...store.prepare('PRAGMA integrity_check').all(), ...store.prepare('PRAGMA foreign_key_check').all()]
      .map((row) => Object.values(row).join(' '))
      .filter((text) => text !== 'ok')
    for (const fault of faults) console.log(fault)
    if (faults.length > 0) throw new MendlineError('MDL_STORE_UNAVAILABLE', `the operational store has ${faults.length} faults`)
    console.log('The operational store is whole.')
  })
}

function withStore(dataDir: string, look: (store: DatabaseSync) => void): void {
  const file = dataFiles(dataDir).operations
  if (!existsSync(file)) {
    console.log('There is no operational store yet.')
    return
  }
  const store = new DatabaseSync(file, { readOnly: true })
  try {
    look(store)
  } finally {
    store.close()
  }
}

function tablesOf(store: DatabaseSync): string[] {
  const rows = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").all()
  return rows.map((row) => String(row.name))
}
