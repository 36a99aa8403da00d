/**
 * Certificates of the OPC UA gateways in one folder: the own one with its key, made at the first start, the servers that are trusted and
 * those that were refused, each as a DER file named by its SHA-256. A server is trusted by its very certificate; nobody is trusted at first
 * sight. The folder is read at each check, so that a trust step needs no restart.
 */
import 'reflect-metadata'
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { type OPCUAClientOptions, StatusCodes } from 'node-opcua-client'
import type { Clock } from '#kernel/clock.ts'

type CertificateStore = Exclude<
  NonNullable<OPCUAClientOptions['clientCertificateManager']>,
  { readonly automaticallyAcceptUnknownCertificate: boolean }
>

export interface OpcuaPki {
  readonly certificateFile: string
  readonly keyFile: string
  readonly applicationUri: string
  readonly folders: { readonly trusted: string; readonly rejected: string }
  /** Makes folders, key and certificate where they are absent. */
  prepare(): Promise<void>
  /** What the client asks about a server's certificate. */
  store(onRefused: (certificate: ServerCertificate) => void): CertificateStore
  trust(der: Uint8Array): ServerCertificate
  isTrusted(der: Uint8Array): boolean
}

/** What people compare. */
export interface ServerCertificate {
  /** SHA-256 of the DER bytes, pairs of hex digits separated by colons. */
  readonly fingerprint: string
  readonly subject: string
  readonly valid_to: string
  readonly application_uri: string
}

const YEARS = 10
const YEAR_MS = 365 * 86_400_000
const BACKDATED_MS = 3_600_000
const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }

export function createOpcuaPki({ folder, clock }: { readonly folder: string; readonly clock: Clock }): OpcuaPki {
  const folders = { trusted: join(folder, 'trusted'), rejected: join(folder, 'rejected') }
  const certificateFile = join(folder, 'own.crt')
  const keyFile = join(folder, 'own.key')
  const applicationUri = `urn:${hostname()}:mendline`
  const fileOf = (place: string, der: Uint8Array): string => join(place, `${sha256(der)}.der`)
  const isTrusted = (der: Uint8Array): boolean => existsSync(fileOf(folders.trusted, der))

  return {
    certificateFile,
    keyFile,
    applicationUri,
    folders,
    async prepare() {
      for (const place of [folder, folders.trusted, folders.rejected]) mkdirSync(place, { recursive: true, mode: 0o700 })
      if (existsSync(certificateFile) && existsSync(keyFile)) return
      const { certificate, key } = await makeOwn(applicationUri, clock.now())
      writeFileSync(keyFile, key, { mode: 0o600, flush: true })
      writeFileSync(certificateFile, certificate, { flush: true })
    },
    store(onRefused) {
      const check = (given: Uint8Array | Uint8Array[]): typeof StatusCodes.Good => {
        const der = Array.isArray(given) ? (given[0] ?? new Uint8Array(0)) : given
        if (!isTrusted(der)) {
          writeFileSync(fileOf(folders.rejected, der), der)
          onRefused(describeCertificate(der))
          return StatusCodes.BadCertificateUntrusted
        }
        const { validFrom, validTo } = new X509Certificate(der)
        const isNow = Date.parse(validFrom) <= clock.now() && clock.now() <= Date.parse(validTo)
        return isNow ? StatusCodes.Good : StatusCodes.BadCertificateTimeInvalid
      }
      return {
        referenceCounter: 0,
        initialize: async () => {},
        dispose: async () => {},
        checkCertificate: async (given) => check(given),
        verifyCertificate: async (given) => check(given).name,
        getTrustStatus: async (given) => check(given),
        trustCertificate: async () => {},
        rejectCertificate: async () => {},
        addIssuer: async () => undefined,
        addRevocationList: async () => undefined,
      }
    },
    trust(der) {
      mkdirSync(folders.trusted, { recursive: true, mode: 0o700 })
      writeFileSync(fileOf(folders.trusted, der), der, { flush: true })
      rmSync(fileOf(folders.rejected, der), { force: true })
      return describeCertificate(der)
    },
    isTrusted,
  }
}

const sha256 = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex')

/** Reads what a person compares before he trusts. */
export function describeCertificate(der: Uint8Array): ServerCertificate {
  const certificate = new X509Certificate(der)
  return {
    fingerprint: certificate.fingerprint256,
    subject: certificate.subject.replaceAll('\n', ', '),
    valid_to: new Date(certificate.validTo).toISOString(),
    application_uri: /URI:([^,]+)/.exec(certificate.subjectAltName ?? '')?.[1] ?? '',
  }
}

/** OPC UA part 6, 6.2.2: the application's URI stands in the certificate, and a server refuses a client where the two differ. */
async function makeOwn(applicationUri: string, nowMs: number): Promise<{ readonly certificate: string; readonly key: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const usage = x509.KeyUsageFlags
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['Mendline OPC UA gateway'] }],
    keys,
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + YEARS * YEAR_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(
        usage.digitalSignature | usage.nonRepudiation | usage.keyEncipherment | usage.dataEncipherment | usage.keyCertSign,
        true,
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: applicationUri },
        { type: 'dns', value: hostname() },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`
  return { certificate: `${certificate.toString('pem')}\n`, key }
}
