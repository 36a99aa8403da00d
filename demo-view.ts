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

interface Picture {
  readonly street: StreetStatus
  readonly counts: Readonly<Record<string, number>>
  readonly diagnosis: Diagnosis | undefined
  readonly order: WorkOrder | undefined
  readonly finished: WorkOrder | undefined
}

const REDRAW_MS = 500
const WIDTH_MAX = 110

/** Creates the view; it draws between `start` and `stop`. */
export function createDemoView(options: DemoViewOptions): DemoView {
  const { output, clock } = options
  const milestones = new Set<string>()
  let isStopped = false
  let drawnLines = 0

  const draw = async (): Promise<void> => {
    const picture = await look(options).catch(() => undefined)
    if (isStopped || picture === undefined) return
    if (output.isTTY === true) {
      const lines = block(picture, options).map((line) => line.slice(0, (output.columns ?? WIDTH_MAX) - 1))
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
  const [status, diagnoses, orders, finished] = await Promise.all([
    read<{ counts: Record<string, number> }>('/status'),
    read<{ items: Diagnosis[] }>('/diagnoses?answer=fault&limit=1'),
    read<{ items: WorkOrder[] }>('/work-orders?limit=1'),
    read<{ items: WorkOrder[] }>('/work-orders?state=done&limit=1'),
  ])
  return { street: street.status(), counts: status.counts, diagnosis: diagnoses.items[0], order: orders.items[0], finished: finished.items[0] }
}

const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const whole = (value: number | undefined): string => Math.round(value ?? 0).toLocaleString('en')
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`

function block({ street, counts, diagnosis, order, finished }: Picture, { httpUrl }: DemoViewOptions): string[] {
  const pace = street.isLive ? 'now, in real time' : `${whole(street.speed)} times as fast as real time`
  return [
    `Street time   ${at(street.nowMs)} UTC, ${pace}`,
    `Readings      ${whole(counts.readings)} stored of ${whole(street.units)} units, ${whole(counts.connected)} connected`,
    `Faults        ${street.faultsBegun} begun, ${street.faultsRepaired} repaired (the street's own truth, never sent)`,
    `Diagnoses     ${whole(counts.diagnoses)}`,
    ...diagnosisLines(diagnosis),
    `Work orders   ${whole(counts.work_orders)} opened, ${whole(counts.work_orders_open)} open`,
    ...orderLines(order),
    `Webhooks      ${whole(street.webhooks.received)} received by the service desk, ${street.webhooks.refused} refused`,
    finished?.outcome === undefined || finished.outcome === null
      ? ''
      : `Last outcome  ${finished.device}: ${finished.outcome.cause}, ordered for ${finished.fault}`,
    '',
    `Look at it    ${httpUrl}/   (key: dev)     Ctrl-C ends`,
  ]
}

function diagnosisLines(diagnosis: Diagnosis | undefined): string[] {
  if (diagnosis === undefined) return ['              none yet', '', '']
  const evidence = diagnosis.evidence_for.slice(0, 2).map(evidenceText)
  return [
    `              ${diagnosis.device}: ${diagnosis.fault} ${diagnosis.fault_name}, ${percent(diagnosis.probability)}`,
    ...evidence.map((text) => `              ${text}`),
    ...['', ''].slice(evidence.length),
  ]
}

function evidenceText({ text, observed, expected, unit }: Diagnosis['evidence_for'][number]): string {
  if (observed === null || expected === null) return `because ${text}`
  const label = unit in UNITS ? UNITS[unit as Unit].label : unit
  return `because ${text}: ${observed.toFixed(1)} instead of ${expected.toFixed(1)} ${label}`.trimEnd()
}

function orderLines(order: WorkOrder | undefined): string[] {
  if (order === undefined) return ['              none yet']
  const parts = order.packet.parts.map(({ part, probability }) => `${part} (${percent(probability)})`).join(', ')
  return [`              ${order.device}: ${order.fault}, ${order.state}; parts ${parts === '' ? 'none' : parts}`]
}

/** What is said once where there is no terminal. */
function firsts({ street, counts, diagnosis, order }: Picture): Array<readonly [name: string, text: string]> {
  const said: Array<readonly [string, string]> = []
  if ((counts.readings ?? 0) > 0) said.push(['readings', `readings are stored; street time ${at(street.nowMs)} UTC`])
  if (diagnosis !== undefined) {
    const because = diagnosis.evidence_for.slice(0, 3).map(evidenceText).join('; ')
    said.push([
      'diagnosis',
      `first diagnosis: ${diagnosis.device} has ${diagnosis.fault} ${diagnosis.fault_name} (${percent(diagnosis.probability)}), ${because}`,
    ])
  }
  if (order !== undefined) said.push(['order', `first work order: ${order.work_order_id} for ${order.device}, ${order.fault}, state ${order.state}`])
  if (street.webhooks.received > 0) said.push(['webhook', `first webhook received by the service desk, signature checked`])
  if (street.faultsRepaired > 0) said.push(['repair', 'first repair reported back by the service desk'])
  if (street.isLive)
    said.push([
      'live',
      `street time has come to now; ${whole(counts.readings)} readings, ${whole(counts.diagnoses)} diagnoses, ${whole(counts.work_orders)} work orders, ${whole(street.webhooks.received)} webhooks`,
    ])
  return said
}
