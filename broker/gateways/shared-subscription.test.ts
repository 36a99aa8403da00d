/** A group on a real mosquitto, which the test starts; without the program it says what it skipped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeSharedGroup, until } from './shared-subscription.contract.ts'

const program = ['/usr/sbin/mosquitto', 'mosquitto'].find((candidate) => spawnSync(candidate, ['-h']).error === undefined)
if (program === undefined) process.stdout.write('mosquitto is not installed: shared subscriptions are not tested here\n')

const folder = mkdtempSync(join(tmpdir(), 'mendline-share-'))
let broker: ChildProcess | undefined
let url = ''

beforeAll(async () => {
  if (program === undefined) return
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
  writeFileSync(join(folder, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`)
  broker = spawn(program, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  url = `mqtt://127.0.0.1:${port}`
  await until(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket.end() !== undefined))
        socket.once('error', () => resolve(false))
      }),
  )
})
afterAll(() => {
  broker?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(program === undefined)('with mosquitto', () => describeSharedGroup('mosquitto', () => url))
