/**
 * `mendline cycles DEVICE --channel NAME`: when a device ran, from what it drew: stretches above a bound, with pauses inside them (a washing
 * machine that soaks) joined and blips (a lamp, a start that failed) left out.
 */
import type { Command } from 'commander'
import { MendlineError } from '#kernel/errors.ts'
import { type ClientFlags, createClient, show } from './client.ts'
import { timeOf } from './times.ts'

interface Cycle {
  readonly begin_ms: number
  readonly end_ms: number
  readonly minutes: number
  /** Mean of the values above the bound. */
  readonly mean: number
}

export interface CycleBounds {
  readonly above: number
  /** Pauses up to this long belong to the cycle. */
  readonly pauseMs: number
  /** Shorter stretches are no cycle. */
  readonly runMs: number
}

export interface Bucket {
  readonly t: number
  readonly mean: number
}

/** Cycles in means over buckets of equal length, oldest first; a bucket that is missing is a pause. */
export function cyclesOf(buckets: readonly Bucket[], bucketMs: number, { above, pauseMs, runMs }: CycleBounds): readonly Cycle[] {
  const open: Array<{ begin: number; end: number; sum: number; count: number }> = []
  for (const { t, mean } of buckets) {
    if (!(mean > above)) continue
    const last = open.at(-1)
    if (last !== undefined && t - last.end <= pauseMs) {
      last.end = t + bucketMs
      last.sum += mean
      last.count++
    } else open.push({ begin: t, end: t + bucketMs, sum: mean, count: 1 })
  }
  return open
    .filter(({ count }) => count * bucketMs >= runMs)
    .map(({ begin, end, sum, count }) => ({ begin_ms: begin, end_ms: end, minutes: Math.round((end - begin) / 60_000), mean: sum / count }))
}

interface CycleFlags extends ClientFlags {
  readonly channel: string
  readonly from: string
  readonly to: string
  readonly above: string
  readonly pause: string
  readonly run: string
  readonly tenant?: string
}

const MINUTE_MS = 60_000
/** Buckets in one answer are bounded; a week of minutes fits. */
const SPAN_MS_MAX = 10_000 * MINUTE_MS

export function cycleVerb(program: Command): void {
  program
    .command('cycles')
    .description('when a device ran, from a channel such as its power, see docs/learn-normal.md')
    .argument('<device>')
    .requiredOption('--channel <name>', 'channel that says whether it runs')
    .requiredOption('--from <time>', 'epoch ms or ISO 8601')
    .requiredOption('--to <time>', 'epoch ms or ISO 8601, not included; a week at most')
    .option('--above <value>', 'runs above this', '20')
    .option('--pause <minutes>', 'pauses up to this long belong to the cycle', '10')
    .option('--run <minutes>', 'shorter stretches are no cycle', '3')
    .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
    .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
    .option('--tenant <id>', "another tenant than the key's own")
    .option('--json', 'print JSON')
    .action(async (device: string, flags: CycleFlags) => {
      const bounds = { above: numberOf(flags, 'above'), pauseMs: numberOf(flags, 'pause') * MINUTE_MS, runMs: numberOf(flags, 'run') * MINUTE_MS }
      const [from, to] = [timeOf('--from', flags.from), timeOf('--to', flags.to)]
      if (to <= from || to - from > SPAN_MS_MAX) throw new MendlineError('MDL_API_INVALID', '--to must lie behind --from, at most 10,000 minutes')
      const query = new URLSearchParams({
        device,
        channels: flags.channel,
        from_ms: `${from}`,
        to_ms: `${to}`,
        max_points: `${Math.ceil((to - from) / MINUTE_MS)}`,
      })
      if (flags.tenant !== undefined) query.set('tenant', flags.tenant)
      const { items } = (await createClient(flags).send('GET', `/readings?${query}`)) as { readonly items: readonly Bucket[] }
      show(flags, { items: cyclesOf(items, MINUTE_MS, bounds), next: null }, ['begin_ms', 'end_ms', 'minutes', 'mean'])
    })
}

function numberOf(flags: CycleFlags, name: 'above' | 'pause' | 'run'): number {
  const value = Number(flags[name])
  if (!Number.isFinite(value)) throw new MendlineError('MDL_API_INVALID', `--${name} must be a number`)
  return value
}
