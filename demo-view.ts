/**
 * The terminal of `npm start`: on a terminal one calm block that is redrawn twice a second, elsewhere a line at each first time. What it
 * shows of the platform it reads over REST, like anybody.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { UNITS, type Unit } from '#kernel/units.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import type { Street, StreetStatus } from './simulators/street.ts'

export interface DemoViewOptions {
  readonly street: Pick<Street, 'status'>
  readonly mqttUrl: string
  readonly httpUrl: string
  readonly apiKey: string
  readonly clock: Clock
  readonly output: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
}

export interface DemoView {
  start(): void
  stop(): void
}

interface Emergency {
  readonly emergency_id: string
  readonly device: string
  readonly safety_class: string
  readonly title: string
  readonly raised_at_ms: number
}

/** What one look at the platform gave; lists are newest first. */
interface Picture {
  readonly street: StreetStatus
  readonly counts: Readonly<Record<string, number>>
  readonly diagnoses: readonly Diagnosis[]
  readonly orders: readonly WorkOrder[]
  readonly verified: readonly WorkOrder[]
  readonly emergencies: readonly Emergency[]
}

/** What the block shows of each appliance type: its newest diagnosis and the order for it. */
interface OfType {
  diagnosis?: Diagnosis
  order?: WorkOrder
}

const REDRAW_MS = 500
const WIDTH_MAX = 120
/** Newest records that one look asks for; what was seen before is remembered by type. */
const LOOK_LIMIT = 10

/** Creates the view; it draws between `start` and `stop`. */
export function createDemoView(options: DemoViewOptions): DemoView {
  const { output, clock } = options
  const milestones = new Set<string>()
  const seen = new Map<string, OfType>()
  let isStopped = false
  let drawnLines = 0

  const draw = async (): Promise<void> => {
    const picture = await look(options).catch(() => undefined)
    if (isStopped || picture === undefined) return
    if (output.isTTY === true) {
      remember(seen, picture)
      const lines = block(picture, seen, options).map((line) => line.slice(0, (output.columns ?? WIDTH_MAX) - 1))
      output.write(`${drawnLines > 0 ? `\u001b[${drawnLines}A` : ''}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`)
      drawnLines = lines.length
      return
    }
    for (const [name, text] of firsts(picture)) {
      if (milestones.has(name)) continue
      milestones.add(name)
      output.write(`${text}\n`)
    }
  }
  const again = (): void => {
    void draw().finally(() => {
      if (!isStopped) clock.after(REDRAW_MS, again)
    })
  }
  return {
    start() {
      output.write(`ready mqtt=${options.mqttUrl} http=${options.httpUrl}\n\n`)
      output.write(`${howToConnect(options)}\n\n`)
      again()
    },
    stop() {
      isStopped = true
      output.write('\nStopping. The street begins anew at the next start; for a folder that stays, see the README on `mendline init`.\n')
    },
  }
}

function howToConnect({ httpUrl, mqttUrl, apiKey }: DemoViewOptions): string {
  const { hostname, port } = new URL(mqttUrl)
  return [
    'Connect a device of your own:',
    `  curl -s -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '{"device":"my-ac","type":"air_conditioner"}' ${httpUrl}/api/v1/devices`,
    `  mosquitto_pub -h ${hostname} -p ${port} -q 1 -i home:my-ac -u home:my-ac -P SECRET -t mend/v1/home/my-ac/tele -m '{"seq":1,"boot":1,"ts":'$(date +%s000)',"v":{"power_w":820}}'`,
    `  curl -s -H 'Authorization: Bearer ${apiKey}' '${httpUrl}/api/v1/readings/raw?device=my-ac'`,
  ].join('\n')
}

async function look({ street, httpUrl, apiKey }: DemoViewOptions): Promise<Picture> {
  const read = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`${httpUrl}/api/v1${path}`, { headers: { authorization: `Bearer ${apiKey}` } })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return (await response.json()) as Answer
  }
  const list = async <Item>(path: string): Promise<Item[]> => (await read<{ items: Item[] }>(`${path}limit=${LOOK_LIMIT}`)).items
  const [status, diagnoses, orders, verified, emergencies] = await Promise.all([
    read<{ counts: Record<string, number> }>('/status'),
    list<Diagnosis>('/diagnoses?answer=fault&'),
    list<WorkOrder>('/work-orders?'),
    list<WorkOrder>('/work-orders?state=verified&'),
    list<Emergency>('/emergencies?'),
  ])
  return { street: street.status(), counts: status.counts, diagnoses, orders, verified, emergencies }
}

/** Keeps the newest of each type; the lists come newest first, so they are read from their end. */
function remember(seen: Map<string, OfType>, { street, diagnoses, orders }: Picture): void {
  for (const type of Object.keys(street.types)) if (!seen.has(type)) seen.set(type, {})
  for (const diagnosis of diagnoses.toReversed()) Object.assign(seen.get(diagnosis.type) ?? {}, { diagnosis })
  for (const order of orders.toReversed()) Object.assign(seen.get(order.type) ?? {}, { order })
}

