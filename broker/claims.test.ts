import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { TELE } from '../eval/mqtt-mock/test-clients.ts'

const NOW_MS = 1_800_000_000_000
const DAY_MS = 86_400_000
const secretOf = (): string => randomBytes(32).toString('base64url')

async function start(): Promise<TestBroker & { clock: ManualClock }> {
  const clock = new ManualClock(NOW_MS)
  return { ...(await startTestBroker({ clock })), clock }
}
const tokenFor = async (test: TestBroker, device = 'ac-1', tenant = 'home'): Promise<string> => {
  const [made] = await test.identity.provisioning.createTokens(tenant, [{ device, type: 'air_conditioner' }], {
    validMs: DAY_MS,
    actor: 'key:factory',
  })
  return made?.token ?? ''
}
const ask = (test: TestBroker, token: string, nonce = 'nonce-of-16-bytes', device = 'ac-1', tenant = 'home') =>
  test.identity.provisioning.provision({ tenant, device, token, nonce }, '10.0.0.1')
const login = (test: TestBroker, password: string) => test.connectAs({ clientId: 'home:ac-1', username: 'home:ac-1', password })

describe('a claim token', () => {
  it('gives the appliance a secret of its own, once, and the same again to whom the answer was lost', async () => {
    await using test = await start()
    const token = await tokenFor(test)
    const secret = await ask(test, token)
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(await ask(test, token)).toBe(secret)
    await expect(ask(test, token, 'another-nonce-here')).rejects.toMatchObject({ code: 'MDL_CLAIM_REFUSED' })
    const client = await login(test, secret)
    await client.publishAsync(TELE, '{}', { qos: 1 })
    test.clock.advance(limits.claimRetryMs)
    await expect(ask(test, token)).rejects.toMatchObject({ code: 'MDL_CLAIM_REFUSED' })
  })

  it('refuses an unknown, foreign or expired token and a revoked device, all alike', async () => {
    await using test = await start()
    const token = await tokenFor(test)
    await tokenFor(test, 'ac-2')
    await tokenFor(test, 'ac-1', 'acme')
    const refusals = await Promise.all(
      [
        ask(test, 'unknown'),
        ask(test, token, undefined, 'ac-2'),
        ask(test, token, undefined, 'ac-1', 'acme'),
        ask(test, token, undefined, 'none'),
      ].map((each) => each.catch((error: Error) => error.message)),
    )
    expect(new Set(refusals).size).toBe(1)
    test.clock.advance(DAY_MS)
    await expect(ask(test, token)).rejects.toThrow(refusals[0] ?? '?')
    const later = await tokenFor(test)
    await test.registry.revoke('home', 'ac-1')
    await expect(ask(test, later)).rejects.toThrow(refusals[0] ?? '?')
  })

  it('lets one of two win that use it at the same time', async () => {
    await using test = await start()
    const token = await tokenFor(test)
    const results = await Promise.allSettled([ask(test, token, 'nonce-of-the-first'), ask(test, token, 'nonce-of-the-second')])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const winner = results.find((result) => result.status === 'fulfilled')
    await login(test, winner?.value ?? '')
  })

  it('makes the first login over MQTT, with the secret that the appliance brings', async () => {
    await using test = await start()
    const token = await tokenFor(test)
    const secret = secretOf()
    await expect(login(test, `claim.${token}.short`)).rejects.toThrow(/Not authorized/)
    await (await login(test, `claim.${token}.${secret}`)).endAsync()
    // The CONNACK may have been lost: the same again, then the secret alone.
    await (await login(test, `claim.${token}.${secret}`)).endAsync()
    await (await login(test, secret)).endAsync()
    await expect(login(test, `claim.${token}.${secretOf()}`)).rejects.toThrow(/Not authorized/)
  })

  it('replaces the secret of a device that is registered, and slows down who guesses', async () => {
    await using test = await start()
    const { secret } = await test.createDevice('ac-1')
    const token = await tokenFor(test)
    await (await login(test, secret)).endAsync()
    await ask(test, token)
    await expect(login(test, secret)).rejects.toThrow(/Not authorized/)
    for (let guess = 0; guess <= limits.guessesFree_MAX; guess++) await ask(test, `guess-${guess}`).catch(() => {})
    await expect(ask(test, token)).rejects.toMatchObject({ code: 'MDL_CLAIM_LOCKED' })
    test.clock.advance(limits.guessLockMs)
    await ask(test, token)
  })
})

