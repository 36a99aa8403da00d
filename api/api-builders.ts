/** Builders for the API's tests: ports that answer from memory and note what they were asked. */
import type { Kysely } from 'kysely'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { Command } from '#kernel/command.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits as defaultLimits, type Limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import type { ApiTables } from './api-tables.ts'
import { memoryBoards, memoryCohorts, memoryRemainingLife } from './board-builders.ts'
import { memoryEmergencies } from './emergency-builders.ts'
import { memoryFiles } from './file-builders.ts'
import { createIdempotency } from './idempotency.ts'
import { memoryJobs } from './job-builders.ts'
import { createKeyStore, type KeyStore, type Scope } from './keys.ts'
import { deviceRecord, memoryTruth, NOW_MS } from './memory-truth.ts'
import { memoryModels } from './model-builders.ts'
import type { ApiPorts, DeviceRecord, GatewayRecord } from './ports.ts'
import { memoryAlarms, memoryBacktests, memoryRules, testAlarm } from './rule-builders.ts'
import { type Api, createApi } from './server.ts'
import { memoryService } from './service-builders.ts'
import { memoryMappings, memoryTypes } from './type-builders.ts'

export function workOrder(id: string): WorkOrder {
  const packet = { fault: 'AC-01', fault_name: 'Low refrigerant', probability: 0.9, customer_sees: 'Weak cooling', minutes: 30 }
  const lists = { evidence_for: [], evidence_against: [], rivals: [], questions: [], parts: [], skills: [], steps: [] }
  return {
    work_order_id: id,
    case_id: 'case_1',
    tenant: 'home',
    device: 'ac-1',
    type: 'air_conditioner',
    state: 'opened',
    revision: 3,
    safety_class: 'E2',
    fault: 'AC-01',
    diagnosis_id: 'diagnosis_1',
    alarm_id: null,
    opened_at_ms: NOW_MS,
    created_at_ms: NOW_MS,
    updated_at_ms: NOW_MS,
    packet: { ...packet, ...lists },
    outcome: null,
  }
}

export interface TestApi extends AsyncDisposable {
  readonly api: Api
  readonly keys: KeyStore
  readonly clock: ManualClock
  /** Queries and inputs that reached the ports, in order. */
  readonly calls: Array<readonly [port: string, argument: unknown]>
  token(...scopes: Scope[]): Promise<string>
  request(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, options?: RequestOptions): ReturnType<typeof send>
}

