/**
 * One run of the deliveries section: a sender that is killed again and again while it applies its plan and delivers, receivers in every mood,
 * and at the end a comparison of what the stores say is owed, and of what the sender said it applied, with what the receivers took.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRandom } from '#kernel/random.ts'
import type { ReceiverMood } from '../../simulators/receiver-moods.ts'
import { openReceivers, type TestReceiver, type TestReceivers } from './delivery-receivers.ts'
import type { SenderOrders } from './delivery-sender.ts'

export interface DeliveriesPlan {
  readonly seed: string
  readonly steps: number
  readonly kills: number
  /** How many times as fast as the machine's the clock of the retry schedule runs. */
  readonly speed: number
}

export interface ReceiverResult {
  readonly name: ReceiverMood
  /** Events that were owed to it. */
  readonly owed: number
  readonly missing: number
  /** Deliveries that a sender of one attempt would have lost. */
  readonly lostByOneAttempt: number
  /** Events that came again after they were taken. */
  readonly again: number
  /** Subjects in which an event was taken before an earlier one; those that were given up and sent by hand are left out. */
  readonly outOfOrder: number
}

export interface DeliveriesResult {
  readonly receivers: readonly ReceiverResult[]
  readonly kills: number
  /** Steps that the sender had applied and of which no order was ever told. */
  readonly stepsUntold: number
  readonly unsigned: number
  readonly redirectsFollowed: number
  readonly gaveUp: number
}

export const MOODS = ['well', 'fails', 'hangs', 'redirects', 'lies'] as const

const SENDER = fileURLToPath(new URL('./delivery-sender.ts', import.meta.url))
const START_MS = Date.UTC(2026, 5, 1)
const PATIENCE_MS = 420_000

export async function measureDeliveries({ seed, steps, kills, speed }: DeliveriesPlan): Promise<DeliveriesResult> {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-deliveries-'))
  const receivers = await openReceivers(seed, MOODS)
  const random = createRandom(`${seed}/kills`)
  const originMs = Date.now()
  const shared = { folder, seed, steps, originMs, startMs: START_MS, speed }
  const addresses = receivers.all.map(({ url, secret, name }) => ({ url, secret, name }))
  const progress = { applied: -1, gaveUp: 0 }
  try {
    for (let round = 0; round <= kills; round++) {
      const sender = startSender({ ...shared, from: progress.applied + 1, receivers: addresses }, progress)
      await sender.said('ready')
      if (round === kills) await sender.said('settled')
      else {
        await pause(random.between(20, 600))
        sender.child.kill('SIGKILL')
      }
      await sender.gone
    }
    return compare({ folder, receivers, steps: progress.applied + 1, kills, gaveUp: progress.gaveUp })
  } finally {
    await receivers.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Sender {
  readonly child: ChildProcess
  readonly gone: Promise<void>
  /** @throws Error when it ended or was silent before it said so */
  said(word: string): Promise<void>
}

function startSender(orders: SenderOrders, progress: { applied: number; gaveUp: number }): Sender {
  const child = spawn(process.execPath, [SENDER, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const words = new Set<string>()
  const waiting = new Map<string, () => void>()
  let rest = ''
  let errors = ''
  child.stderr.on('data', (chunk) => (errors = `${errors}${String(chunk)}`.slice(-2_000)))
  child.stdout.on('data', (chunk) => {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [word = '', count = '0'] = line.split(' ')
      words.add(word)
      if (word === 'applied') progress.applied = Number(count)
      if (word === 'replayed') progress.gaveUp += Number(count)
      waiting.get(word)?.()
    }
  })
  const said = async (word: string): Promise<void> => {
    const heard = new Promise<void>((resolve) => (words.has(word) ? resolve() : waiting.set(word, resolve)))
    await Promise.race([heard, gone, pause(PATIENCE_MS, undefined, { ref: false })])
    if (words.has(word)) return
    child.kill('SIGKILL')
    throw new Error(`the sender did not say ${word}: ${errors}`)
  }
  return { child, gone, said }
}

interface Found {
  readonly folder: string
  readonly receivers: TestReceivers
  readonly steps: number
  readonly kills: number
  readonly gaveUp: number
}

function compare({ folder, receivers, steps, kills, gaveUp }: Found): DeliveriesResult {
  const stores = ['operations.sqlite', 'emergency.sqlite'].map((name) => new DatabaseSync(join(folder, name), { readOnly: true }))
  try {
    const results = receivers.all.map((receiver) => resultOf(receiver, stores))
    const [steady] = receivers.all
    const opened = new Set([...(steady?.events.values() ?? [])].filter(({ type }) => type === 'mendline.work_order.opened.v1').map(deviceOf))
    return {
      ...{ receivers: results, kills, gaveUp, redirectsFollowed: receivers.trapped() },
      stepsUntold: Array.from({ length: steps }, (_, step) => `unit-${step}`).filter((device) => !opened.has(device)).length,
      unsigned: receivers.all.reduce((sum, { counts }) => sum + counts.unsigned, 0),
    }
  } finally {
    for (const store of stores) store.close()
  }
}

const deviceOf = ({ data }: { readonly data: Readonly<Record<string, unknown>> }): string =>
  (data.work_order as { device?: string } | undefined)?.device ?? ''

/** What is owed to a receiver: every event of every book, by the store's own rows. */
function resultOf({ name, url, taken, order }: TestReceiver, stores: readonly DatabaseSync[]): ReceiverResult {
  const owed = new Set<string>()
  const gaveUp = new Set<string>()
  let lostByOneAttempt = 0
  for (const store of stores) {
    for (const { event_id } of store.prepare('SELECT event_id FROM outbox_events').all()) owed.add(String(event_id))
    const attempts = store.prepare(
      `SELECT a.event_id, a.attempt, a.status, e.subject FROM outbox_attempts AS a JOIN outbox_endpoints AS p ON p.endpoint_id = a.endpoint_id
       JOIN outbox_events AS e ON e.event_id = a.event_id WHERE p.url = ?`,
    )
    for (const { attempt, status, subject } of attempts.all(url)) {
      if (attempt === 1 && (status === null || Number(status) > 299)) lostByOneAttempt++
      if (Number(attempt) >= 10) gaveUp.add(String(subject))
    }
  }
  const isOrderly = (sequences: readonly number[]): boolean => sequences.every((sequence, index) => sequence > (sequences[index - 1] ?? 0))
  return {
    ...{ name, owed: owed.size, missing: [...owed].filter((id) => !taken.has(id)).length, lostByOneAttempt },
    again: [...taken.values()].filter((times) => times > 0).length,
    outOfOrder: [...order].filter(([subject, sequences]) => !gaveUp.has(subject) && !isOrderly(sequences)).length,
  }
}
