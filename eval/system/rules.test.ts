/** Rules through the doors of a whole platform: a device sends over MQTT, people ask why, try versions on what is stored, and put them into force. */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Platform } from '../../main.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MINUTE_MS = 60_000
const folder = mkdtempSync(join(tmpdir(), 'mendline-rules-'))
const beginMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 40 * MINUTE_MS
let platform: Platform

const get = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await callApi(platform, { method: 'GET', path })) as Record<string, unknown>
const post = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
  JSON.parse(await callApi(platform, { method: 'POST', path, body })) as Record<string, unknown>
const refused = async (path: string, body: unknown): Promise<{ status: number; text: string }> => {
  const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
  const response = await fetch(`${platform.httpUrl}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, text: await response.text() }
}

/** Why a GET is refused. */
const reasonOf = async (path: string): Promise<string> => {
  const response = await fetch(`${platform.httpUrl}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })
  return ((await response.json()) as { detail: string }).detail
}

/** Starts that take too long from minute 20 on. */
async function sendReadings(): Promise<void> {
  const created = (await post('/devices', { device: 'ac-1', type: 'air_conditioner' })) as { secret: string }
  const name = 'home:ac-1'
  const client = await mqtt.connectAsync(platform.mqttUrl, { clientId: name, username: name, password: created.secret })
  for (let minute = 0; minute < 36; minute++) {
    const v = { start_duration_ms: minute < 20 ? 300 : 1_000, mains_voltage_v: 230 }
    await client.publishAsync('mend/v1/home/ac-1/tele', JSON.stringify({ ts: beginMs + minute * MINUTE_MS, seq: minute, boot: 1, v }), { qos: 1 })
  }
  await client.endAsync()
}

async function backtest(wanted: object): Promise<Record<string, unknown>> {
  const { job_id } = await post('/backtests', { from_ms: beginMs, to_ms: beginMs + 30 * MINUTE_MS, ...wanted })
  await expect.poll(async () => (await get(`/backtests/${job_id}`)).state, { timeout: 20_000 }).toBe('done')
  return (await get(`/backtests/${job_id}`)).report as Record<string, unknown>
}

/** Runs a verb of the command line against the platform; gives what it printed, or what it said was wrong. */
const verb = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const { httpUrl } = platform
    execFile(process.execPath, ['cli.ts', ...args, '--url', httpUrl, '--key', 'dev'], { cwd: ROOT }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })

