/** Verbs over dangers: what stands, taking it on, saying that it is over; and the drill, which raises one that is none and reports on it. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { MendlineError } from '#kernel/errors.ts'
import { client, list, type OneFlags, one, query } from './api-verbs.ts'
import { type Client, createClient, show } from './client.ts'

const COLUMNS = ['emergency_id', 'created_at_ms', 'safety_class', 'device', 'title', 'state', 'owner', 'next_step_at_ms', 'command_state']
/** A drill ends by itself after half an hour. */
const WAIT_S_MAX = 1_900
const LOOK_MS = 1_000

export function emergencyVerbs(program: Command): void {
  const emergencies = program.command('emergencies').description('list emergencies, take them on, say that they are over')
  list(emergencies, '/emergencies', COLUMNS)
  one(emergencies, 'ack', 'take it on; nobody else is called', async (server, id, suffix, flags) => {
    const { by, note } = flags as OneFlags & { readonly by?: string; readonly note?: string }
    show(flags, await server.send('POST', `/emergencies/${id}/acknowledge${suffix}`, { by, note }), COLUMNS)
  })
    .option('--by <person>', 'who takes it on (default: the key)')
    .option('--note <text>', 'what you are about to do')
  one(emergencies, 'resolve', 'say that it is over', async (server, id, suffix, flags) => {
    const { by, reason } = flags as OneFlags & { readonly by?: string; readonly reason: string }
    show(flags, await server.send('POST', `/emergencies/${id}/resolve${suffix}`, { by, reason }), COLUMNS)
  })
    .option('--by <person>', 'who says so (default: the key)')
    .requiredOption('--reason <text>', 'why')
  one(emergencies, 'steps', 'what was done about it, each step with its time', async (server, id, suffix, flags) => {
    show(flags, await server.send('GET', `/emergencies/${id}/steps${suffix}`), ['after_ms', 'kind', 'detail'])
  })
  drillVerb(program)
}

interface DrillFlags extends OneFlags {
  readonly class: string
  readonly device?: string
  readonly tellsHousehold?: boolean
  readonly wait: string
}

interface Report {
  readonly state: string
  readonly acknowledged_ms: number | null
  readonly first_webhook_ms: number | null
  readonly first_call_taken_ms: number | null
}

function drillVerb(program: Command): void {
  client(program.command('drill').description('raise an emergency that is none, by the same path, and report; no appliance is commanded'))
    .option('--class <class>', 'E0 or E1', 'E0')
    .option('--device <id>', 'unit that it pretends to be about')
    .option('--tells-household', 'send the advice, marked as a drill, and wait for its receipt')
    .option('--wait <s>', 'how long to wait for somebody to acknowledge', '300')
    .action(async (flags: DrillFlags) => {
      const waitS = Number(flags.wait)
      if (!(waitS >= 0 && waitS <= WAIT_S_MAX)) throw new MendlineError('MDL_CONFIG_INVALID', `--wait: must be 0 to ${WAIT_S_MAX} seconds`)
      const server = createClient(flags)
      const suffix = query({ tenant: flags.tenant })
      const body = { safety_class: flags.class, device: flags.device, tells_household: flags.tellsHousehold }
      const { emergency_id } = (await server.send('POST', `/emergency-drills${suffix}`, body)) as { emergency_id: string }
      console.error(`drill ${emergency_id}: waits ${waitS} s for somebody to acknowledge`)
      const report = await untilAcknowledged(server, `/emergency-drills/${emergency_id}${suffix}`, waitS)
      const inSeconds = Object.fromEntries(DURATIONS.map((name) => [`${name}_s`, secondsOf(report[`${name}_ms`])]))
      const columns = ['emergency_id', 'state', ...DURATIONS.map((name) => `${name}_s`), 'acknowledged_by', 'calls']
      show(flags, { ...report, ...inSeconds }, columns)
      if (report.acknowledged_ms === null) process.exitCode = 1
    })
}

/** Times of a drill's report since it began. */
const DURATIONS = ['first_webhook', 'first_call_taken', 'acknowledged'] as const
const secondsOf = (ms: unknown): number | null => (typeof ms === 'number' ? ms / 1_000 : null)

async function untilAcknowledged(server: Client, path: string, waitS: number): Promise<Report> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const report = (await server.send('GET', path)) as Report
    if (report.acknowledged_ms !== null || report.state === 'resolved' || waited >= 1_000 * waitS) return report
    await pause(LOOK_MS)
  }
}
