/**
 * Events owed and not delivered, in `npm run eval:service`: real hubs and outboxes in a process that is killed again and again, real HTTP,
 * and receivers that fail, hang, redirect and lie.
 */
import type { ReceiverMood } from '../../simulators/receiver-moods.ts'
import type { EvalRow, EvalSection } from '../evaluation/table.ts'
import { type DeliveriesResult, MOODS, measureDeliveries } from './deliveries-run.ts'

const WORDS: Readonly<Partial<Record<ReceiverMood, string>>> = {
  well: 'takes everything',
  fails: 'fails at a third of the requests (500)',
  hangs: 'hangs at a third of the requests',
  redirects: 'redirects at a third of the requests (302)',
  lies: 'says 200 at a third of the requests and breaks off in the body',
}

export const deliveriesSection: EvalSection = {
  id: 'deliveries',
  async run({ isQuick }) {
    const seeds = (isQuick ? ['a'] : ['a', 'b', 'c']).map((seed) => `deliveries/${seed}`)
    // Three days of the retry schedule in two minutes, or in a quarter of one.
    const speed = isQuick ? 20_000 : 2_000
    const runs: DeliveriesResult[] = []
    for (const seed of seeds) runs.push(await measureDeliveries({ seed, speed, steps: isQuick ? 6 : 80, kills: isQuick ? 2 : 20 }))
    const kills = runs[0]?.kills ?? 0
    return [
      {
        id: 'deliveries',
        title: `Webhooks: events owed and not delivered, sender killed ${kills} times a seed`,
        data: 'load',
        command: 'npm run eval:service -- --only deliveries',
        rows: [...MOODS.map((mood) => owedRow(mood, runs)), ...otherRows(runs)],
        notes: [
          `Sums over ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}. Hubs, both outboxes, signatures, HTTP and kills (SIGKILL) are real; the clock of the retry schedule runs ${speed.toLocaleString('en')} times as fast, deadlines of HTTP do not. Every receiver faces the kills.`,
          'An event is owed when it stands in the outbox; independently of that, each step that the sender said it applied must have told of its order. An event is taken when the receiver has answered 2xx in whole. The baseline sends each event once; also a receiver that takes everything loses some then, to kills and to the deadline of 1.5 s on a busy machine.',
          `${total(runs, ({ gaveUp }) => gaveUp)} deliveries were given up after ten attempts and sent again by replay, as an operator does; ${total(runs, ({ receivers }) => sum(receivers.map(({ again }) => again)))} came again under their id after they had been taken.`,
        ],
      },
    ]
  },
}

function owedRow(mood: ReceiverMood, runs: readonly DeliveriesResult[]): EvalRow {
  const results = runs.flatMap(({ receivers }) => receivers.filter(({ name }) => name === mood))
  const owed = sum(results.map((result) => result.owed))
  return {
    measure: `owed and not delivered of ${owed}: receiver that ${WORDS[mood] ?? mood}`,
    value: sum(results.map(({ missing }) => missing)),
    baselines: [{ name: 'one attempt', value: sum(results.map(({ lostByOneAttempt }) => lostByOneAttempt)) }],
    goal: { max: 0 },
  }
}

function otherRows(runs: readonly DeliveriesResult[]): EvalRow[] {
  const rows: ReadonlyArray<readonly [string, (run: DeliveriesResult) => number]> = [
    ['steps applied before a kill whose order was never told', ({ stepsUntold }) => stepsUntold],
    ['subjects taken out of order', ({ receivers }) => sum(receivers.map(({ outOfOrder }) => outOfOrder))],
    ['requests without a good signature', ({ unsigned }) => unsigned],
    ['redirects followed', ({ redirectsFollowed }) => redirectsFollowed],
  ]
  return rows.map(([measure, of]) => ({ measure, value: total(runs, of), goal: { max: 0 } }))
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
const total = (runs: readonly DeliveriesResult[], of: (run: DeliveriesResult) => number): number => sum(runs.map(of))
