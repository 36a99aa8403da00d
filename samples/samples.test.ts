/**
 * The samples for device makers against the real server: the server is killed without mercy in the middle, and so is the sample; started
 * again, every reading that the sample measured is stored exactly once. Python is skipped with a word where paho-mqtt is missing.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, createDevices, freePort, readRaw, startCrashServer } from '../eval/system/crash-server.ts'

const READINGS = 60
const EVERY_MS = 20
const here = import.meta.dirname
const venv = join(here, '..', '.venv-samples', 'bin', 'python')
const python = [venv, 'python3'].find(
  (command) => (!command.includes('/') || existsSync(command)) && spawnSync(command, ['-c', 'import paho.mqtt']).status === 0,
)

let folder = ''
let data: { data: string; mqttPort: number; httpPort: number }
let server: CrashServer
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-samples-'))
  data = { data: join(folder, 'data'), mqttPort: await freePort(), httpPort: await freePort() }
  server = await startCrashServer(data)
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; words: string }>
}

function run(command: string, words: readonly string[]): Run {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let heard = ''
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  return { child, ended: new Promise((resolve) => child.once('exit', (code) => resolve({ code, words: heard }))) }
}

/** Kills server and sample in the middle and lets a second run of the sample finish; gives what is stored. */
async function survive(start: (secret: string) => Run): Promise<Array<{ boot: number; seq: number }>> {
  const secret = (await createDevices(data.httpPort, ['sample'])).get('sample') ?? ''
  const first = start(secret)
  await wait(400)
  await server.kill()
  await wait(400)
  first.child.kill('SIGKILL')
  await first.ended
  const second = start(secret)
  await wait(300)
  server = await startCrashServer(data)
  const { code, words } = await second.ended
  expect({ code, words }).toMatchObject({ code: 0 })
  let stored = await readRaw(data.httpPort)
  for (let tries = 0; tries < 100 && stored.filter(({ boot }) => boot === 2).length < READINGS; tries++) {
    await wait(100)
    stored = await readRaw(data.httpPort)
  }
  return stored
}

/** Each (boot, seq) once; the second boot whole, the first without a hole up to the reading that was last measured. */
function expectEachOnce(stored: ReadonlyArray<{ boot: number; seq: number }>): void {
  const keys = stored.map(({ boot, seq }) => `${boot}/${seq}`)
  expect(new Set(keys).size).toBe(keys.length)
  const seqs = (boot: number): number[] => stored.filter((line) => line.boot === boot).map(({ seq }) => seq)
  const sorted = (boot: number): number[] => seqs(boot).sort((a, b) => a - b)
  expect(sorted(2)).toEqual(Array.from({ length: READINGS }, (_, index) => index))
  expect(sorted(1).length).toBeGreaterThan(2)
  expect(sorted(1)).toEqual(Array.from({ length: seqs(1).length }, (_, index) => index))
}

describe('samples', () => {
  it('in Node: every reading is stored once over a kill of the server and of the sample', async () => {
    const words = ['--url', `mqtt://127.0.0.1:${data.mqttPort}`, '--name', 'home:sample', '--readings', `${READINGS}`, '--every-ms', `${EVERY_MS}`]
    const state = join(folder, 'state')
    const start = (secret: string): Run => run(process.execPath, [join(here, 'node', 'device.mjs'), ...words, '--secret', secret, '--folder', state])
    expectEachOnce(await survive(start))
  }, 60_000)

  it.skipIf(python === undefined)(
    'in Python: the same (skipped without paho-mqtt)',
    async () => {
      const words = ['--port', `${data.mqttPort}`, '--name', 'home:sample', '--readings', `${READINGS}`, '--every-ms', `${EVERY_MS}`]
      const state = join(folder, 'state')
      const start = (secret: string): Run => run(python ?? '', [join(here, 'python', 'device.py'), ...words, '--secret', secret, '--folder', state])
      expectEachOnce(await survive(start))
    },
    60_000,
  )
})