describe('claiming by a household', () => {
  const consent = { who: 'resident-7', text_version: '2026-01', purposes: ['diagnosis', 'service'] }

  it('binds device and household with the consent, once, until it is released', async () => {
    await using test = await start()
    const { claims } = test.identity
    await test.createDevice('ac-1')
    const code = await claims.newCode('home', 'ac-1', 'key:factory')
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/)
    const claim = await claims.claim('home', { code: code.toLowerCase().replaceAll('-', ' '), household: 'flat-3', consent }, 'key:app')
    expect(claim).toMatchObject({ device: 'ac-1', household: 'flat-3', consent: { ...consent, given_at_ms: NOW_MS }, released_at_ms: null })
    expect(test.registry.get('home', 'ac-1')?.household).toBe('flat-3')
    expect(await claims.claim('home', { code, household: 'flat-3', consent }, 'key:app')).toEqual(claim)
    await expect(claims.claim('home', { code, household: 'flat-4', consent }, 'key:app')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    test.clock.advance(5)
    expect(await claims.release('home', claim.claim_id, { reason: 'move-out', actor: 'key:app' })).toMatchObject({ released_at_ms: NOW_MS + 5 })
    expect(test.registry.get('home', 'ac-1')?.household).toBeNull()
    const next = await claims.claim('home', { code, household: 'flat-4', consent }, 'key:app')
    expect((await claims.list({ tenant: 'home', limit: 10 })).items.map(({ household }) => household)).toEqual(['flat-3', 'flat-4'])
    expect((await claims.list({ tenant: 'home', household: 'flat-4', limit: 10 })).items).toEqual([next])
    const { items } = await claims.audit({ tenant: 'home', subject: 'ac-1', limit: 10 })
    expect(items.map(({ action }) => action).sort()).toEqual(['claim_code.created', 'device.claimed', 'device.claimed', 'device.released'])
    expect(items.find(({ action }) => action === 'device.released')).toMatchObject({ actor: 'key:app', details: { reason: 'move-out' } })
  })

  it('refuses a code of another tenant or an old one, slows down guessing, and never names another tenant', async () => {
    await using test = await start()
    const { claims } = test.identity
    await test.createDevice('ac-1')
    const old = await claims.newCode('home', 'ac-1', 'key:factory')
    const code = await claims.newCode('home', 'ac-1', 'key:factory')
    const refused = { code: 'MDL_CLAIM_REFUSED' }
    await expect(claims.claim('home', { code: old, household: 'x', consent }, 'key:app')).rejects.toMatchObject(refused)
    await expect(claims.claim('acme', { code, household: 'x', consent }, 'key:other')).rejects.toMatchObject(refused)
    for (let guess = 0; guess < limits.guessesFree_MAX; guess++)
      await claims.claim('home', { code: `${guess}`, household: 'x', consent }, 'key:app').catch(() => {})
    await expect(claims.claim('home', { code, household: 'x', consent }, 'key:app')).rejects.toMatchObject({ code: 'MDL_CLAIM_LOCKED' })
    const claim = await claims.claim('home', { code, household: 'x', consent }, 'key:elsewhere')
    expect(await claims.get('acme', claim.claim_id)).toBeUndefined()
    await expect(claims.release('acme', claim.claim_id, { reason: 'x', actor: 'y' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect((await claims.audit({ tenant: 'acme', limit: 10 })).items).toEqual([])
  })
})
