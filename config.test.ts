import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { MendlineError } from '#kernel/errors.ts'
import { type ConfigSources, loadConfig } from './config.ts'
import { Secret } from './config-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
const yaml = (text: string): string => {
  const file = join(folder, `${count++}.yaml`)
  writeFileSync(file, text)
  return file
}
const load = (sources: Partial<ConfigSources> = {}) => loadConfig({ environment: {}, flags: {}, ...sources })

/** Paths of the faults, and the code, of a configuration that is refused. */
function refusal(sources: Partial<ConfigSources>): readonly [code: string, ...paths: string[]] {
  try {
    load(sources)
  } catch (error) {
    if (error instanceof MendlineError) return [error.code, ...(error.details.faults as ReadonlyArray<{ path: string }>).map(({ path }) => path)]
    throw error
  }
  return ['accepted']
}

describe('loadConfig', () => {
  it('gives the defaults without any source, on loopback', () => {
    const config = load()
    expect([config.mqtt, config.http.host, config.http.port, config.mqtts, config.dev]).toEqual([
      { host: '127.0.0.1', port: 1883, fastLane: true },
      '127.0.0.1',
      8080,
      undefined,
      false,
    ])
  })
  it('puts the environment over the file and flags over both', () => {
    const file = yaml('mqtt: {port: 1}\nhttp: {port: 1}\nlog_level: warn\n')
    const config = load({ file, environment: { MENDLINE_MQTT_PORT: '2', MENDLINE_HTTP_PORT: '2' }, flags: { 'http.port': '3' } })
    expect([config.mqtt.port, config.http.port, config.logLevel]).toEqual([2, 3, 'warn'])
  })
  it('takes limits by name from file and environment, and lists from the environment', () => {
    const environment = { MENDLINE_LIMITS_JSONDEPTH_MAX: '9', MENDLINE_WEBHOOKS_ALLOWED_RANGES: '10.0.0.0/8,fd00::/8' }
    const config = load({ file: yaml('limits: {packetBytes_MAX: 100000}\n'), environment })
    expect([config.limits.packetBytes_MAX, config.limits.jsonDepth_MAX]).toEqual([100_000, 9])
    expect(config.webhooks.allowed_ranges).toEqual(['10.0.0.0/8', 'fd00::/8'])
  })
  it('is frozen to the ground', () => {
    const config = load()
    expect(() => Object.assign(config.mqtt, { port: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.limits, { jsonDepth_MAX: 1 })).toThrow(TypeError)
  })
  it('reports all faults together', () => {
    const file = yaml('mqtt: {port: 70000, colour: red}\nextra: 1\nlimits: {nothing_MAX: 1}\n')
    const [code, ...paths] = refusal({ file, environment: { MENDLINE_NOTHING: '1', MENDLINE_LOG_LEVEL: 'loud' }, flags: { 'http.port': 'x' } })
    expect(code).toBe('MDL_CONFIG_INVALID')
    expect(paths.sort()).toEqual(['MENDLINE_NOTHING', 'extra', 'http.port', 'limits.nothing_MAX', 'log_level', 'mqtt.colour', 'mqtt.port'])
  })
  it.each<readonly [string, Partial<ConfigSources>, string]>([
    ['a file that is not there', { file: join(folder, 'none.yaml') }, join(folder, 'none.yaml')],
    ['a broken file', { file: yaml('mqtt: [1') }, ''],
    ['a list for a file', { file: yaml('- 1\n') }, ''],
    ['a branch that is a number', { file: yaml('mqtt: 5\n') }, 'mqtt'],
    ['a key without certificate', { flags: { 'mqtts.key_file': yaml('k') } }, 'mqtts.cert_file'],
    ['authorities alone', { flags: { 'mqtts.ca_file': yaml('k') } }, 'mqtts.ca_file'],
    ['a certificate that is not there', { flags: { 'http.key_file': yaml('k'), 'http.cert_file': join(folder, 'none.pem') } }, 'http.cert_file'],
    ['a range that is none', { environment: { MENDLINE_WEBHOOKS_ALLOWED_RANGES: 'everything' } }, 'webhooks.allowed_ranges.0'],
  ])('refuses %s', (_name, sources, path) => {
    const [code, first] = refusal(sources)
    expect(code).toBe('MDL_CONFIG_INVALID')
    expect(first).toBe(path === '' ? sources.file : path)
  })
})

describe('limits', () => {
  it.each<readonly [string, number | string, boolean]>([
    ['jsonDepth_MAX', 1, true],
    ['jsonDepth_MAX', 0, false],
    ['jsonDepth_MAX', 1.5, false],
    ['jsonDepth_MAX', -1, false],
    ['storeFlushMs', 0, false],
    ['aheadMs_MAX', 0, true],
    ['aheadMs_MAX', 0.5, false],
    ['secretOverlapMs', '0', true],
    ['apiPage_MAX', '0', false],
    ['apiPage_MAX', '7', true],
  ])('%s may be %s: %s', (name, value, isAccepted) => {
    expect(refusal({ flags: { [`limits.${name}`]: String(value) } })).toEqual(isAccepted ? ['accepted'] : ['MDL_CONFIG_INVALID', `limits.${name}`])
    expect(refusal({ file: yaml(`limits: {${name}: ${value}}\n`) })).toEqual(isAccepted ? ['accepted'] : ['MDL_CONFIG_INVALID', `limits.${name}`])
  })
})

describe('open doors', () => {
  const tls = () => ({ 'http.key_file': yaml('k'), 'http.cert_file': yaml('c') })
  it.each<readonly [string, Record<string, string | boolean>, string]>([
    ['plain MQTT on all addresses', { 'mqtt.host': '0.0.0.0' }, 'mqtt.host'],
    ['plain MQTT on IPv6', { 'mqtt.host': '::' }, 'mqtt.host'],
    ['plain MQTT on a name that begins like loopback', { 'mqtt.host': '127.0.0.1.example.org' }, 'mqtt.host'],
    ['plain HTTP on a LAN address', { 'http.host': '192.168.1.5' }, 'http.host'],
    ['dev beyond loopback, even when it says so', { dev: true, 'mqtt.host': '0.0.0.0', 'mqtt.dangerous_plain_mqtt': true }, 'mqtt.host'],
  ])('stay shut: %s', (_name, flags, path) => {
    expect(refusal({ flags })).toEqual(['MDL_CONFIG_UNSAFE', path])
  })
  it.each<readonly [string, () => Record<string, string | boolean>]>([
    ['HTTPS on all addresses', () => ({ ...tls(), 'http.host': '0.0.0.0' })],
    ['HTTP behind a proxy that is named', () => ({ 'http.host': '0.0.0.0', 'http.behind_tls_proxy': true })],
    ['plain MQTT that is named', () => ({ 'mqtt.host': '0.0.0.0', 'mqtt.dangerous_plain_mqtt': 'true' })],
    ['dev on loopback', () => ({ dev: true, 'mqtt.host': '::1', 'http.host': 'localhost' })],
  ])('open: %s', (_name, flags) => {
    expect(refusal({ flags: flags() })).toEqual(['accepted'])
  })
})

describe('Secret', () => {
  it('shows itself to who asks for it and to nobody else', () => {
    const secret = new Secret('hunter2')
    expect([String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`].join()).not.toContain('hunter2')
    expect(secret.reveal()).toBe('hunter2')
  })
})
