import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { type CertificateAuthority, createCertificateAuthority } from './certificate-authority.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 0, 15)
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

let folder: string
let clock: ManualClock
let authority: CertificateAuthority

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-ca-'))
  clock = new ManualClock(NOW_MS)
  authority = createCertificateAuthority({ folder: join(folder, 'ca'), clock })
  await authority.init(3_650)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const openssl = (...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' })
  return { status, words: stdout + stderr }
}

describe('the authority', () => {
  it('keeps its key and its list to the owner, and is not made twice', async () => {
    for (const path of [authority.files.key]) expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'ca')).mode & 0o777).toBe(0o700)
    const before = readFileSync(authority.files.key, 'utf8')
    await expect(authority.init(10)).rejects.toMatchObject({ code: 'MDL_CA_EXISTS' })
    expect(readFileSync(authority.files.key, 'utf8')).toBe(before)
    const empty = createCertificateAuthority({ folder: join(folder, 'none'), clock })
    await expect(empty.issue({ name: 'home:a', kind: 'client', days: 1 })).rejects.toMatchObject({ code: 'MDL_CA_MISSING' })
  })

  it('issues certificates of P-256 with the login name as CN, for clients only, never beyond its own end', async () => {
    const { certificate, key, serial } = await authority.issue({ name: 'home:ac-1', kind: 'client', days: 30 })
    const parsed = new X509Certificate(certificate)
    expect(parsed.subject).toBe('CN=home:ac-1')
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(parsed.ca).toBe(false)
    expect(parsed.validToDate.getTime()).toBe(NOW_MS + 30 * DAY_MS)
    expect(parsed.verify(new X509Certificate(readFileSync(authority.files.certificate)).publicKey)).toBe(true)
    expect(key).toContain('BEGIN PRIVATE KEY')
    expect(authority.list()).toEqual([{ serial, name: 'home:ac-1', issued_at_ms: NOW_MS, expires_at_ms: NOW_MS + 30 * DAY_MS, revoked_at_ms: null }])
    const long = await authority.issue({ name: 'home:ac-2', kind: 'client', days: 36_000 })
    expect(new X509Certificate(long.certificate).validToDate.getTime()).toBe(NOW_MS + 3_650 * DAY_MS)
  })

  it('names all hosts of a server', async () => {
    const { certificate } = await authority.issue({ name: 'mendline.example,127.0.0.1', kind: 'server', days: 30 })
    expect(new X509Certificate(certificate).subjectAltName).toBe('DNS:mendline.example, IP Address:127.0.0.1')
  })

  it.each([
    ['without a tenant', 'ac-1', 'client'],
    ['with another colon', 'home:ac-1:x', 'client'],
    ['with a line break', 'home:ac\n1', 'client'],
    ['of a server with a slash', 'a/b', 'server'],
  ] as const)('refuses a name %s', async (_name, name, kind) => {
    await expect(authority.issue({ name, kind, days: 1 })).rejects.toMatchObject({ code: 'MDL_CA_INVALID' })
    expect(authority.list()).toEqual([])
  })

  it('revokes by name or serial number, once, and only what it issued', async () => {
    const one = await authority.issue({ name: 'home:a', kind: 'client', days: 1 })
    await authority.issue({ name: 'home:a', kind: 'client', days: 1 })
    clock.advance(5)
    expect(await authority.revoke(one.serial.toLowerCase())).toMatchObject([{ serial: one.serial, revoked_at_ms: NOW_MS + 5 }])
    expect(await authority.revoke('home:a')).toHaveLength(1)
    expect(await authority.revoke('home:a')).toEqual([])
    await expect(authority.revoke('home:b')).rejects.toMatchObject({ code: 'MDL_CA_INVALID' })
    expect(authority.list().filter(({ revoked_at_ms }) => revoked_at_ms === null)).toEqual([])
  })

  it.skipIf(!hasOpenssl)(
    'is understood by OpenSSL: chain, list of revoked ones, and a request made elsewhere (skipped without openssl)',
    async () => {
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        'own.key',
        '-subj',
        '/CN=whatever',
        '-out',
        'own.csr',
      )
      const request = readFileSync(join(folder, 'own.csr'), 'utf8')
      const good = await authority.issue({ name: 'home:good', kind: 'client', days: 9_999, request })
      expect(good.key).toBeUndefined()
      const bad = await authority.issue({ name: 'home:bad', kind: 'client', days: 9_999 })
      await authority.revoke('home:bad')
      writeFileSync(join(folder, 'good.crt'), good.certificate)
      writeFileSync(join(folder, 'bad.crt'), bad.certificate)
      const verify = (file: string) =>
        openssl(
          'verify',
          '-attime',
          String(NOW_MS / 1_000),
          '-crl_check',
          '-CRLfile',
          'ca/crl.pem',
          '-CAfile',
          'ca/ca.crt',
          '-purpose',
          'sslclient',
          file,
        )
      expect(verify('good.crt')).toMatchObject({ status: 0 })
      expect(verify('bad.crt').words).toContain('certificate revoked')
      const bytes = Buffer.from(request.replace(/-----.*-----/g, ''), 'base64')
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      const tampered = `-----BEGIN CERTIFICATE REQUEST-----
${bytes.toString('base64')}
-----END CERTIFICATE REQUEST-----
`
      await expect(authority.issue({ name: 'home:x', kind: 'client', days: 1, request: tampered })).rejects.toMatchObject({ code: 'MDL_CA_INVALID' })
    },
  )
})