beforeAll(async () => {
  platform = await startDevPlatform(folder)
  await sendReadings()
}, 60_000)
afterAll(async () => {
  await platform.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('rules through the API', { timeout: 120_000 }, () => {
  it('says why a rule fired and why it did not, with values', async () => {
    expect(await get(`/rules/AC-R04/why?device=ac-1&at_ms=${beginMs + 10 * MINUTE_MS}`)).toMatchObject({
      verdict: 'does not hold',
      rule_version: 1,
      conditions: [
        { value: 300, unit: 'ms', holds: false },
        { value: 230, holds: true },
      ],
    })
    expect(await get(`/rules/AC-R04/why?device=ac-1&at_ms=${beginMs + 25 * MINUTE_MS}`)).toMatchObject({
      verdict: 'fired',
      raised_at_ms: beginMs + 20 * MINUTE_MS,
    })
    expect(await get(`/rules/AC-R71/why?device=ac-1&at_ms=${beginMs + 25 * MINUTE_MS}`)).toMatchObject({ verdict: 'unknown' })
  })

  it('backtests the rules in force as they were live', async () => {
    await expect.poll(async () => ((await get('/alarms')).items as unknown[]).length, { timeout: 20_000 }).toBe(1)
    expect(await backtest({})).toMatchObject({ is_equal: true, live_fires: 1, fires_count: 1, units: 1 })
  })

  it('shows with each alarm who acknowledged it, whom it is assigned to and until when it is quiet', async () => {
    const [{ alarm_id, ...untouched }] = (await get('/alarms')).items as [{ alarm_id: string }]
    expect(untouched).toMatchObject({ acknowledged_at_ms: null, acknowledged_by: null, assigned_to: null, snoozed_until_ms: null, quiet_by: null })
    expect((await verb('alarms', 'ack', alarm_id)).out).toContain(alarm_id)
    await post(`/alarms/${alarm_id}/handling`, { assign_to: 'Anna', snooze_until_ms: Date.UTC(2100, 0) })
    const expected = { acknowledged_by: expect.stringMatching(/dev/), assigned_to: 'Anna', snoozed_until_ms: Date.UTC(2100, 0) }
    expect((await get('/alarms')).items).toMatchObject([{ alarm_id, ...expected }])
    expect(await get(`/alarms/${alarm_id}`)).toMatchObject({ alarm_id, rule: 'AC-R04', ...expected })
    expect((await refused('/alarms/none/handling', { acknowledge: true })).status).toBe(404)
    expect(await verb('alarms', 'ack', 'none')).toMatchObject({ code: 1, err: expect.stringContaining('no alarm none') })
  })

  it('plans maintenance, asks why and backtests by the command line', async () => {
    const planned = await verb('maintenance', 'plan', 'unit', 'ac-1', '2026-01-01', '2100-01-01', '--reason', 'pumps')
    expect(planned).toMatchObject({ code: 0, out: expect.stringContaining('ac-1') })
    const [{ window_id }] = (await get('/maintenance-windows')).items as [{ window_id: string }]
    expect((await verb('maintenance', 'end', window_id)).code).toBe(0)
    expect((await get('/maintenance-windows')).items).toEqual([])
    expect((await verb('why', 'AC-R04', 'ac-1', '--at', String(beginMs + 25 * MINUTE_MS))).out).toContain('AC-R04@1 on ac-1: fired')
    const span = ['--from', String(beginMs), '--to', String(beginMs + 30 * MINUTE_MS)]
    expect((await verb('backtest', ...span)).out).toMatch(/is_equal: true/)
  })

  it('backtests the model in force, and refuses a version that is not there or a type that is not named', async () => {
    expect(await backtest({ model: 'live', type: 'air_conditioner' })).toMatchObject({ is_equal: true, diagnoses: 0, live_diagnoses: 0, units: 1 })
    const span = { from_ms: beginMs, to_ms: beginMs + MINUTE_MS }
    expect(await refused('/backtests', { ...span, model: 'live' })).toMatchObject({ status: 400, text: expect.stringContaining('body.type') })
    expect((await refused('/backtests', { ...span, model: 'none', type: 'air_conditioner' })).status).toBe(404)
    expect((await refused('/backtests', { ...span, model: 'live', type: 'air_conditioner', rule_id: 'AC-R04' })).status).toBe(400)
  })

  it('backtests a version that is not saved, and refuses one that cannot be, by field', async () => {
    const [{ document }] = (await get('/rules/AC-R04/versions')).items as [{ document: { when: { all: Array<{ value: number }> } } }]
    const rule = { ...document, when: { all: [{ ...document.when.all[0], value: 1_500 }, document.when.all[1]] } }
    expect(await backtest({ rule_id: 'AC-R04' })).toMatchObject({ tried: 'AC-R04@1', fires_count: 1 })
    expect(await backtest({ rule_id: 'AC-R04', rule })).toMatchObject({ tried: 'AC-R04@2', fires_count: 0 })
    const bad = await refused('/backtests', { from_ms: 0, to_ms: 1, rule_id: 'AC-R04', rule: { ...rule, hold_ms: -1 } })
    expect(bad).toMatchObject({ status: 400, text: expect.stringContaining('hold_ms') })
  })

  it('saves, compares, tries, promotes and takes back a version', async () => {
    const [{ document }] = (await get('/rules/AC-R04/versions')).items as [{ document: object }]
    expect(await post('/rules/AC-R04/versions', { rule: { ...document, hold_ms: 60_000 }, note: 'calmer' })).toMatchObject({ version: 2 })
    expect((await get('/rules/AC-R04/diff?from=1&to=2')).items).toEqual([{ field: 'hold_ms', before: 0, after: 60_000 }])
    expect(await post('/rules/AC-R04/activate', { version: 2, share_pct: 25 })).toMatchObject({
      live_version: 1,
      canary_version: 2,
      canary_share_pct: 25,
    })
    expect(await post('/rules/AC-R04/activate', { version: 2 })).toMatchObject({ live_version: 2, canary_version: null })
    expect(await post('/rules/AC-R04/rollback', {})).toMatchObject({ live_version: 1 })
    expect((await refused('/rules/AC-R01/activate', { version: 1, share_pct: 5 })).status).toBe(400)
    expect((await refused('/rules/AC-R04/activate', { version: 9 })).status).toBe(404)
    expect(
      (await refused('/rules/AC-R04/versions', { rule: { ...document, when: { channel: 'nope', op: '>', value: 1, unit: 'w' } } })).text,
    ).toMatch(/no channel nope/)
  })

  it('explains and backtests rules of a type of one’s own, and a danger that only the tenant has', async () => {
    await post('/types', { type: 'pump', channels: [{ name: 'flow_lpm' }] })
    const common = { type: 'pump', fault: null, title: 'Low flow', title_zh: '流量低', when: { channel: 'flow_lpm', op: '<', value: 5, unit: 'lpm' } }
    const rules = { 'PU-R1': { safety_class: 'E3', advice: '' }, 'PU-R2': { safety_class: 'E1', advice: 'Stop it.', advice_zh: '停机。' } }
    for (const [id, own] of Object.entries(rules)) {
      await post(`/rules/${id}/versions`, { rule: { ...common, ...own, hold_ms: 0, clear_hold_ms: 0, gap_ms_max: 900_000, opens_work_order: true } })
      expect(await post(`/rules/${id}/activate`, { version: 1 })).toMatchObject({ type: 'pump', live_version: 1 })
    }
    const { secret } = (await post('/devices', { device: 'pump-1', type: 'pump' })) as { secret: string }
    const client = await mqtt.connectAsync(platform.mqttUrl, { clientId: 'home:pump-1', username: 'home:pump-1', password: secret })
    const nowMs = Date.now()
    for (const [seq, flow_lpm] of [9, 3, 3, 3].entries())
      await client.publishAsync('mend/v1/home/pump-1/tele', JSON.stringify({ ts: nowMs + seq * MINUTE_MS, seq, boot: 1, v: { flow_lpm } }), {
        qos: 1,
      })
    await client.endAsync()
    for (const [rule, rule_version] of Object.entries({ 'PU-R1': 1, 'PU-R2': 1 })) {
      expect(await get(`/rules/${rule}/why?device=pump-1&at_ms=${nowMs + 3 * MINUTE_MS}`)).toMatchObject({ verdict: 'fired', rule_version })
      const span = { from_ms: nowMs, to_ms: nowMs + 4 * MINUTE_MS }
      expect(await backtest({ rule_id: rule, ...span })).toMatchObject({ readings: 4, fires_count: 1, units: 1, rule: { type: 'pump' } })
    }
    expect(await reasonOf(`/rules/NONE/why?device=pump-1&at_ms=${nowMs}`)).toBe('there is no rule NONE')
    expect(await reasonOf(`/rules/AC-R04/why?device=pump-1&at_ms=${nowMs}`)).toContain('of the type air_conditioner')
  })

  it('refuses a backtest that could find nothing, by field', async () => {
    const span = { from_ms: beginMs, to_ms: beginMs + MINUTE_MS }
    const fieldOf = async (wanted: object) =>
      (JSON.parse((await refused('/backtests', wanted)).text) as { errors: Array<{ field: string }> }).errors[0]?.field
    expect(await fieldOf({ ...span, version: 1 })).toBe('body.rule_id')
    expect(await fieldOf({ ...span, rule_id: 'AC-R04', type: 'fridge' })).toBe('body.type')
    expect(await fieldOf({ ...span, rule_id: 'FR-R04', device: 'ac-1' })).toBe('body.device')
    expect(await fieldOf({ from_ms: Date.UTC(2100, 0), to_ms: Date.UTC(2101, 0) })).toBe('body.from_ms')
  })

  it('keeps what was saved over a restart', async () => {
    await platform.stop()
    platform = await startDevPlatform(folder)
    expect((await get('/rules/AC-R04/versions')).items).toHaveLength(2)
    expect((await get('/rules/AC-R04/history')).items).toHaveLength(3)
  })
})
