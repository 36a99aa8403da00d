/**
 * Verbs over rules and alarms of a running server: versions with their differences, trial, promotion and roll-back, why a rule fired or not,
 * backtests over stored days, and what people do with alarms.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { MendlineError } from '#kernel/errors.ts'
import { type ClientFlags, createClient, show } from './client.ts'

type Flags = ClientFlags & Readonly<Partial<Record<string, string>>> & { readonly json?: boolean }

export function ruleVerbs(program: Command): void {
  const rules = program.command('rules').description('list, save, compare, try, promote and roll back rules')
  client(rules.command('list', { isDefault: true }).description('list rules with what is in force')).action(async (flags: Flags) =>
    show(flags, await get(flags, '/rules'), ['rule_id', 'type', 'live_version', 'canary_version', 'canary_share_pct', 'safety_class', 'title']),
  )
  client(rules.command('versions').description('versions of a rule').argument('<id>')).action(async (id: string, flags: Flags) =>
    show(flags, await get(flags, `/rules/${encodeURIComponent(id)}/versions`), ['version', 'origin', 'created_at_ms', 'created_by', 'note']),
  )
  client(
    rules.command('show').description('print a version as a document to edit').argument('<id>').option('--of <version>', 'the newest when absent'),
  ).action(async (id: string, flags: Flags) => {
    const { items } = (await get(flags, `/rules/${encodeURIComponent(id)}/versions`)) as {
      items: ReadonlyArray<{ version: number; document: object }>
    }
    const found = flags.of === undefined ? items.at(-1) : items.find(({ version }) => version === Number(flags.of))
    if (found === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `rule ${id} has no version ${flags.of}`)
    console.log(JSON.stringify(found.document, null, 2))
  })
  client(rules.command('diff').description('fields in which two versions differ').argument('<id>').argument('<from>').argument('<to>')).action(
    async (id: string, from: string, to: string, flags: Flags) =>
      show(flags, await get(flags, `/rules/${encodeURIComponent(id)}/diff`, { from, to }), ['field', 'before', 'after']),
  )
  client(
    rules
      .command('put')
      .description('save a version from a JSON document; nothing uses it yet')
      .argument('<id>')
      .argument('<file>')
      .option('--note <text>', 'why'),
  ).action(async (id: string, file: string, flags: Flags) => {
    const body = { rule: await readDocument(file), ...(flags.note === undefined ? {} : { note: flags.note }) }
    show(flags, await post(flags, `/rules/${encodeURIComponent(id)}/versions`, body), ['rule_id', 'version', 'created_at_ms'])
  })
  client(
    rules
      .command('activate')
      .description('put a version into force')
      .argument('<id>')
      .argument('<version>')
      .option('--share <pct>', 'try it on this share of the units')
      .option('--reason <text>', 'why'),
  ).action(async (id: string, version: string, flags: Flags) => {
    const share = flags.share === undefined ? {} : { share_pct: Number(flags.share) }
    show(flags, await post(flags, `/rules/${encodeURIComponent(id)}/activate`, { version: Number(version), ...share, reason: flags.reason ?? '' }), [
      'rule_id',
      'live_version',
      'canary_version',
      'canary_share_pct',
    ])
  })
  client(rules.command('rollback').description('take back the last trial or promotion').argument('<id>').option('--reason <text>', 'why')).action(
    async (id: string, flags: Flags) =>
      show(flags, await post(flags, `/rules/${encodeURIComponent(id)}/rollback`, { reason: flags.reason ?? '' }), [
        'rule_id',
        'live_version',
        'canary_version',
      ]),
  )
  whyVerb(program)
  backtestVerb(program)
  alarmVerbs(program)
}

function whyVerb(program: Command): void {
  client(
    program
      .command('why')
      .description('why a rule did or did not fire on a unit')
      .argument('<rule>')
      .argument('<device>')
      .option('--at <time>', 'epoch ms or ISO 8601; now when absent'),
  ).action(async (rule: string, device: string, flags: Flags) => {
    const at_ms = String(flags.at === undefined ? Date.now() : instantOf(flags.at))
    const why = (await get(flags, `/rules/${encodeURIComponent(rule)}/why`, { device, at_ms })) as {
      verdict: string
      reason: string
      rule_version: number
      conditions: readonly object[]
    }
    if (flags.json === true) return show(flags, why, [])
    console.log(`${rule}@${why.rule_version} on ${device}: ${why.verdict}, ${why.reason}`)
    show(flags, { items: why.conditions }, ['condition', 'value', 'unit', 'holds'])
  })
}

function backtestVerb(program: Command): void {
  client(
    program.command('backtest').description('try rules on stored days; without a rule, those in force against what happened live').argument('[rule]'),
  )
    .requiredOption('--from <time>', 'epoch ms or ISO 8601')
    .requiredOption('--to <time>', 'epoch ms or ISO 8601')
    .option('--of <version>', 'version of the rule; the one in force when absent')
    .option('--file <path>', 'a version that is not saved, as a JSON document')
    .option('--model <version>', 'try a version of the model of --type instead; live: the one in force')
    .option('--type <type>', 'only units of this type')
    .option('--device <id>', 'only this unit')
    .option('--visit-cost <minor>', 'cost of a visit in minor units of the currency')
    .action(async (rule: string | undefined, flags: Flags) => {
      const { of, file, model, type, device, visitCost } = flags
      const which = {
        ...(rule === undefined ? {} : { rule_id: rule }),
        ...(model === undefined ? {} : { model }),
        ...(of === undefined ? {} : { version: Number(of) }),
        ...(file === undefined ? {} : { rule: await readDocument(file) }),
      }
      const where = {
        ...(type === undefined ? {} : { type }),
        ...(device === undefined ? {} : { device }),
        ...(visitCost === undefined ? {} : { visit_cost: Number(visitCost) }),
      }
      const body = { from_ms: instantOf(flags.from ?? ''), to_ms: instantOf(flags.to ?? ''), ...which, ...where }
      let job = (await post(flags, '/backtests', body)) as Job
      while (job.state === 'waiting' || job.state === 'running') {
        await pause(500)
        job = (await get(flags, `/backtests/${job.job_id}`)) as Job
        if (job.progress !== null && process.stderr.isTTY) process.stderr.write(`\r${Math.round(100 * (job.progress.done ?? 0))} %`)
      }
      if (process.stderr.isTTY) process.stderr.write('\r')
      if (job.state !== 'done') throw new MendlineError('MDL_JOB_BROKEN_OFF', job.report.message ?? 'the backtest failed')
      if (flags.json === true) return show(flags, job.report, [])
      const { fires: _fires, told: _told, rule: _rule, by_rule, by_answer, ...rest } = job.report
      for (const [name, value] of Object.entries(rest)) console.log(`${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
      if (by_answer === undefined) show(flags, { items: by_rule ?? [] }, ['rule', 'version', 'fires', 'units'])
      else show(flags, { items: by_answer }, ['answer', 'diagnoses', 'units'])
    })
}

interface Job {
  readonly job_id: string
  readonly state: string
  readonly progress: { readonly done?: number } | null
  readonly report: {
    readonly message?: string
    readonly fires?: unknown
    readonly rule?: unknown
    readonly by_rule?: readonly object[]
    readonly told?: unknown
    readonly by_answer?: readonly object[]
  }
}

function alarmVerbs(program: Command): void {
  const alarms = program.command('alarms').description('list alarms and their groups; acknowledge, assign, snooze')
  const columns = ['raised_at_ms', 'alarm_id', 'device', 'rule', 'rule_version', 'safety_class', 'title', 'cleared_at_ms']
  client(alarms.command('list', { isDefault: true }).description('list them, newest first').option('--device <id>', 'of one device')).action(
    async (flags: Flags) => show(flags, await get(flags, '/alarms', flags.device === undefined ? {} : { device: flags.device }), columns),
  )
  client(alarms.command('groups').description('groups of alarms that one cause explains')).action(async (flags: Flags) =>
    show(flags, await get(flags, '/alarm-groups'), ['from_ms', 'cause', 'scope', 'scope_value', 'alarms', 'units', 'population', 'safety_class']),
  )
  const handle = (name: string, description: string, argument: string | undefined, change: (value: string) => object): void => {
    const command = client(alarms.command(name).description(description).argument('<id>'))
    if (argument !== undefined) command.argument(argument)
    command.action(async (id: string, ...rest: unknown[]) => {
      const flags = rest[argument === undefined ? 0 : 1] as Flags
      const answer = await post(flags, `/alarms/${encodeURIComponent(id)}/handling`, change(argument === undefined ? '' : String(rest[0])))
      show(flags, answer, ['alarm_id', 'acknowledged_at_ms', 'acknowledged_by', 'assigned_to', 'snoozed_until_ms'])
    })
  }
  handle('ack', 'acknowledge an alarm', undefined, () => ({ acknowledge: true }))
  handle('assign', 'assign an alarm', '<who>', (assign_to) => ({ assign_to }))
  handle('snooze', 'let the rule open no order on the unit until a time', '<until>', (until) => ({ snooze_until_ms: instantOf(until) }))
  const windows = program.command('maintenance').description('list, plan and end maintenance windows')
  client(windows.command('list', { isDefault: true }).description('windows that are not over')).action(async (flags: Flags) =>
    show(flags, await get(flags, '/maintenance-windows'), ['window_id', 'scope', 'scope_value', 'from_ms', 'to_ms', 'reason']),
  )
  client(
    windows
      .command('plan')
      .description('alarms of these units open no orders meanwhile; dangers do')
      .argument('<scope>', 'all, unit, household, building, outage_area, site, batch or firmware')
      .argument('<value>')
      .argument('<from>')
      .argument('<to>')
      .option('--reason <text>', 'why'),
  ).action(async (scope: string, scope_value: string, from: string, to: string, flags: Flags) => {
    const body = { scope, scope_value, from_ms: instantOf(from), to_ms: instantOf(to), reason: flags.reason ?? '' }
    show(flags, await post(flags, '/maintenance-windows', body), ['window_id', 'scope', 'scope_value', 'from_ms', 'to_ms'])
  })
  client(windows.command('end').description('take a window back').argument('<id>')).action(async (id: string, flags: Flags) => {
    await createClient(flags).send('DELETE', `/maintenance-windows/${encodeURIComponent(id)}${query({ tenant: flags.tenant })}`)
    console.log('ended')
  })
}

const client = (command: Command): Command =>
  command
    .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
    .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
    .option('--tenant <id>', "another tenant than the key's own")
    .option('--json', 'print JSON')

const get = (flags: Flags, path: string, fields: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  createClient(flags).send('GET', `${path}${query({ ...fields, tenant: flags.tenant })}`)

const post = (flags: Flags, path: string, body: object): Promise<unknown> =>
  createClient(flags).send('POST', `${path}${query({ tenant: flags.tenant })}`, body)

function query(fields: Readonly<Record<string, string | undefined>>): string {
  const set = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return set.length === 0 ? '' : `?${new URLSearchParams(set)}`
}

/** Epoch ms of a number or of ISO 8601. */
function instantOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(ms)) throw new MendlineError('MDL_CONFIG_INVALID', `${text} is no time: give epoch milliseconds or ISO 8601`)
  return ms
}

async function readDocument(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MendlineError('MDL_CONFIG_INVALID', `${path} cannot be read`, { cause })
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MendlineError('MDL_CONFIG_INVALID', `${path} is no JSON`, { cause })
  }
}
