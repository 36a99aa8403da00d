import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { deviceMigrations } from '../broker/device-tables.ts'
import { ownedBy } from './erase-owners.ts'

/** A store of before the history, with devices, claims and audits, that the last migration then brings forward. */
function broughtForward(fill: (store: DatabaseSync) => void): DatabaseSync {
  const store = new DatabaseSync(':memory:')
  const last = deviceMigrations.findIndex(({ id }) => id === '0380-device-households')
  const apply = (list: typeof deviceMigrations): void => {
    for (const sql of list.flatMap(({ statements }) => statements)) store.exec(sql)
  }
  apply(deviceMigrations.slice(0, last))
  fill(store)
  apply(deviceMigrations.slice(last, last + 1))
  return store
}

const addDevice = (store: DatabaseSync, device: string, household: string | null): void => {
  store
    .prepare(
      "INSERT INTO devices (tenant, device, type, household, max_age_days, created_at_ms, secret_hash) VALUES ('home', ?, 'k', ?, 30, 1000, '')",
    )
    .run(device, household)
}
const addPatch = (store: DatabaseSync, device: string, atMs: number): void => {
  store
    .prepare(`INSERT INTO identity_audit VALUES (?, 'home', ?, 'key:a', 'device.attributes', ?, '{"changed":["household"]}')`)
    .run(`${atMs}-${device}`, atMs, device)
}

describe('what is of a household', () => {
  it('is a device whole that nobody else ever had, and of one that was claimed before the stretches of its claims', () => {
    const store = broughtForward((older) => {
      addDevice(older, 'only', 'Uno')
      addDevice(older, 'next', 'Due')
      older.exec(`INSERT INTO claims VALUES ('c1', 'home', 'next', 'Uno', 'x', '1', '[]', 2000, 'x', 3000, 'x', 'move')`)
      older.exec(`INSERT INTO identity_audit VALUES ('4000-x', 'home', 4000, 'key:a', 'device.claimed', 'next', '{}')`)
    })
    expect(ownedBy(store, { tenant: 'home', household: 'Uno' })).toEqual({
      whole: ['only'],
      staying: [{ device: 'next', spans: [{ from_ms: 2000, to_ms: 3000 }], isTheirsNow: false }],
      unknown: [],
    })
    expect(ownedBy(store, { tenant: 'home', household: 'Due' })).toMatchObject({
      staying: [{ device: 'next', spans: [{ from_ms: 4000, to_ms: Number.MAX_SAFE_INTEGER }], isTheirsNow: true }],
    })
    expect(ownedBy(store, { tenant: 'other', household: 'Uno' })).toEqual({ whole: [], staying: [], unknown: [] })
  })

  it('begins at the last move that left no values, and says of which devices the time before is not known', () => {
    const store = broughtForward((older) => {
      addDevice(older, 'moved', 'Due')
      addPatch(older, 'moved', 5000)
    })
    // A move of today is kept with its values.
    addPatch(store, 'later', 9000)
    expect(ownedBy(store, { tenant: 'home', household: 'Due' })).toEqual({
      whole: [],
      staying: [{ device: 'moved', spans: [{ from_ms: 5000, to_ms: Number.MAX_SAFE_INTEGER }], isTheirsNow: true }],
      unknown: ['moved'],
    })
    expect(ownedBy(store, { tenant: 'home', household: 'Uno' })).toMatchObject({ whole: [], staying: [], unknown: ['moved'] })
  })

  it('is not told of a folder that no version with the history has opened', () => {
    expect(() => ownedBy(new DatabaseSync(':memory:'), { tenant: 'home', household: 'Uno' })).toThrow(/start the server of this version/)
  })
})
