/**
 * An own certificate authority in a folder: its key, its certificate, the list of what it issued, and the list of what it revoked (CRL).
 * Keys are EC P-256 and lie in files of mode 0600. The list is only appended to; the CRL is written whole beside the old one and renamed, so
 * a reader never sees half of it. Certificates of devices carry the login name `{tenant}:{principal}` as CN and are good for clients only.
 */
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { isId } from '#kernel/ids.ts'

/** A certificate that was issued. */
export interface IssuedCertificate {
  readonly serial: string
  readonly name: string
  readonly issued_at_ms: number
  readonly expires_at_ms: number
  readonly revoked_at_ms: number | null
}

export interface NewCertificate {
  /** `{tenant}:{principal}`, or the host names and addresses of a server. */
  readonly name: string
  readonly kind: 'client' | 'server'
  readonly days: number
  /** Request (PEM) of somebody who keeps the key to himself; without it a key is made. */
  readonly request?: string | undefined
}

export interface CertificateAuthority {
  readonly files: { readonly key: string; readonly certificate: string; readonly revoked: string; readonly issued: string }
  /** @throws MendlineError MDL_CA_EXISTS */
  init(days: number): Promise<void>
  /** @throws MendlineError MDL_CA_MISSING, MDL_CA_INVALID */
  issue(wanted: NewCertificate): Promise<{ readonly certificate: string; readonly key: string | undefined; readonly serial: string }>
  /** Revokes one serial number, or all certificates of a name; gives those it revoked. @throws MendlineError MDL_CA_MISSING, MDL_CA_INVALID */
  revoke(serialOrName: string): Promise<readonly IssuedCertificate[]>
  /** Oldest first. @throws MendlineError MDL_CA_MISSING */
  list(): readonly IssuedCertificate[]
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
/** The next CRL comes when something is revoked, and its readers watch the file; the field is set far ahead for those that insist on it. */
const CRL_DAYS = 3_650

export function createCertificateAuthority({ folder, clock }: { readonly folder: string; readonly clock: Clock }): CertificateAuthority {
  const file = (name: string): string => join(folder, name)
  const files = { key: file('ca.key'), certificate: file('ca.crt'), revoked: file('crl.pem'), issued: file('issued.jsonl') }

  const list = (): readonly IssuedCertificate[] => {
    if (!existsSync(files.key)) throw new MendlineError('MDL_CA_MISSING', `there is no authority in ${folder}; \`mendline ca init\` makes one`)
    return existsSync(files.issued) ? fold(readFileSync(files.issued, 'utf8')) : []
  }
  const note = (line: object): void => appendFileSync(files.issued, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true })
  const open = async (): Promise<{ readonly certificate: x509.X509Certificate; readonly key: webcrypto.CryptoKey }> => ({
    certificate: new x509.X509Certificate(readFileSync(files.certificate, 'utf8')),
    key: await privateKey(readFileSync(files.key, 'utf8')),
  })
  const writeRevoked = async (): Promise<void> => {
    const { certificate, key } = await open()
    let written = -1
    // Somebody may have revoked another one meanwhile; then the list is written again.
    for (let revoked = revokedOf(list()); written !== revoked.length; revoked = revokedOf(list())) {
      written = revoked.length
      replace(files.revoked, await makeRevoked({ certificate, key, revoked, nowMs: clock.now() }))
    }
  }

  return {
    files,
    list,
    async init(days) {
      if (existsSync(files.key)) throw new MendlineError('MDL_CA_EXISTS', `there is an authority in ${folder} already; nothing was changed`)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const keys = await makeKeys()
      const certificate = await makeOwn(keys, clock.now(), days)
      writeFileSync(files.certificate, `${certificate.toString('pem')}\n`, { flush: true })
      writeFileSync(files.key, await pemOf(keys.privateKey), { mode: 0o600, flag: 'wx', flush: true })
      await writeRevoked()
    },
    async issue(wanted) {
      list()
      const subject = subjectOf(wanted)
      const keys = wanted.request === undefined ? await makeKeys() : undefined
      const publicKey = keys?.publicKey ?? (await requestedKey(wanted.request ?? ''))
      const { certificate: issuer, key: signingKey } = await open()
      const nowMs = clock.now()
      const untilMs = Math.min(nowMs + wanted.days * DAY_MS, issuer.notAfter.getTime())
      const certificate = await x509.X509CertificateGenerator.create({
        subject: [{ CN: [subject] }],
        issuer: issuer.subjectName.toJSON(),
        notBefore: new Date(nowMs - BACKDATED_MS),
        notAfter: new Date(untilMs),
        publicKey,
        signingKey,
        signingAlgorithm: ALGORITHM,
        extensions: await leafExtensions(wanted, publicKey, issuer),
      })
      const serial = serialOf(certificate.serialNumber)
      note({ serial, name: wanted.name, issued_at_ms: nowMs, expires_at_ms: untilMs })
      return { certificate: `${certificate.toString('pem')}\n`, key: keys === undefined ? undefined : await pemOf(keys.privateKey), serial }
    },
    async revoke(serialOrName) {
      const matching = list().filter(({ serial, name }) => serial === serialOf(serialOrName) || name === serialOrName)
      if (matching.length === 0) throw new MendlineError('MDL_CA_INVALID', `no certificate has the serial number or name ${serialOrName}`)
      const revoked = matching.filter((each) => each.revoked_at_ms === null)
      for (const { serial } of revoked) note({ serial, revoked_at_ms: clock.now() })
      await writeRevoked()
      return list().filter(({ serial }) => revoked.some((each) => each.serial === serial))
    },
  }
}