interface RequestOptions {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** An API in development mode (key `dev`) over memory ports and the given database. */
export async function createTestApi(
  database: Kysely<ApiTables>,
  changes: Partial<ApiPorts> = {},
  changedLimits: Partial<Limits> = {},
): Promise<TestApi> {
  const limits = { ...defaultLimits, ...changedLimits }
  const clock = new ManualClock(NOW_MS)
  const calls: Array<readonly [string, unknown]> = []
  const keys = createKeyStore({ database, clock, dev: true })
  const ports: ApiPorts = { keys, idempotency: createIdempotency({ database, clock, limits }), ...memoryPorts(calls), ...changes }
  const api = await createApi({ ports, clock, log: silentLog, limits, settings: { host: '127.0.0.1', port: 0 }, version: '0.0.0' })
  return {
    api,
    keys,
    clock,
    calls,
    token: async (...scopes) => (await keys.create({ tenant: 'home', scopes, label: 'test' })).token,
    request: (method, url, options = {}) => send(api, method, url, options),
    [Symbol.asyncDispose]: () => api.stop(),
  }
}

async function send(
  api: Api,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  { token = 'dev', body, headers = {} }: RequestOptions,
) {
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` }
  const payload = body === undefined ? {} : typeof body === 'string' ? { payload: body } : { payload: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await api.app.inject({ method, url, headers: { ...authorization, ...type, ...headers }, ...payload })
  const isJson = String(response.headers['content-type']).includes('json') && !String(response.headers['content-type']).includes('ndjson')
  return { status: response.statusCode, headers: response.headers, text: response.body, json: isJson ? JSON.parse(response.body) : undefined }
}

const memoryPrincipalKeys: ApiPorts['principalKeys'] = {
  add: async (_tenant, _principal, { alg }) => ({ key_id: 'key_1', alg, created_at_ms: NOW_MS }),
  list: () => [],
  remove: async () => {},
}

/** The one order that there is. */
const oneOrder: Pick<ApiPorts['hubs'], 'workOrder' | 'workOrderEvidence' | 'workOrderPacket' | 'workOrderPacketPage'> = {
  workOrder: async (tenant, id) => (tenant === 'home' && id === 'wo_1' ? workOrder(id) : undefined),
  workOrderEvidence: async (tenant, id, locale) => (tenant === 'home' && id === 'wo_1' ? `<svg lang="${locale}"/>` : undefined),
  async workOrderPacket({ id, audience, locale }) {
    const { work_order_id, device, state, safety_class } = workOrder(id)
    return id === 'wo_1' ? { work_order_id, device, state, safety_class, audience, locale, title: 'A title', sections: [] } : undefined
  },
  workOrderPacketPage: async ({ id, audience, locale }) => (id === 'wo_1' ? `<html lang="${locale}">${audience}</html>` : undefined),
}

function memoryPorts(calls: Array<readonly [string, unknown]>): Omit<ApiPorts, 'keys' | 'idempotency'> {
  const note = (port: string, argument: unknown): void => {
    calls.push([port, argument])
  }
  const page =
    <Item>(port: string, items: readonly Item[]) =>
    async (query: unknown) => {
      note(port, query)
      return { items, next: items.length > 0 ? 'after-1' : null }
    }
  return {
    devices: memoryDevices(),
    gateways: memoryGateways(),
    claims: noClaims,
    provisioning: { createTokens: async () => [], provision: async () => 'secret' },
    principalKeys: memoryPrincipalKeys,
    types: memoryTypes(note),
    mappings: memoryMappings(note),
    readings: {
      async buckets(query) {
        note('buckets', query)
        return [{ t: epochMs(NOW_MS), device: query.device, channel: 'power_w', mean: 5, min: 1, max: 9, n: 3 }]
      },
      async *raw(query) {
        note('raw', query)
        for (let seq = 0; seq < 3; seq++) yield { tenant: query.tenant, device: 'ac-1', boot: 1, seq, v: { power_w: seq } }
      },
    },
    truth: memoryTruth(note),
    storage: {
      storage: async () => [{ tier: 'hot', type: 'air_conditioner', rows: 2, bytes: 0, files: 0, days: 1, oldest_ms: NOW_MS, newest_ms: NOW_MS }],
    },
    models: memoryModels(note),
    jobs: memoryJobs(note, NOW_MS),
    ...memoryFiles(note, NOW_MS),
    quarantine: {
      async quarantined(query) {
        note('quarantined', query)
        const entry = {
          tenant: 'home',
          device: 'ac-1',
          received_at_ms: epochMs(NOW_MS),
          observed_at_ms: undefined,
          field: '',
          reason: 'not JSON',
          kind: 'tele',
        }
        return [7, 8].map((id) => ({
          ...entry,
          id,
          code: 'MDL_INGEST_UNREADABLE',
          raw: id === 7 ? new Uint8Array([0xff, 0x00]) : Buffer.from('{"a"'),
        }))
      },
    },
    alarms: memoryAlarms(note),
    rules: memoryRules(note),
    backtests: memoryBacktests(note),
    boards: memoryBoards(note),
    cohorts: memoryCohorts(),
    remainingLife: memoryRemainingLife(),
    ...memoryService(note),
    channelStates: { list: async () => [] },
    hubs: {
      diagnoses: page('diagnoses', []),
      alarms: page('alarms', []),
      alarm: async (tenant, id) => (tenant === 'home' && id === testAlarm.alarm_id ? testAlarm : undefined),
      cases: page('cases', []),
      partsNeeds: page('partsNeeds', []),
      workOrders: page('workOrders', [workOrder('wo_1')]),
      ...oneOrder,
      workOrderMoves: async () => [{ sequence: 1, from: '', to: 'opened' }],
      async workOrderEvent(tenant, id, input, key, options) {
        note('workOrderEvent', { tenant, id, input, key, ...options })
        if (input.type === 'closed') throw illegalMove()
        return { ...workOrder(id), state: 'accepted', revision: 4 }
      },
    },
    emergencies: memoryEmergencies(note),
    webhooks: memoryWebhooks(note),
    twin: memoryTwin(note),
    health: { ready: () => ({ isReady: false, checks: { journal: 'cannot write' } }), status: () => ({ devices: 2 }) },
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'mendline_up 1\n' },
  }
}

const illegalMove = (): MendlineError =>
  new MendlineError('MDL_HUBS_ILLEGAL_MOVE', 'opened does not lead to closed', {
    details: { from: 'opened', to: 'closed', allowed: ['triaged', 'accepted'], row: 'of the inside' },
  })

function memoryDevices(): ApiPorts['devices'] {
  const rotated = new Set<string>()
  const records = new Map<string, DeviceRecord>()
  const find = (tenant: string, device: string): DeviceRecord => {
    const record = records.get(`${tenant}:${device}`)
    if (record === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
    return record
  }
  return {
    async create(devices) {
      const taken = devices.find(({ tenant = 'home', device }) => records.has(`${tenant}:${device}`))
      if (taken !== undefined) throw new MendlineError('MDL_API_CONFLICT', `${taken.device} exists`)
      return devices.map(({ device, type, tenant = 'home' }) => {
        const record = { ...deviceRecord(device, tenant), type }
        records.set(`${tenant}:${device}`, record)
        return { ...record, secret: `secret-${records.size}` }
      })
    },
    get: (tenant, device) => records.get(`${tenant}:${device}`),
    list: ({ tenant, type, after = '', limit }) =>
      [...records]
        .filter(([name, record]) => record.tenant === tenant && name > after && (type ?? record.type) === record.type)
        .sort()
        .slice(0, limit)
        .map(([, record]) => record),
    async setAttributes(tenant, device, wanted) {
      const record = { ...find(tenant, device), ...wanted }
      records.set(`${tenant}:${device}`, record)
      return record
    },
    async rotate(tenant, device, ends) {
      const record = find(tenant, device)
      if (rotated.has(device) && ends === undefined) throw new MendlineError('MDL_API_CONFLICT', 'two', { details: { previous_until_ms: 5 } })
      rotated.add(device)
      return `rotated-${record.device}${ends ?? ''}`
    },
    revoke: async (tenant, device) => void find(tenant, device),
  }
}

const noClaims: ApiPorts['claims'] = {
  newCode: async () => 'CODE',
  claim: () => Promise.reject(new MendlineError('MDL_CLAIM_REFUSED', 'no code')),
  release: () => Promise.reject(new MendlineError('MDL_API_NOT_FOUND', 'no claim')),
  get: async () => undefined,
  list: async () => ({ items: [], next: null }),
  audit: async () => ({ items: [], next: null }),
}

function memoryGateways(): ApiPorts['gateways'] {
  const records = new Map<string, GatewayRecord>()
  const find = (tenant: string, gateway: string): GatewayRecord => {
    const record = records.get(`${tenant}:${gateway}`)
    if (record === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no gateway ${gateway}`)
    return record
  }
  const put = (record: GatewayRecord): GatewayRecord => {
    records.set(`${record.tenant}:${record.gateway}`, record)
    return record
  }
  return {
    create: async (gateway) => ({ ...put({ ...gateway, created_at_ms: NOW_MS, revoked_at_ms: null }), secret: 'secret' }),
    get: (tenant, gateway) => records.get(`${tenant}:${gateway}`),
    list: ({ tenant, after = '', limit }) =>
      [...records.values()].filter((record) => record.tenant === tenant && record.gateway > after).slice(0, limit),
    setDevices: async (tenant, gateway, devices) => put({ ...find(tenant, gateway), devices }),
    rotate: async (tenant, gateway) => `rotated-${find(tenant, gateway).gateway}`,
    revoke: async (tenant, gateway) => void put({ ...find(tenant, gateway), devices: [], revoked_at_ms: NOW_MS }),
  }
}

