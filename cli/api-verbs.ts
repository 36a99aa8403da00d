/** Verbs over the HTTP API: devices, readings, diagnoses, work orders and quarantine of a running server. */
import type { Command } from 'commander'
import { type Client, type ClientFlags, createClient, show } from './client.ts'
import { timeOf } from './times.ts'

interface ListFlags extends ClientFlags {
  readonly limit?: string
  readonly cursor?: string
  readonly tenant?: string
  readonly device?: string
}

export function apiVerbs(program: Command): void {
  deviceVerbs(program.command('devices').description('list, add, rotate and revoke devices'))
  readingVerb(program)
  list(program.command('diagnoses').description('list diagnoses'), '/diagnoses', [
    'made_at_ms',
    'device',
    'fault',
    'fault_name',
    'probability',
    'answer',
  ])
  anomalyVerb(program)
  orderVerbs(program.command('workorders').description('list and show work orders'))
  list(program.command('quarantine').description('list what was kept out'), '/quarantine', [
    'id',
    'received_at_ms',
    'device',
    'code',
    'field',
    'reason',
  ])
}

/** Adds the flags of every client verb. */
export function client(command: Command): Command {
  return command
    .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
    .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
    .option('--tenant <id>', "another tenant than the key's own")
    .option('--json', 'print JSON')
}

/** Lists that can be narrowed to one device. */
const OF_DEVICES: ReadonlySet<string> = new Set(['/diagnoses', '/work-orders', '/quarantine'])

/** Makes `command` print one page of a list; `list` as a word behind it does the same. */
export function list(command: Command, path: string, columns: readonly string[]): void {
  const add = (target: Command): Command =>
    (OF_DEVICES.has(path) ? client(target).option('--device <id>', 'of one device') : client(target))
      .option('--limit <n>', 'records in one page')
      .option('--cursor <cursor>', '`next` of the page before')
      .action(async (_: unknown, self: Command) => {
        const flags = self.optsWithGlobals<ListFlags>()
        const { limit, cursor, tenant, device } = flags
        show(flags, await createClient(flags).send('GET', `${path}${query({ limit, cursor, tenant, device })}`), columns)
      })
  add(command.command('list', { isDefault: true }).description('list them'))
}

/** Fields that are set as the end of a path. */
export function query(fields: Readonly<Record<string, string | undefined>>): string {
  const set = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return set.length === 0 ? '' : `?${new URLSearchParams(set)}`
}

export type OneFlags = ClientFlags & { readonly tenant?: string }

/** Adds a verb on one record. */
export function one(
  parent: Command,
  name: string,
  description: string,
  act: (server: Client, id: string, suffix: string, flags: OneFlags) => Promise<void>,
): Command {
  return client(parent.command(name).description(description).argument('<id>')).action((id: string, flags: OneFlags) =>
    act(createClient(flags), encodeURIComponent(id), query({ tenant: flags.tenant }), flags),
  )
}

function anomalyVerb(program: Command): void {
  const columns = ['t', 'device', 'score', 'flagged', 'contributions']
  const command = client(
    program.command('anomalies').description('how far a device was from its own normal, see docs/learn-normal.md').argument('<device>'),
  )
  command
    .option('--from <time>', 'device time, epoch ms or ISO 8601')
    .option('--to <time>', 'device time, epoch ms or ISO 8601, not included')
    .option('--limit <n>', 'records in one page')
    .option('--cursor <cursor>', '`next` of the page before')
    .action(async (device: string, flags: ListFlags & { readonly from?: string; readonly to?: string }) => {
      const { limit, cursor, tenant, from, to } = flags
      const span = spanOf({ from, to })
      const answer = await createClient(flags).send('GET', `/anomalies${query({ device, ...span, limit, cursor, tenant })}`)
      const named = flags.json === true ? answer : { ...(answer as object), items: (answer as AnomalyPage).items.map(inWords) }
      show(flags, named, columns)
    })
}

