import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { eventually, startTestBroker, type TestBroker, type TestBrokerOptions } from '../eval/mqtt-mock/broker-kit.ts'
import { closed, TELE } from '../eval/mqtt-mock/test-clients.ts'
import type { TokenAlgorithm } from './token-keys.ts'

const NOW_MS = 1_800_000_000_000
const NOW_S = NOW_MS / 1_000
const pairs = {
  ES256: await generateKeyPair('ES256', { extractable: true }),
  EdDSA: await generateKeyPair('EdDSA', { extractable: true }),
  RS256: await generateKeyPair('RS256', { extractable: true }),
}
type Key = (typeof pairs)['ES256']['privateKey']

const claims = { sub: 'home:ac-1', aud: 'mendline', exp: NOW_S + 600 }
const sign = (key: Key, alg: string, payload: Record<string, unknown> = claims, header = {}): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg, ...header }).sign(key)

async function start(options: TestBrokerOptions = {}): Promise<TestBroker & { clock: ManualClock }> {
  const clock = new ManualClock(NOW_MS)
  const test = await startTestBroker({ clock, limits: { guessesFree_MAX: 1_000 }, ...options })
  await test.createDevice('ac-1')
  await test.createDevice('ac-2')
  return { ...test, clock }
}
const register = async (test: TestBroker, alg: TokenAlgorithm, device = 'ac-1') =>
  test.identity.keys.add('home', device, { alg, jwk: await exportJWK(pairs[alg].publicKey) })
const login = (test: TestBroker, password: string, name = 'home:ac-1') => test.connectAs({ clientId: name, username: name, password })

describe('a login by token', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)('lets in the device whose registered %s key signed it', async (alg) => {
    await using test = await start()
    await register(test, alg)
    const client = await login(test, await sign(pairs[alg].privateKey, alg))
    await client.publishAsync(TELE, '{}', { qos: 1 })
    expect(test.accepted).toMatchObject([{ device: 'ac-1' }])
  })

  it('refuses wrong claims, and lets in the right ones beside them', async () => {
    await using test = await start()
    await register(test, 'ES256')
    const { exp, ...noExp } = claims
    const { aud, ...noAud } = claims
    const wrong = [
      { ...claims, sub: 'home:ac-2' },
      { ...claims, aud: 'other' },
      noAud,
      noExp,
      { ...claims, exp: NOW_S - 1 },
      { ...claims, exp: NOW_S + limits.tokenLifetimeMs_MAX / 1_000 + 60 },
      { ...claims, nbf: NOW_S + 300 },
    ]
    for (const payload of wrong) {
      const token = await sign(pairs.ES256.privateKey, 'ES256', payload)
      await expect(login(test, token), JSON.stringify(payload)).rejects.toThrow(/Not authorized/)
    }
    await login(test, await sign(pairs.ES256.privateKey, 'ES256', { ...claims, exp, aud }))
  })

  it('refuses none, a public key used as a secret, another algorithm, another key and another device', async () => {
    await using test = await start()
    await register(test, 'RS256')
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${encode({ alg: 'none' })}.${encode(claims)}.`
    const body = `${encode({ alg: 'HS256' })}.${encode(claims)}`
    const confused = `${body}.${createHmac('sha256', await exportSPKI(pairs.RS256.publicKey))
      .update(body)
      .digest('base64url')}`
    const other = await generateKeyPair('RS256')
    const wrong = [
      none,
      confused,
      await sign(pairs.ES256.privateKey, 'ES256'),
      await sign(other.privateKey, 'RS256'),
      await sign(pairs.RS256.privateKey, 'PS256').catch(() => none),
      await sign(pairs.RS256.privateKey, 'RS256', claims, { kid: 'unknown' }),
    ]
    for (const token of wrong) await expect(login(test, token)).rejects.toThrow(/Not authorized/)
    const token = await sign(pairs.RS256.privateKey, 'RS256')
    await expect(login(test, token, 'home:ac-2')).rejects.toThrow(/Not authorized/)
    await expect(test.connectAs({ clientId: 'home:ac-1', username: 'home:ac-2', password: token })).rejects.toThrow(/Not authorized/)
    await login(test, token)
  })

  it('ends the session with the token, and with the key', async () => {
    await using test = await start()
    const { key_id } = await register(test, 'ES256')
    const token = await sign(pairs.ES256.privateKey, 'ES256')
    const first = await login(test, token)
    const end = closed(first)
    test.clock.advance(600_000)
    await end
    await expect(login(test, token)).rejects.toThrow(/Not authorized/)
    const second = await login(test, await sign(pairs.ES256.privateKey, 'ES256', { ...claims, exp: NOW_S + 1_200 }))
    const endOfKey = closed(second)
    await test.identity.keys.remove('home', 'ac-1', key_id)
    await endOfKey
    await eventually(() => test.broker.connectedCount() === 0, 'both are gone')
  })

  it("takes the pinned keys of a tenant's issuer for that tenant only", async () => {
    const jwk = { ...(await exportJWK(pairs.EdDSA.publicKey)), alg: 'EdDSA', kid: 'k1' }
    await using test = await start({ tokens: { audience: 'mendline', issuers: { home: { issuer: 'https://maker.example', keys: [jwk] } } } })
    await test.createDevice('ac-1', 'acme')
    const issued = { ...claims, iss: 'https://maker.example' }
    await login(test, await sign(pairs.EdDSA.privateKey, 'EdDSA', issued, { kid: 'k1' }))
    await expect(login(test, await sign(pairs.EdDSA.privateKey, 'EdDSA', claims))).rejects.toThrow(/Not authorized/)
    await expect(login(test, await sign(pairs.EdDSA.privateKey, 'EdDSA', { ...issued, iss: 'https://evil.example' }))).rejects.toThrow()
    const foreign = await sign(pairs.EdDSA.privateKey, 'EdDSA', { ...issued, sub: 'acme:ac-1' })
    await expect(login(test, foreign, 'acme:ac-1')).rejects.toThrow(/Not authorized/)
    await test.registry.revoke('home', 'ac-1')
    await expect(login(test, await sign(pairs.EdDSA.privateKey, 'EdDSA', issued))).rejects.toThrow(/Not authorized/)
  })
})

describe('registering a key', () => {
  it('takes JWK and PEM, keeps no private part, and refuses what is none, too many and the same again', async () => {
    await using test = await start()
    const { keys } = test.identity
    const pem = await exportSPKI(pairs.ES256.publicKey)
    const first = await keys.add('home', 'ac-1', { alg: 'ES256', pem })
    expect(keys.list('home', 'ac-1')).toEqual([{ ...first, created_at_ms: epochMs(NOW_MS) }])
    await expect(keys.add('home', 'ac-1', { alg: 'ES256', pem })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    const secret = { kty: 'oct', k: 'c2VjcmV0' }
    const weak = { ...(await exportJWK(pairs.RS256.publicKey)), n: Buffer.alloc(128, 7).toString('base64url') }
    const invalid = [
      { alg: 'ES256', jwk: secret },
      { alg: 'RS256', jwk: weak },
      { alg: 'RS256', pem },
      { alg: 'ES256', jwk: await exportJWK(pairs.EdDSA.privateKey) },
      { alg: 'ES256', jwk: await exportJWK(pairs.ES256.privateKey) },
      { alg: 'ES256' },
    ] as const
    for (const key of invalid) await expect(keys.add('home', 'ac-1', key)).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await expect(keys.add('home', 'none', { alg: 'ES256', pem })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await test.identity.start()
    await login(test, await sign(pairs.ES256.privateKey, 'ES256'))
  })
})