export const testCommand: Command = {
  ...{ command_id: 'cmd_1', tenant: 'home', device: 'ac-1', name: 'restart', payload: {}, state: 'queued', attempts: 0, created_at_ms: NOW_MS },
  ...{ expires_at_ms: NOW_MS + 1, moved_at_ms: { queued: NOW_MS }, actor: 'key:dev', reason: null, data: null, late_answer: null },
  ...{ acknowledge_by_ms: null, is_overdue: false },
}

function memoryTwin(note: (port: string, argument: unknown) => void): ApiPorts['twin'] {
  const desired = { version: 4, desired: {}, expires_at_ms: null, is_expired: false, set_at_ms: NOW_MS, set_by: 'key:dev' }
  return {
    async giveCommand(command) {
      note('giveCommand', command)
      return testCommand
    },
    command: async (tenant, id) => (tenant === 'home' && id === 'cmd_1' ? testCommand : undefined),
    async commands(query) {
      note('commands', query)
      return { items: [testCommand], next: null }
    },
    async cancelCommand(given) {
      note('cancelCommand', given)
      if (given.commandId !== 'cmd_1') throw new MendlineError('MDL_TWIN_COMMAND_ENDED', 'the command is done already')
      return { ...testCommand, state: 'cancelled' }
    },
    async orderSettings(order) {
      note('orderSettings', order)
      return desired
    },
    desired: async () => desired,
    twin: async (tenant, device) => ({ tenant, device, presence: null, desired: null, reported: null, delta: {}, is_in_sync: true }),
    async history(query) {
      note('history', query)
      return { items: [], next: null }
    },
  }
}

function memoryWebhooks(note: (port: string, argument: unknown) => void): ApiPorts['webhooks'] {
  const endpoint = {
    endpoint_id: 'wh_1',
    tenant: 'home',
    url: 'https://example.org/',
    types: [],
    description: '',
    enabled: true,
    disabled_reason: null,
    lane: 'ordinary' as const,
    created_at_ms: NOW_MS,
  }
  const known = (id: string) => (id === 'wh_1' ? endpoint : undefined)
  let sent = 0
  return {
    async create(tenant, webhook) {
      note('createWebhook', { tenant, webhook })
      if (webhook.url.includes('169.254')) throw new MendlineError('MDL_HUBS_WEBHOOK_TARGET_REFUSED', 'the address is private')
      return { ...endpoint, secret: 'whsec_x' }
    },
    list: async () => ({ items: [endpoint], next: null }),
    get: async (_tenant, id) => known(id),
    update: async (_tenant, id, change) => (known(id) === undefined ? undefined : { ...endpoint, ...change }),
    rotateSecret: async () => ({ secret: 'whsec_y', previous_until_ms: NOW_MS }),
    remove: async (_tenant, id) => known(id) !== undefined,
    attempts: async () => ({ items: [], next: null }),
    sendTest: async () => ({ event_id: `event_${++sent}` }),
    deliveries: async () => [],
    replay: async () => ({ deliveries: 2 }),
  }
}
