/** A group on a real mosquitto, which the test starts; without the program it says what it skipped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { createSharedSubscription, type SharedSubscription } from './shared-subscription.ts'

const program = ['/usr/sbin/mosquitto', 'mosquitto'].find((candidate) => spawnSync(candidate, ['-h']).error === undefined)
if (program === undefined) process.stdout.write('mosquitto is not installed: shared subscriptions are not tested here\n')

const TAKEOVER_MS = 300
const folder = mkdtempSync(join(tmpdir(), 'mendline-share-'))
let broker: ChildProcess | undefined
let url = ''
let groups = 0
const running: Array<{ stop(): Promise<void> }> = []

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
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
afterAll(() => {
  broker?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isDone()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it did not come to that')
}

function member(group: string, number: number, take: (payload: string) => Promise<void>): SharedSubscription {
  const settings = { url, group, filters: ['mend/v1/+/+/tele'], member: number, sessions: 2, takeoverMs: TAKEOVER_MS, sessionExpiryS: 3_600 }
  const ports = { take: (_: string, payload: Uint8Array) => take(new TextDecoder().decode(payload)), clock: systemClock, log: silentLog }
  const subscription = createSharedSubscription(settings, ports)
  running.push(subscription)
  subscription.start()
  return subscription
}

async function publish(from: number, to: number): Promise<void> {
  const client = await mqtt.connectAsync(url)
  for (let number = from; number < to; number++) await client.publishAsync(`mend/v1/home/device-${number % 7}/tele`, String(number), { qos: 1 })
  await client.endAsync()
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index)).sort()

describe.skipIf(program === undefined)('a group of a shared subscription on mosquitto', () => {
  it('counts each message once for the group', async () => {
    const group = `g${groups++}`
    const taken: string[] = []
    const add = async (payload: string): Promise<void> => void taken.push(payload)
    const members = [member(group, 0, add), member(group, 1, add)]
    await until(() => members.every((one) => one.statistics().connected === 2))
    await publish(0, 400)
    await until(() => taken.length >= 400)
    expect(taken.sort()).toEqual(numbers(400))
  })

  it('strands nothing of a member that stopped: another holds its sessions after the stated time', async () => {
    const group = `g${groups++}`
    const taken: string[] = []
    const add = async (payload: string): Promise<void> => void taken.push(payload)
    const first = member(group, 0, add)
    const second = member(group, 1, add)
    await until(() => [first, second].every((one) => one.statistics().connected === 2))
    await first.stop()
    await publish(0, 200)
    await until(() => taken.length >= 200)
    expect(taken.sort()).toEqual(numbers(200))
    expect(second.statistics().stand_ins).toBe(2)
  })

  it('gives a session back to its owner', async () => {
    const group = `g${groups++}`
    const taken: string[] = []
    const add = async (payload: string): Promise<void> => void taken.push(payload)
    const first = member(group, 0, add)
    const second = member(group, 1, add)
    await until(() => [first, second].every((one) => one.statistics().connected === 2))
    await first.stop()
    await until(() => second.statistics().stand_ins === 2)
    const back = member(group, 0, add)
    await until(() => second.statistics().stand_ins === 0 && back.statistics().connected === 2)
    await publish(0, 100)
    await until(() => taken.length >= 100)
    expect(taken.sort()).toEqual(numbers(100))
  })

  it('does not acknowledge what could not be taken, and takes it when it can', async () => {
    const group = `g${groups++}`
    const taken: string[] = []
    let isFull = true
    const only = member(group, 0, async (payload) => {
      if (isFull) throw new Error('the journal is full')
      taken.push(payload)
    })
    await until(() => only.statistics().connected === 2)
    await publish(0, 20)
    await until(() => only.statistics().refused > 0)
    expect(taken).toEqual([])
    isFull = false
    await until(() => new Set(taken).size === 20)
  })
})
