/**
 * `simulate service` lives through a quarter of a small city with hubs of its own and prints what came of it. With `--url` it is the dispatch
 * system of a running server instead: registers a webhook there, answers orders over REST until Ctrl-C, and removes the webhook again.
 */
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { measure } from '../eval/service/measures.ts'
import { POLICIES, runPolicy } from '../eval/service/run-policy.ts'
import { createSignals } from '../eval/service/signals.ts'
import { cityParameters } from '../simulators/city/city-parameters.ts'
import { createCityUnits } from '../simulators/city/city-units.ts'
import { RECEIVER_MOODS } from '../simulators/receiver-moods.ts'
import { createServiceDesk, DESK_ANSWERS } from '../simulators/service-desk.ts'
import { createClient } from './client.ts'

interface ServiceFlags {
  readonly units: string
  readonly days: string
  readonly seed: string
  readonly policy: string
  readonly for?: string
  readonly url?: string
  readonly key?: string
  readonly mood: string
  readonly answers: string
}

/** Adds the verb below `simulate`. */
export function serviceVerb(simulate: Command): void {
  simulate
    .command('service')
    .description('live through a quarter of a small city with the service loop, or be the dispatch system of a running server (--url)')
    .option('--units <n>', 'appliances of the city', '200')
    .option('--days <n>', 'days', '90')
    .option('--seed <text>', 'the same seed gives the same city', 'city')
    .option('--policy <name>', `who decides: ${POLICIES.join(', ')}`, 'mendline')
    .option('--for <s>', 'with --url: seconds after which it ends')
    .option('--url <url>', 'API of a running server')
    .option('--key <key>', 'API key')
    .option('--mood <mood>', `with --url: how it answers webhooks: ${RECEIVER_MOODS.join(', ')}`, 'well')
    .option('--answers <how>', `with --url: how it tells of its steps: ${DESK_ANSWERS.join(', ')}`, 'in_order')
    .action((flags: ServiceFlags) => (flags.url === undefined ? liveThrough(flags) : answerOrders(flags)))
}

async function liveThrough(flags: ServiceFlags): Promise<void> {
  const policy = POLICIES.find((known) => known === flags.policy)
  if (policy === undefined) throw new MendlineError('MDL_CONFIG_INVALID', `--policy: ${flags.policy} is none of ${POLICIES.join(', ')}`)
  const plan = { seed: flags.seed, units: count(flags.units, '--units'), days: count(flags.days, '--days') }
  const units = createCityUnits(plan)
  console.error(
    `${plan.units} units, ${units.reduce((sum, { faults }) => sum + faults.length, 0)} faults in ${plan.days} days; readings are simulated once and kept`,
  )
  const signals = await createSignals({ plan, units })
  const { run, mendline, close } = await runPolicy(policy, { plan, units, signals })
  const webhooks = mendline === undefined ? {} : { webhooks: mendline.door.counts, deliveries: await mendline.outbox.statistics() }
  console.log(JSON.stringify({ policy, ...plan, ...measure(run), ...webhooks }))
  await close()
  await signals.stop()
}

/** The outcomes of the city's engineers: mostly what the packet says, sometimes no fault, sometimes a wrong code. */
function outcomeOf(seed: string, order: WorkOrder | undefined): string {
  const draw = createRandom(`${seed}/${order?.work_order_id ?? ''}`)
  if (order?.fault == null || draw.chance(1 - cityParameters.engineer.findsNamed)) return 'no_fault_found'
  return draw.chance(cityParameters.repair.wrongCodeShare) ? 'other' : order.fault
}

async function answerOrders(flags: ServiceFlags): Promise<void> {
  const mood = oneOf(RECEIVER_MOODS, flags.mood, '--mood')
  const answers = oneOf(DESK_ANSWERS, flags.answers, '--answers')
  const client = createClient(flags)
  const orders = new Map<string, WorkOrder>()
  const desk = createServiceDesk({
    clock: systemClock,
    log: silentLog,
    answers,
    truth: (device) => outcomeOf(flags.seed, orders.get(device)),
    onStep: ({ order, state }) => {
      orders.set(order.device, order)
      console.error(`${order.work_order_id} ${order.device} ${order.fault ?? ''} ${state}`)
    },
  })
  desk.behave(mood)
  const { url } = await desk.start()
  const webhook = (await client.send('POST', '/webhooks', { url, types: ['mendline.work_order.*'], description: 'mendline simulate service' })) as {
    readonly endpoint_id: string
    readonly secret: string
  }
  desk.connect({ url: client.url, apiKey: flags.key ?? process.env.MENDLINE_API_KEY ?? '', secret: webhook.secret })
  console.error(`answers the orders of ${client.url}; Ctrl-C ends`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
    if (flags.for !== undefined) setTimeout(resolve, count(flags.for, '--for') * 1000)
  })
  await client.send('DELETE', `/webhooks/${webhook.endpoint_id}`)
  await desk.stop()
  console.log(JSON.stringify(desk.counts))
}

function count(text: string, flag: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new MendlineError('MDL_CONFIG_INVALID', `${flag}: must be a whole number above 0`)
}

function oneOf<Name extends string>(names: readonly Name[], given: string, flag: string): Name {
  const found = names.find((name) => name === given)
  if (found === undefined) throw new MendlineError('MDL_CONFIG_INVALID', `${flag}: ${given} is none of ${names.join(', ')}`)
  return found
}