/** Ends of a span as the API takes them. */
const spanOf = ({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }) => ({
  from_ms: from === undefined ? undefined : `${timeOf('--from', from)}`,
  to_ms: to === undefined ? undefined : `${timeOf('--to', to)}`,
})

interface AnomalyPage {
  readonly items: ReadonlyArray<{ readonly contributions: ReadonlyArray<{ readonly channel: string; readonly share: number }> }>
}

const inWords = (row: AnomalyPage['items'][number]): object => ({
  ...row,
  contributions: row.contributions.map(({ channel, share }) => `${channel} ${Math.round(100 * share)} %`),
})

function deviceVerbs(devices: Command): void {
  const columns = ['device', 'type', 'model', 'site', 'created_at_ms', 'revoked_at_ms']
  list(devices, '/devices', columns)
  one(devices, 'add', 'create a device; its secret is shown once', async (server, device, _suffix, flags) => {
    const { type, maxAgeDays, timeZone, tenant, household, building, outageArea, batch } = flags as OneFlags & {
      readonly type: string
      readonly maxAgeDays?: string
      readonly timeZone?: string
    } & Readonly<Partial<Record<'household' | 'building' | 'outageArea' | 'batch', string>>>
    const max_age_days = maxAgeDays === undefined ? undefined : Number(maxAgeDays)
    const groups = { household, building, outage_area: outageArea, batch }
    const body = { device: decodeURIComponent(device), type, tenant, ...groups, max_age_days, time_zone: timeZone }
    show(flags, await server.send('POST', '/devices', body), ['tenant', 'device', 'type', 'secret'])
  })
    .requiredOption('--type <type>', 'appliance type')
    .option('--household <id>', 'household that it stands in')
    .option('--building <id>', 'house that it stands in')
    .option('--outage-area <id>', 'what shares its supply or network')
    .option('--batch <id>', 'production batch')
    .option('--max-age-days <n>', 'how far behind the receipt its clock may be')
    .option('--time-zone <name>', 'IANA time zone, e.g. Europe/Berlin')
  one(devices, 'rotate', 'make a new secret; the old one stays valid for a while', async (server, device, _suffix, flags) => {
    const { tenant, end } = flags as OneFlags & { readonly end?: string }
    show(flags, await server.send('POST', `/devices/${device}/secret${query({ tenant, end })}`), ['device', 'secret'])
  }).option('--end <older|newer>', 'which secret ends now, where two are valid already')
  one(devices, 'revoke', 'end the secrets and sessions of a device', async (server, device, suffix) => {
    await server.send('DELETE', `/devices/${device}${suffix}`)
    console.log('revoked')
  })
}

function readingVerb(program: Command): void {
  one(program, 'readings', 'show the readings of a device in buckets', async (server, device, _suffix, flags) => {
    const { channels, from, to, points, tier, tenant } = flags as OneFlags &
      Readonly<Record<'channels' | 'from' | 'to' | 'points' | 'tier', string | undefined>>
    const span = { ...spanOf({ from, to }), max_points: points, tier }
    const path = `/readings${query({ device: decodeURIComponent(device), channels, ...span, tenant })}`
    show(flags, await server.send('GET', path), ['t', 'channel', 'mean', 'min', 'max', 'n'])
  })
    .option('--channels <names>', 'separated by commas')
    .option('--from <time>', 'epoch ms or ISO 8601')
    .option('--to <time>', 'epoch ms or ISO 8601')
    .option('--points <n>', 'most buckets a channel', '24')
    .option('--tier <tier>', 'auto, raw, hourly or daily (local days of the device)')
}

function orderVerbs(orders: Command): void {
  const columns = ['work_order_id', 'opened_at_ms', 'device', 'fault', 'safety_class', 'state']
  list(orders, '/work-orders', columns)
  one(orders, 'show', 'show a work order with its packet', async (server, id, suffix) => {
    console.log(JSON.stringify(await server.send('GET', `/work-orders/${id}${suffix}`), null, 2))
  })
}
