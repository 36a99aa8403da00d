/**
 * Two ingest processes as members of one shared subscription on a real mosquitto; one is killed in the middle. Without mosquitto the test
 * says what it skipped.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, freePort, readRaw, startConfiguredServer } from './crash-server.ts'

const program = ['/usr/sbin/mosquitto', 'mosquitto'].find((candidate) => spawnSync(candidate, ['-h']).error === undefined)
if (program === undefined) process.stdout.write('mosquitto is not installed: sharing the load of another broker is not tested here\n')

const DEVICES = 5
const SESSIONS = 2
const TAKEOVER_MS = 500

describe.skipIf(program === undefined)('two processes that share the load of another broker', () => {
  let folder = ''
  let broker: ChildProcess
  let url = ''
  const servers: CrashServer[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-share-'))
    const port = await freePort()
    url = `mqtt://127.0.0.1:${port}`
    writeFileSync(join(folder, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`)
    broker = spawn(program ?? '', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
    for (const member of [0, 1]) servers.push(await startMember(member))
  }, 60_000)
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()))
    broker.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  async function startMember(member: number): Promise<CrashServer> {
    const share = { url, group: 'ingest', filters: ['mend/v1/+/+/tele'], member, sessions: SESSIONS, takeover_ms: TAKEOVER_MS }
    const config = join(folder, `member-${member}.yaml`)
    writeFileSync(config, JSON.stringify({ foreign_brokers: [share] }))
    const server = await startConfiguredServer(config, join(folder, `data-${member}`))
    const devices = Array.from({ length: DEVICES }, (_, index) => ({ device: `ac-${index}`, type: 'air_conditioner' }))
    const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
    await fetch(`http://127.0.0.1:${server.httpPort}/api/v1/devices`, { method: 'POST', headers, body: JSON.stringify(devices) })
    return server
  }

  async function publish(from: number, to: number): Promise<void> {
    const client = await mqtt.connectAsync(url)
    for (let seq = from; seq < to; seq++) {
      const payload = JSON.stringify({ ts: Date.now(), seq, boot: 1, v: { room_temperature_c: seq % 40 } })
      await client.publishAsync(`mend/v1/home/ac-${seq % DEVICES}/tele`, payload, { qos: 1 })
    }
    await client.endAsync()
  }

  const seqsOf = async (server: CrashServer): Promise<number[]> => (await readRaw(server.httpPort)).map(({ seq }) => seq)

  async function untilStored(all: readonly CrashServer[], known: readonly number[], count: number): Promise<number[]> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const seqs = [...known, ...(await Promise.all(all.map(seqsOf))).flat()]
      if (new Set(seqs).size >= count) return seqs
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error('not everything was stored')
  }

  it('count each message once, and strand nothing when one is killed', { timeout: 90_000 }, async () => {
    const [first, second] = servers
    if (first === undefined || second === undefined) throw new Error('two members were started')
    await publish(0, 300)
    const before = await untilStored([first, second], [], 300)
    expect(before).toHaveLength(300)

    const late = publish(300, 600)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await first.kill()
    await late
    servers.splice(0, 1, await startMember(0))
    const back = servers[0]
    if (back === undefined) throw new Error('the first member is back')
    const after = await untilStored([back, second], [], 600)
    expect(new Set(after).size).toBe(600)
    // What was durable and not yet acknowledged when the process was killed came again, at most one message of each of its sessions.
    expect(after.length - 600).toBeLessThanOrEqual(SESSIONS)
  })

  it('hold the sessions of one that does not come back, after the stated time', { timeout: 90_000 }, async () => {
    const [first, second] = servers
    if (first === undefined || second === undefined) throw new Error('two members were started')
    await publish(0, 100)
    const known = await untilStored([first, second], [], 100)
    const ofFirst = await seqsOf(first)
    await first.kill()
    servers.shift()
    await publish(100, 300)
    const seqs = await untilStored([second], ofFirst, 300)
    expect(known).toHaveLength(100)
    expect(new Set(seqs).size).toBe(300)
  })
})
