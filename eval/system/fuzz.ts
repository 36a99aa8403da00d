/**
 * `node eval/system/fuzz.ts`: mutated byte streams against the whole platform in its production form, for an hour or `--minutes N`,
 * `--rate N` streams a second, beside a healthy device that publishes all the time. Prints memory and the healthy device's PUBACK each minute; the last line is JSON. With
 * `--check` it exits 1 when the process fell, the healthy device waited 500 ms or more, or memory grew after the first quarter.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createRandom, type Random } from '../../kernel/random.ts'
import { createDevices, startInitialisedServer } from './crash-server.ts'
import { fuzzStream } from './fuzz-bytes.ts'
import { isUp, quantile, rssMib, startHealthy } from './hostile.ts'
import type { HostileLogin } from './hostile-cases.ts'

const ATTACKERS = 8
const HEALTHY_MS_MAX = 500
const GROWTH_MIB_MAX = 96
/** A stream's socket is closed by then, whatever the server made of it. */
const STREAM_MS_MAX = 2_000

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: 'fuzz' },
    rate: { type: 'string', default: '200' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const minutes = flags.quick ? 0.5 : Number(flags.minutes)
const folder = await mkdtemp(join(tmpdir(), 'mendline-fuzz-'))
const server = await startInitialisedServer(folder)
const pid = server.child.pid ?? 0
const attackers = Array.from({ length: ATTACKERS }, (_, index) => `attacker-${index}`)
const secrets = await createDevices(server.httpPort, ['healthy', ...attackers], server.token)
const login = (device: string): HostileLogin => ({ username: `home:${device}`, clientId: `home:${device}`, password: secrets.get(device) ?? '' })

const endMs = performance.now() + minutes * 60_000
const counts = { streams: 0, bytes: 0 }
const memory: number[] = []
const waits: number[] = []
let isHealthyLost = false
try {
  const healthy = await startHealthy(server.mqttPort, login('healthy'))
  const attacks = attackers.map((device, index) => attack(login(device), createRandom(`${flags.seed}/${index}`)))
  const sampleMs = Math.min(60_000, (minutes * 60_000) / 8)
  while (performance.now() < endMs && isUp(pid)) {
    await new Promise((resolve) => setTimeout(resolve, sampleMs))
    const { latenciesMs, isLost } = await healthy.take()
    isHealthyLost ||= isLost
    for (const wait of latenciesMs) waits.push(wait)
    memory.push(rssMib(pid))
    const slowest = latenciesMs.reduce((most, each) => Math.max(most, each), 0)
    console.log(`${counts.streams} streams, memory ${memory.at(-1)?.toFixed(0)} MiB, PUBACK of the healthy device at most ${slowest.toFixed(0)} ms`)
  }
  await Promise.all(attacks)
  await healthy.stop()
} finally {
  report()
  await server.kill()
  await rm(folder, { recursive: true, force: true })
}

/** One attacker: one stream after the other, each on a socket of its own. */
async function attack(as: HostileLogin, random: Random): Promise<void> {
  const pauseMs = (ATTACKERS * 1_000) / Number(flags.rate)
  for (let number = 0; performance.now() < endMs; number++) {
    const nextMs = performance.now() + pauseMs
    const { intact, chunks } = fuzzStream(as, random, number)
    await new Promise<void>((resolve) => {
      const socket = connect(server.mqttPort, '127.0.0.1')
      const timer = setTimeout(() => socket.destroy(), STREAM_MS_MAX)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.on('error', () => {})
      socket.resume()
      const send = (): void => {
        for (const chunk of chunks) socket.write(chunk)
        socket.end()
      }
      // Behind a login the rest waits for its answer, so that it meets an open session.
      if (intact.length === 0) send()
      else {
        socket.write(intact)
        socket.once('data', send)
      }
      counts.streams++
      counts.bytes += intact.length + chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    })
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())))
  }
}

function report(): void {
  const quarter = Math.ceil(memory.length / 4)
  const early = Math.max(...memory.slice(0, quarter))
  const growth = Math.max(...memory.slice(quarter)) - early
  const slowest = waits.reduce((most, each) => Math.max(most, each), 0)
  const figures = {
    minutes,
    ...counts,
    is_process_up: isUp(pid),
    is_healthy_connected: !isHealthyLost,
    healthy_p99_ms: quantile(waits, 0.99),
    healthy_max_ms: slowest,
    memory_early_mib: early,
    memory_growth_mib: growth,
  }
  const ok = figures.is_process_up && !isHealthyLost && slowest < HEALTHY_MS_MAX && growth < GROWTH_MIB_MAX
  console.log(JSON.stringify({ bench: 'fuzz', ...figures, ok }))
  if (flags.check && !ok) process.exitCode = 1
}