const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const whole = (value: number | undefined): string => Math.round(value ?? 0).toLocaleString('en')
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`
const words = (type: string): string => type.replaceAll('_', ' ')
const several = (type: string): string => `${words(type)}s`
const one = (type: string): string => `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${words(type)}`

function block({ street, counts, verified, emergencies }: Picture, seen: ReadonlyMap<string, OfType>, { httpUrl }: DemoViewOptions): string[] {
  const pace = street.isLive ? 'now, in real time' : `${whole(street.speed)} times as fast as real time`
  const [danger] = emergencies
  const [proof] = verified
  return [
    `Street time   ${at(street.nowMs)} UTC, ${pace}`,
    `Units         ${Object.entries(street.types)
      .map(([type, units]) => `${units} ${several(type)}`)
      .join(', ')}`,
    `Readings      ${whole(counts.readings)} stored, ${whole(counts.connected)} units connected`,
    `Faults        ${street.faultsBegun} begun, ${street.faultsRepaired} repaired (the street's own truth, never sent)`,
    `Emergencies   ${danger === undefined ? 'none yet' : `${whole(counts.emergencies)}, the last: ${emergencyText(danger, street)}`}`,
    `Diagnoses     ${whole(counts.diagnoses)} of a fault; the last of each type, and its last work order:`,
    ...[...seen].flatMap(([type, found]) => typeLines(type, found)),
    `Work orders   ${whole(counts.work_orders)} opened, ${whole(counts.work_orders_open)} open`,
    `Visits        ${street.visits.named} found what the order named, ${street.visits.other} another fault, ${street.visits.nothing} none`,
    `Verified      ${proof === undefined ? 'no repair yet' : verifiedText(proof)}`,
    `Webhooks      ${whole(street.webhooks.received)} received by the service desk, ${street.webhooks.refused} refused`,
    '',
    `Look at it    ${httpUrl}/   (key: dev)     Ctrl-C ends`,
  ]
}

/** Always three lines, so that the block keeps its height. */
function typeLines(type: string, { diagnosis, order }: OfType): string[] {
  return [
    `  ${words(type).padEnd(18)}${diagnosis === undefined ? 'no diagnosis yet' : diagnosisText(diagnosis)}`,
    `  ${''.padEnd(18)}${diagnosis?.evidence_for[0] === undefined ? '' : evidenceText(diagnosis.evidence_for[0])}`,
    `  ${''.padEnd(18)}${order === undefined ? '' : `order: ${orderText(order)}, ${order.state.replaceAll('_', ' ')}`}`,
  ]
}

const diagnosisText = ({ device, fault, fault_name, probability }: Diagnosis): string =>
  `${device}: ${fault ?? ''} ${fault_name}, ${percent(probability)}`

function evidenceText({ text, observed, expected, unit }: Diagnosis['evidence_for'][number]): string {
  if (observed === null || expected === null) return `because ${text}`
  const label = unit in UNITS ? UNITS[unit as Unit].label : unit
  return `because ${text}: ${observed.toFixed(1)} instead of ${expected.toFixed(1)} ${label}`.trimEnd()
}

function orderText({ device, fault, packet }: WorkOrder): string {
  const parts = packet.parts.map(({ name, probability }) => `${name} (${percent(probability)})`).join(', ')
  return `${device}, ${fault ?? 'unknown fault'} ${packet.fault_name}; ${parts === '' ? 'no part needed' : `parts ${parts}`}`
}

const emergencyText = ({ device, safety_class, title }: Emergency, { typeOf }: StreetStatus): string =>
  `${safety_class} ${words(typeOf.get(device) ?? 'appliance')} ${device}: ${title}`

const verifiedText = ({ device, type, fault, outcome }: WorkOrder): string =>
  `${words(type)} ${device}: ordered for ${fault ?? 'an unknown fault'}, found ${outcome?.cause ?? 'nothing'}; a later window is without fault`

/** What is said once where there is no terminal: the first of each kind and, of what has one, of each type. */
function firsts({ street, counts, diagnoses, orders, verified, emergencies }: Picture): Array<readonly [name: string, text: string]> {
  const said: Array<readonly [string, string]> = []
  if ((counts.readings ?? 0) > 0) {
    const units = Object.entries(street.types).map(([type, count]) => `${count} ${several(type)}`)
    said.push(['readings', `readings are stored of ${units.join(', ')}; street time ${at(street.nowMs)} UTC`])
  }
  for (const emergency of emergencies.toReversed()) said.push([`emergency ${emergency.device}`, `EMERGENCY: ${emergencyText(emergency, street)}`])
  for (const diagnosis of diagnoses.toReversed()) {
    const because = diagnosis.evidence_for.slice(0, 2).map(evidenceText).join('; ')
    said.push([`diagnosis ${diagnosis.type}`, `first diagnosis of ${one(diagnosis.type)}: ${diagnosisText(diagnosis)}, ${because}`])
  }
  for (const order of orders.toReversed()) said.push([`order ${order.type}`, `first work order for ${one(order.type)}: ${orderText(order)}`])
  if (street.webhooks.received > 0) said.push(['webhook', 'first webhook received by the service desk, signature checked'])
  if (street.faultsRepaired > 0) said.push(['repair', 'first repair reported back by the service desk'])
  for (const order of verified.toReversed()) said.push([`verified ${order.type}`, `first verified repair: ${verifiedText(order)}`])
  if (street.isLive) said.push(['live', liveText(street, counts)])
  return said
}

function liveText({ visits, confusers, webhooks }: StreetStatus, counts: Picture['counts']): string {
  const harmless = Object.entries(confusers).map(([name, times]) => `${name.replaceAll('_', ' ')} ${times}`)
  return [
    `street time has come to now; ${whole(counts.readings)} readings, ${whole(counts.diagnoses)} diagnoses, ${whole(counts.work_orders)} work orders, ${whole(webhooks.received)} webhooks`,
    `visits: ${visits.named} found what the order named, ${visits.other} another fault, ${visits.nothing} none`,
    `what looked like a fault and was none: ${harmless.join(', ')}`,
  ].join('\n')
}
