import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { retention } from '../ingest/builders.ts'
import { createPipelineHost, type PipelineThread } from './pipeline-host.ts'
import { Rpc } from './rpc.ts'
import { MAIN_CALLS, PIPELINE_CALLS } from './worker-settings.ts'

/** A worker's thread without a thread: what was asked of it, and its end by hand. */
interface FakeThread extends PipelineThread {
  readonly calls: string[]
  loads(isLoading: boolean): void
  end(): void
}

const channels: MessageChannel[] = []
afterEach(() => {
  for (const channel of channels.splice(0)) channel.port1.close()
})

function fakeThread(start: () => Promise<void>): FakeThread {
  const channel = new MessageChannel()
  channels.push(channel)
  const exits: Array<(code: number) => void> = []
  const calls: string[] = []
  const there = new Rpc(channel.port2)
  const answer = (name: string, act: () => Promise<void>): void =>
    there.handle(name, () => {
      calls.push(name)
      return act()
    })
  answer(PIPELINE_CALLS.start, start)
  answer(PIPELINE_CALLS.stop, async () => {})
  const thread = {
    calls,
    loads: (isLoading: boolean) => there.notify(MAIN_CALLS.loadingModels, isLoading),
    on(event: string, listener: (argument: never) => void) {
      if (event === 'message') channel.port1.on('message', listener as (message: unknown) => void)
      if (event === 'exit') exits.push(listener as (code: number) => void)
      return thread
    },
    postMessage: (message: unknown) => channel.port1.postMessage(message),
    async terminate() {
      calls.push('terminate')
      return 0
    },
    end() {
      for (const exit of exits) exit(1)
    },
  }
  return thread as unknown as FakeThread
}

function hostOf(start: (thread: number) => Promise<void> = async () => {}) {
  const clock = new ManualClock(0)
  const threads: FakeThread[] = []
  const host = createPipelineHost({
    settings: { dataDir: '', limits, store: { kind: 'duckdb' }, retention: { ...retention, derived_days: 1_825 }, defaultTimeZone: 'UTC' },
    ownTypes: () => [],
    timeZones: () => [],
    mappings: () => [],
    apply: async () => {},
    onReleasable: () => {},
    clock,
    log: silentLog,
    createWorker: () => {
      const number = threads.length
      const made = fakeThread(() => start(number))
      threads.push(made)
      return made
    },
  })
  const endAndAdvance = async (ms: number): Promise<void> => {
    const before = threads.length
    threads.at(-1)?.end()
    clock.advance(ms)
    if (threads.length > before) await expect.poll(() => host.isRunning()).toBe(true)
  }
  return { host, clock, threads, endAndAdvance }
}

describe('pipeline host', () => {
  it('starts a worker that keeps ending again and again, after twenty times at a slower pace', async () => {
    const { host, clock, threads, endAndAdvance } = hostOf()
    await host.start(0)
    for (let restart = 1; restart <= 20; restart++) await endAndAdvance(500)
    expect(threads).toHaveLength(21)
    for (const count of [22, 23]) {
      await endAndAdvance(29_999)
      expect([threads.length, host.isRunning()]).toEqual([count - 1, false])
      clock.advance(1)
      await expect.poll(() => host.isRunning()).toBe(true)
      expect(threads).toHaveLength(count)
    }
    await host.stop()
  })

  it('forgets the restarts when a worker ran for a minute', async () => {
    const { host, clock, threads, endAndAdvance } = hostOf()
    await host.start(0)
    for (let restart = 1; restart <= 20; restart++) await endAndAdvance(500)
    clock.advance(60_000)
    await endAndAdvance(500)
    expect(threads).toHaveLength(22)
    await host.stop()
  })

  it('tries again when a worker does not come up, and not after a stop', async () => {
    const { host, clock, threads, endAndAdvance } = hostOf(async (thread) => {
      if (thread === 1) throw new Error('the store cannot be opened')
    })
    await host.start(0)
    threads[0]?.end()
    clock.advance(500)
    await expect.poll(() => threads[1]?.calls).toEqual(['start', 'stop', 'terminate'])
    await expect
      .poll(() => {
        clock.advance(500)
        return host.isRunning()
      })
      .toBe(true)
    threads.at(-1)?.end()
    await host.stop()
    const count = threads.length
    clock.advance(60_000)
    expect(threads).toHaveLength(count)
    await endAndAdvance(60_000)
    expect(threads).toHaveLength(count)
  })

  it('lets a start that is under way settle before it stops, and stops by call', async () => {
    let comeUp: () => void = () => {}
    const { host, threads } = hostOf(
      () =>
        new Promise<void>((resolve) => {
          comeUp = resolve
        }),
    )
    const started = host.start(0)
    await expect.poll(() => threads[0]?.calls).toEqual(['start'])
    const stopped = host.stop()
    await new Promise((resolve) => setImmediate(resolve))
    expect(threads[0]?.calls).toEqual(['start'])
    comeUp()
    await Promise.all([started, stopped])
    expect(threads[0]?.calls).toEqual(['start', 'stop', 'terminate'])
  })

  it('waits no longer than eight seconds for it', async () => {
    const { host, clock, threads } = hostOf(() => new Promise(() => {}))
    host.start(0).catch(() => {})
    await expect.poll(() => threads[0]?.calls).toEqual(['start'])
    const stopped = host.stop()
    clock.advance(7_999)
    await new Promise((resolve) => setImmediate(resolve))
    expect(threads[0]?.calls).toEqual(['start'])
    clock.advance(1)
    await stopped
    expect(threads[0]?.calls).toEqual(['start', 'terminate'])
  })

  it('waits in addition as long as a load may take while models load, since the thread is in native code then', async () => {
    const { host, clock, threads } = hostOf(() => new Promise(() => {}))
    host.start(0).catch(() => {})
    await expect.poll(() => threads[0]?.calls).toEqual(['start'])
    threads[0]?.loads(true)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const stopped = host.stop()
    clock.advance(8_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    clock.advance(limits.modelLoadTimeoutMs - 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(threads[0]?.calls).toEqual(['start'])
    clock.advance(1)
    await stopped
    expect(threads[0]?.calls).toEqual(['start', 'terminate'])
  })

  it('does not wait longer for models that are loaded', async () => {
    const { host, clock, threads } = hostOf(() => new Promise(() => {}))
    host.start(0).catch(() => {})
    await expect.poll(() => threads[0]?.calls).toEqual(['start'])
    threads[0]?.loads(true)
    threads[0]?.loads(false)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const stopped = host.stop()
    clock.advance(8_000)
    await stopped
    expect(threads[0]?.calls).toEqual(['start', 'terminate'])
  })
})