/** A device's clock may be a little behind; its certificate is good from the start. */
const BACKDATED_MS = 3_600_000

/** Serial number as it is compared: upper case hex without leading zeros, as Node gives it. */
const serialOf = (serial: string): string => serial.toUpperCase().replace(/^0+(?=.)/, '')

const revokedOf = (issued: readonly IssuedCertificate[]): readonly IssuedCertificate[] => issued.filter(({ revoked_at_ms }) => revoked_at_ms !== null)

function fold(lines: string): readonly IssuedCertificate[] {
  const bySerial = new Map<string, IssuedCertificate>()
  for (const line of lines.split('\n').filter((text) => text !== '')) {
    const entry = JSON.parse(line) as Partial<IssuedCertificate> & { readonly serial: string }
    const known = bySerial.get(entry.serial)
    if (known === undefined) bySerial.set(entry.serial, { ...(entry as IssuedCertificate), revoked_at_ms: null })
    else bySerial.set(entry.serial, { ...known, ...entry })
  }
  return [...bySerial.values()]
}

function replace(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { flush: true })
  renameSync(`${path}.new`, path)
}

const makeKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`

const privateKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign'])

async function makeOwn(keys: webcrypto.CryptoKeyPair, nowMs: number, days: number): Promise<x509.X509Certificate> {
  const serial = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex')
  return x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Mendline CA ${serial}`] }],
    keys,
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
}

function subjectOf({ name, kind }: NewCertificate): string {
  if (kind === 'server') {
    const hosts = name.split(',')
    if (hosts.every((host) => /^[A-Za-z0-9.:-]{1,253}$/.test(host))) return hosts[0] ?? ''
    throw new MendlineError('MDL_CA_INVALID', 'a server is named by host names and addresses, separated by commas')
  }
  const [tenant = '', id = '', ...rest] = name.split(':')
  if (isId(tenant) && isId(id) && rest.length === 0) return name
  throw new MendlineError('MDL_CA_INVALID', 'the name is {tenant}:{principal}, each 1 to 64 letters, digits, _ or -')
}

async function requestedKey(pem: string): Promise<webcrypto.CryptoKey> {
  let isOwn = false
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    isOwn = await request.verify()
    if (isOwn) return await request.publicKey.export()
  } catch (cause) {
    throw new MendlineError('MDL_CA_INVALID', 'the request is no PKCS #10 in PEM', { cause })
  }
  throw new MendlineError('MDL_CA_INVALID', 'the request is not signed by its own key')
}

async function leafExtensions(
  { name, kind }: NewCertificate,
  publicKey: webcrypto.CryptoKey,
  issuer: x509.X509Certificate,
): Promise<x509.Extension[]> {
  const usage = kind === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ]
  if (kind === 'client') return extensions
  const hosts = name.split(',').map((host) => ({ type: isIP(host) > 0 ? ('ip' as const) : ('dns' as const), value: host }))
  return [...extensions, new x509.SubjectAlternativeNameExtension(hosts)]
}

async function makeRevoked(parts: {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
  readonly revoked: readonly IssuedCertificate[]
  readonly nowMs: number
}): Promise<string> {
  const { certificate, key, revoked, nowMs } = parts
  const crl = await x509.X509CrlGenerator.create({
    issuer: certificate.subjectName.toJSON(),
    thisUpdate: new Date(nowMs),
    nextUpdate: new Date(nowMs + CRL_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    signingKey: key,
    entries: revoked.map(({ serial, revoked_at_ms }) => ({
      serialNumber: serial.length % 2 === 0 ? serial : `0${serial}`,
      revocationDate: new Date(revoked_at_ms ?? nowMs),
      // Without a reason the package writes an empty list of extensions, which OpenSSL does not read.
      reason: x509.X509CrlReason.cessationOfOperation,
    })),
  })
  // The package's own label, CRL, is none that OpenSSL or Node know.
  return `${x509.PemConverter.encode(crl.rawData, 'X509 CRL')}\n`
}
