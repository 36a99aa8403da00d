/**
 * `mendline models`: the registry of models of a running server. `add` brings an ONNX file with its manifest and parity file, `shadow` lets
 * a model look on, `report` says what came of it, `promote` and `rollback` change what is in force, `train` makes a candidate of stored readings.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { type ErrorCode, MendlineError } from '#kernel/errors.ts'
import { MODEL_BYTES_MAX } from '../models/artefact.ts'
import { type ClientFlags, createClient, show as printAnswer } from './client.ts'
import { timeOf } from './times.ts'

type Flags = ClientFlags & { readonly tenant?: string }

interface CostFlags extends Flags {
  readonly currency?: string
  readonly falseAlarm?: string
  readonly wrongName?: string
  readonly missed?: string
  readonly budget?: string
}

const ASK_EVERY_MS = 1_000

export function modelVerbs(program: Command): void {
  const models = program.command('models').description('models: list, bring your own, train, shadow, promote, roll back (docs/models.md)')
  const verb = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
      .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
      .option('--tenant <id>', "another tenant than the key's own")
      .option('--json', 'print JSON')
  const costly = (command: Command): Command =>
    command
      .option('--currency <code>', 'currency of the costs', 'EUR')
      .option('--false-alarm <minor>', 'cost of a visit that finds nothing, in minor units')
      .option('--wrong-name <minor>', 'cost of a second visit')
      .option('--missed <minor>', 'cost of a fault that the household had to find')
      .option('--budget <alerts>', 'alerts per 1,000 units and week')
  verb('list', 'list models').action(list)
  verb('show', 'card and history of a model').argument('<version>').action(show)
  verb('features', 'names of the inputs that a model may have').argument('<type>').action(features)
  verb('add', 'bring a model of your own').argument('<file>', 'ONNX file').requiredOption('--manifest <file>', 'YAML or JSON').action(add)
  verb('train', 'train a model from stored readings and labels')
    .requiredOption('--type <type>')
    .option('--from <time>', 'epoch ms or ISO 8601; everything when absent')
    .option('--to <time>', 'epoch ms or ISO 8601, not included; now when absent')
    .option('--labels <file>', 'CSV device,from,to,fault; absent: the outcomes of visits')
    .option('--only-labelled', 'time that no label speaks of does not count as without fault')
    .action(train)
  verb('shadow', 'let a model look on beside the live one').argument('<version>').option('--stop', 'end that').action(shadow)
  costly(verb('report', 'what a shadow did beside the live model').argument('<version>')).action(report)
  costly(verb('promote', 'put a model into force').argument('<version>'))
    .option('--force', 'although it is worse, or nobody knows; stands in the history')
    .option('--reason <text>', 'stands in the history', '')
    .action(promote)
  verb('rollback', 'go back to the model before').argument('<type>').option('--reason <text>', 'stands in the history', '').action(rollBack)
  verb('drift', 'what models see now against what they were made for').action(drift)
  verb('history', 'who changed what and why').action(history)
}

const query = (flags: Flags, more: Readonly<Record<string, string | undefined>> = {}): string => {
  const given = Object.entries({ tenant: flags.tenant, ...more }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

const COLUMNS = ['version', 'type', 'state', 'source', 'algorithm']
const print = (value: unknown): void => console.log(JSON.stringify(value, null, 2))

async function items(path: string, flags: Flags, columns: readonly string[]): Promise<void> {
  printAnswer(flags, await createClient(flags).send('GET', `${path}${query(flags)}`), columns)
}

const list = (flags: Flags): Promise<void> => items('/models', flags, COLUMNS)
const drift = (flags: Flags): Promise<void> =>
  items('/models/drift', flags, ['model', 'firmware', 'season', 'unit_weeks', 'of', 'psi', 'limit', 'is_drifting', 'against'])
const history = (flags: Flags): Promise<void> =>
  items('/models/history', flags, ['move', 'kind', 'version', 'from_state', 'to_state', 'actor', 'reason', 'is_forced'])

async function show(version: string, flags: Flags): Promise<void> {
  print(await createClient(flags).send('GET', `/models/${encodeURIComponent(version)}${query(flags)}`))
}

async function features(type: string, flags: Flags): Promise<void> {
  const answer = (await createClient(flags).send('GET', `/models/features${query(flags, { type })}`)) as { features: string[]; classes: string[] }
  if (flags.json === true) print(answer)
  else console.log(`features: ${answer.features.join(' ')}\nclasses: ${answer.classes.join(' ')}`)
}

async function add(path: string, flags: Flags & { readonly manifest: string }): Promise<void> {
  const manifest = await readDocument(flags.manifest)
  const named = typeof manifest === 'object' && manifest !== null && 'parity' in manifest ? manifest.parity : undefined
  if (typeof named !== 'string') throw new MendlineError('MDL_MODEL_INVALID', `${flags.manifest}: parity must name the parity file`)
  const parity = await readDocument(resolve(dirname(flags.manifest), named))
  const model = await readFile(path).catch((cause: unknown) => unreadable(path, cause))
  if (model.byteLength > MODEL_BYTES_MAX)
    throw new MendlineError('MDL_MODEL_INVALID', `${path} has ${model.byteLength} bytes, a model may have ${MODEL_BYTES_MAX}`)
  done(await createClient(flags).send('POST', `/models${query(flags)}`, { manifest, parity, model: model.toString('base64') }), flags)
}

async function shadow(version: string, flags: Flags & { readonly stop?: boolean }): Promise<void> {
  done(await createClient(flags).send('POST', `/models/${encodeURIComponent(version)}/shadow${query(flags)}`, { on: flags.stop !== true }), flags)
}

async function promote(version: string, flags: CostFlags & { readonly force?: boolean; readonly reason: string }): Promise<void> {
  const costs = Object.fromEntries(Object.entries(costsOf(flags)).map(([name, value]) => [name, name === 'currency' ? value : Number(value)]))
  const body = { force: flags.force === true, reason: flags.reason, costs }
  done(await createClient(flags).send('POST', `/models/${encodeURIComponent(version)}/promote${query(flags)}`, body), flags)
}

async function rollBack(type: string, flags: Flags & { readonly reason: string }): Promise<void> {
  done(await createClient(flags).send('POST', `/models/rollback${query(flags)}`, { type, reason: flags.reason }), flags)
}

async function report(version: string, flags: CostFlags): Promise<void> {
  print(await createClient(flags).send('GET', `/models/${encodeURIComponent(version)}/report${query(flags, costsOf(flags))}`))
}

const costsOf = ({ currency, falseAlarm, wrongName, missed, budget }: CostFlags): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ currency, false_alarm: falseAlarm, wrong_name: wrongName, missed, alert_budget_per_1000_unit_weeks: budget }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )

const done = (answer: unknown, flags: Flags): void => printAnswer(flags, answer, COLUMNS)

interface TrainFlags extends Flags {
  readonly type: string
  readonly from?: string
  readonly to?: string
  readonly labels?: string
  readonly onlyLabelled?: boolean
}

interface Training {
  readonly job_id: string
  readonly state: string
  readonly progress: object | null
  readonly report: { readonly version?: string; readonly code?: ErrorCode; readonly message?: string } | null
}

async function train(flags: TrainFlags): Promise<void> {
  const client = createClient(flags)
  const labels =
    flags.labels === undefined ? undefined : await readFile(flags.labels, 'utf8').catch((cause: unknown) => unreadable(flags.labels ?? '', cause))
  const body = {
    type: flags.type,
    from_ms: flags.from === undefined ? 0 : timeOf('--from', flags.from),
    // The server's own clock decides what is there.
    to_ms: flags.to === undefined ? Date.now() : timeOf('--to', flags.to),
    ...(labels === undefined ? {} : { labels }),
    assume_healthy: flags.onlyLabelled !== true,
  }
  let job = (await client.send('POST', `/models/trainings${query(flags)}`, body)) as Training
  let said = ''
  while (job.state === 'waiting' || job.state === 'running') {
    await sleep(ASK_EVERY_MS)
    job = (await client.send('GET', `/models/trainings/${job.job_id}${query(flags)}`)) as Training
    const text = JSON.stringify(job.progress)
    if (text !== said && job.progress !== null) console.error(text)
    said = text
  }
  if (job.state !== 'done') throw new MendlineError(job.report?.code ?? 'MDL_MODEL_TRAINER', job.report?.message ?? 'the training failed')
  if (flags.json === true) print(job.report)
  else console.log(`registered ${job.report?.version} as a candidate; next: mendline models shadow ${job.report?.version}`)
}

async function readDocument(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => unreadable(path, cause))
  try {
    return path.endsWith('.json') ? JSON.parse(text) : parse(text)
  } catch (cause) {
    throw new MendlineError('MDL_MODEL_INVALID', `${path} is neither YAML nor JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

const unreadable = (path: string, cause: unknown): never => {
  throw new MendlineError('MDL_MODEL_INVALID', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}
