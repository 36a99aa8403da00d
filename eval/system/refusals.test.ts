/** What the API refuses of devices, tokens, keys, mappings and bodies names its field; beside each refusal stands what is taken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Platform } from '../../main.ts'
import { startDevPlatform } from './dev-platform.ts'

interface Answer {
  readonly status: number
  readonly code?: string
  readonly errors?: ReadonlyArray<{ readonly field: string; readonly reason: string }>
}

const AC = 'air_conditioner'
const plain = (device: string, more: object = {}) => ({ device, type: AC, ...more })
const mapping = (lines: string): { definition: string } => ({ definition: lines })
const PEM = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'
const field = 'fields: [{field: p, channel: power_w}]'

describe('what the API refuses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-refusals-'))
  let platform: Platform
  beforeAll(async () => {
    platform = await startDevPlatform(folder)
    expect((await send('POST', '/devices', plain('ac-1'))).status).toBe(201)
  }, 60_000)
  afterAll(async () => {
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function send(method: string, path: string, body: unknown): Promise<Answer> {
    const response = await fetch(`${platform.httpUrl}/api/v1${path}`, {
      method,
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { ...((await response.json()) as object), status: response.status }
  }

  it.each<readonly [method: string, path: string, body: unknown, status: number, fields: readonly string[]]>([
    ['POST', '/devices', { device: 'x', type: 'toaster' }, 400, ['body.type']],
    ['POST', '/devices', [plain('x'), { device: 'y', type: 'toaster' }], 400, ['body[1].type']],
    ['POST', '/devices', [plain('x', { time_zone: 'Mars/Olympus' })], 400, ['body[0].time_zone']],
    ['POST', '/devices', plain('x', { time_zone: 'Mars/Olympus' }), 400, ['body.time_zone']],
    ['POST', '/devices', plain('x', { installed_at_ms: 1e300 }), 400, ['body.installed_at_ms']],
    ['POST', '/devices', plain('x', { installed_at_ms: 1_700_000_000_000_000 }), 400, ['body.installed_at_ms']],
    ['POST', '/devices', plain('x', { household: 'a\u0000b' }), 400, ['body.household']],
    ['POST', '/devices', plain('x', { site: 'a\u0007b' }), 400, ['body.site']],
    ['PATCH', '/devices/ac-1', { household: 'a\nb' }, 400, ['body.household']],
    ['PUT', '/devices/ac-1/desired', { desired: { note: { a: ['\u0000'] } } }, 400, ['body.desired.note.a[0]']],
    ['PUT', '/devices/ac-1/desired', { desired: {}, expires_at_ms: 1e300 }, 400, ['body.expires_at_ms']],
    ['POST', '/claim-tokens', { devices: [{ device: 'ac-1' }, { device: 'n', type: 'toaster' }] }, 400, ['body.devices[1].type']],
    ['POST', '/claim-tokens', { devices: [{ device: 'n' }] }, 400, ['body.devices[0].type']],
    ['POST', '/claim-tokens', { devices: [{ device: 'ac-1', type: 'fridge' }] }, 409, ['body.devices[0].type']],
    ['POST', '/devices/ac-1/keys', { alg: 'EdDSA' }, 400, ['body.jwk', 'body.pem']],
    ['POST', '/devices/ac-1/keys', { alg: 'EdDSA', pem: PEM }, 400, ['body.pem']],
    ['POST', '/devices/ac-1/keys', { alg: 'ES256', jwk: { kty: 'EC' } }, 400, ['body.jwk']],
    ['POST', '/devices/ac-1/keys', { alg: 'HS256', pem: PEM }, 400, ['body.alg']],
    ['POST', '/mappings', mapping('mapping: [}'), 400, ['body.definition']],
    ['POST', '/mappings', mapping(`mapping: m\nmatch: {type: ${AC}}`), 400, ['body.definition']],
    ['POST', '/mappings', mapping(field), 400, ['body.definition', 'body.definition.match']],
    [
      ...(['POST', '/mappings', mapping(`mapping: m\nmatch: {type: ${AC}}\nfields: [{field: p, channel: power_w, nope: 1}]`)] as const),
      ...([400, ['body.definition.fields[0]']] as const),
    ],
    [
      ...(['POST', '/mappings', mapping(`mapping: m\nmatch: {topic: shelly/+/s}\ndevice: {level: 9}\n${field}`)] as const),
      ...([400, ['body.definition.device.level']] as const),
    ],
    [
      ...(['POST', '/mappings', mapping(`mapping: m\nmatch: {type: ${AC}}\nfields: [{field: p, channel: power_w, min: 5, max: 1}]`)] as const),
      ...([400, ['body.definition.fields[0].min']] as const),
    ],
    [
      ...(['POST', '/mappings', mapping(`mapping: m\nmatch: {type: ${AC}}\nfields: [{field: p, channel: heat_of_mars_c}]`)] as const),
      ...([400, ['body.definition.fields[0].channel']] as const),
    ],
    ['POST', '/imports', { bytes: 5, mapping: 'mapping: [}' }, 400, ['body.mapping']],
    ['POST', '/backups', { directory: 'relative/x' }, 400, ['body.directory']],
  ])('%s %s %j: %i, naming %j', async (method, path, body, status, fields) => {
    const answer = await send(method, path, body)
    // A union tells each of its branches, and that the body is no list.
    const named = new Set(answer.errors?.map((error) => error.field).filter((name) => name !== 'body'))
    expect([answer.status, [...named]]).toEqual([status, fields])
    expect(answer.errors?.every(({ reason }) => reason.length > 0)).toBe(true)
  })

  it.each<readonly [method: string, path: string, body: unknown, status: number]>([
    ['POST', '/devices', [plain('d-1', { time_zone: 'Europe/Berlin', installed_at_ms: 1_700_000_000_000, household: 'Familie Müller 🏠' })], 201],
    ['PATCH', '/devices/ac-1', { household: "O'Brien & söner", site: null }, 200],
    ['POST', '/claim-tokens', { devices: [{ device: 'ac-1', type: AC }, { device: 'd-1' }, { device: 'd-2', type: 'fridge' }] }, 201],
    ['POST', '/mappings', mapping(`mapping: deep\nmatch: {topic: 'shelly/+/#'}\ndevice: {level: 9}\n${field}`), 201],
    ['POST', '/mappings', mapping(`mapping: level\nmatch: {topic: 'other/+/s'}\ndevice: {level: 3}\n${field}`), 201],
    ['POST', '/mappings', mapping(`mapping: later\nmatch: {type: not_yet}\nfields: [{field: p, channel: heat_of_mars_c, min: 1, max: 1}]`), 201],
  ])('and takes %s %s %j', async (method, path, body, status) => {
    expect(await send(method, path, body)).toMatchObject({ status })
  })

  it('keeps mappings that were taken before it looked at their sense', async () => {
    const { readMappingText } = await import('../../ingest/mapping/mapping-document.ts')
    const text = `mapping: m\nmatch: {topic: a/+}\ndevice: {level: 9}\nfields: [{field: p, channel: power_w, min: 5, max: 1}]`
    expect(() => readMappingText(text, 'mapping')).toThrow('device.level')
    expect(readMappingText(text, 'mapping', { isKept: true })).toMatchObject({ device: { level: 9 } })
  })
})
