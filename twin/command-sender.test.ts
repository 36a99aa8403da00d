import { describe, expect, it } from 'vitest'
import type { CommandNote, NewCommand } from '#kernel/command.ts'
import { silentLog } from '#kernel/log.ts'
import { NOW_MS, openBench } from '../eval/mqtt-mock/twin-bench.ts'
import { applyAck, cancelCommand, findCommand, giveCommand, noteOverdue, writeProgress } from './command-book.ts'
import { createCommandSender } from './command-sender.ts'

async function bench(limits: Parameters<typeof openBench>[0] = {}) {
  const b = await openBench(limits)
  const sent: string[] = []
  const device = { isThere: false, acknowledges: true }
  const notes: string[] = []
  const sender = createCommandSender({
    ...{ database: b.database, clock: b.clock, log: silentLog, limits: b.limits },
    channel: () => ({
      sendCommand({ commandId }, onDelivered) {
        if (!device.isThere) return 0
        sent.push(commandId)
        if (device.acknowledges) onDelivered()
        return 1
      },
    }),
    tell: async (list: readonly CommandNote[]) => void notes.push(...list.map(({ state }) => state)),
  })
  await sender.start()
  const give = async (commandId: string, given: Partial<NewCommand> = {}): Promise<void> => {
    const command = {
      commandId,
      tenant: 'home',
      device: 'a',
      name: 'restart',
      payload: {},
      actor: 'key:x',
      expiresAtMs: NOW_MS + 3_600_000,
      ...given,
    }
    await giveCommand(b.database, command, { nowMs: b.clock.now(), limits: b.limits })
    sender.serve('home', 'a', true)
  }
  const ack = (commandId: string, state: 'accepted' | 'done' | 'refused', from = 'a') =>
    applyAck(b.database, { tenant: 'home', device: from, commandId }, { ack: { kind: 'ack', state, reason: null, data: null }, atMs: b.clock.now() })
  const stop = async (): Promise<void> => {
    await sender.stop()
    await b[Symbol.asyncDispose]()
  }
  const find = (commandId: string) => findCommand(b.database, 'home', commandId)
  return { ...b, sent, device, notes, sender, give, ack, find, [Symbol.asyncDispose]: stop }
}

describe('a command', () => {
  it('waits for a device that is away, is sent when it listens, and by the schedule until it answers', async () => {
    await using b = await bench()
    await b.give('c1')
    await b.pass(10_000)
    expect(b.sent).toEqual([])
    b.device.isThere = true
    b.sender.serve('home', 'a')
    await b.pass(30_000)
    expect(b.sent).toEqual(['c1', 'c1', 'c1'])
    expect(await b.find('c1')).toMatchObject({ state: 'delivered', attempts: 3 })
    expect(await b.ack('c1', 'accepted')).toBe('moved')
    b.sender.serve('home', 'a')
    await b.pass(120_000)
    expect(b.sent).toHaveLength(3)
  })

  it('without PUBACK stays sent, and is no more scheduled behind its bound', async () => {
    await using b = await bench({ commandAttempts_MAX: 2 })
    b.device.isThere = true
    b.device.acknowledges = false
    await b.give('c1')
    await b.pass(120_000)
    expect(b.sent).toHaveLength(2)
    expect(await b.find('c1')).toMatchObject({ state: 'sent' })
    b.sender.serve('home', 'a')
    await b.pass(2_000)
    expect(b.sent).toHaveLength(3)
  })

  it('expires with the reason, and a late or repeated answer changes nothing', async () => {
    await using b = await bench()
    await b.give('c1', { expiresAtMs: NOW_MS + 5_000 })
    await b.pass(8_000)
    expect(await b.find('c1')).toMatchObject({ state: 'expired', reason: 'the device was never there' })
    expect([await b.ack('c1', 'done'), await b.ack('c1', 'done'), await b.ack('c2', 'done')]).toEqual(['late', 'duplicate', 'unknown'])
    expect(await b.find('c1')).toMatchObject({ state: 'expired', late_answer: { state: 'done' } })
    await b.give('c3')
    expect([await b.ack('c3', 'done', 'b'), await b.ack('c3', 'done'), await b.ack('c3', 'accepted')]).toEqual(['unknown', 'moved', 'duplicate'])
    expect(await b.find('c3')).toMatchObject({ state: 'done' })
  })

  it('that is followed is told of, also when nobody answers in time', async () => {
    await using b = await bench()
    b.device.isThere = true
    await b.give('c1', { isFollowed: true, acknowledgeByMs: NOW_MS + 3_000 })
    await b.pass(6_000)
    await b.ack('c1', 'done')
    await b.pass(2_000)
    expect(b.notes).toEqual(['delivered', 'overdue', 'done'])
    expect(await b.find('c1')).toMatchObject({ is_overdue: true, state: 'done' })
  })

  it('that is overdue stays owed to the hubs, however far it came before they heard of it', async () => {
    await using b = await bench()
    await b.give('c1', { isFollowed: true, acknowledgeByMs: NOW_MS + 1_000 })
    expect(await noteOverdue(b.database, NOW_MS + 1_000)).toBe(1)
    const times = { sentAtMs: NOW_MS + 2_000, deliveredAtMs: NOW_MS + 2_100, attempts: 1, nextTryAtMs: null }
    await writeProgress(b.database, { tenant: 'home', command_id: 'c1', ...times })
    const row = await b.database.selectFrom('twin_commands').selectAll().executeTakeFirstOrThrow()
    expect([row.state, row.owed_note]).toEqual(['delivered', 'overdue'])
  })

  it('above the bound of a device is refused, an emergency never is', async () => {
    await using b = await bench({ commandsPerDevice_MAX: 2, commandPayloadBytes_MAX: 20 })
    for (const id of ['c1', 'c2']) await b.give(id)
    await expect(b.give('c3')).rejects.toMatchObject({ code: 'MDL_TWIN_TOO_MANY' })
    await b.give('em', { actor: 'emergency' })
    await cancelCommand(b.database, { tenant: 'home', commandId: 'c1', actor: 'key:x', nowMs: NOW_MS })
    await cancelCommand(b.database, { tenant: 'home', commandId: 'c2', actor: 'key:x', nowMs: NOW_MS })
    await b.give('c3')
    await expect(b.give('c4', { payload: { text: 'x'.repeat(20) } })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    const again = cancelCommand(b.database, { tenant: 'home', commandId: 'c1', actor: 'key:x', nowMs: NOW_MS })
    await expect(again).rejects.toMatchObject({ code: 'MDL_TWIN_COMMAND_ENDED' })
  })
})
