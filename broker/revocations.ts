/**
 * Certificates that were revoked: the CRL file of the authority, read at start and again whenever it changes, without a restart. Whether a
 * certificate is on it is asked at each login by certificate; after a change the sessions of those on it end. A file that cannot be read or
 * is not signed by the authority changes nothing and is reported; at start it is refused.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import type { TlsSettings } from './listeners.ts'

export interface Revocations {
  /** Reads the file. @throws MendlineError MDL_CONFIG_INVALID */
  start(): Promise<void>
  stop(): void
  isRevoked(serial: string): boolean
}

export interface RevocationPorts {
  /** CA (PEM) and its CRL; without a CRL nothing is ever revoked. */
  readonly tls: Pick<TlsSettings, 'ca' | 'crlFile'> | undefined
  readonly clock: Clock
  readonly log: Log
  /** Told after each change of the list. */
  readonly onChanged: (isRevoked: (serial: string) => boolean) => void
}

/** The file is looked at this often: a revocation takes effect within a second. */
const LOOK_MS = 250

export function createRevocations({ tls, clock, log, onChanged }: RevocationPorts): Revocations {
  const file = tls?.crlFile
  let revoked: ReadonlySet<string> = new Set()
  let seen = ''
  let cancel = (): void => {}
  let isStopped = false

  const isRevoked = (serial: string): boolean => revoked.has(serialOf(serial))
  const look = async (): Promise<void> => {
    if (file === undefined) return
    const { mtimeMs, size, ino } = await stat(file)
    const version = `${mtimeMs}/${size}/${ino}`
    if (version === seen) return
    seen = version
    revoked = await readRevoked(await readFile(file), tls?.ca ?? '')
    onChanged(isRevoked)
  }
  const schedule = (): void => {
    if (isStopped || file === undefined) return
    cancel = clock.after(LOOK_MS, () => {
      look()
        .catch((cause: unknown) => {
          log.error('the list of revoked certificates cannot be read; the one before holds', { file, cause: String(cause) })
        })
        .finally(schedule)
    })
  }
  return {
    async start() {
      try {
        await look()
      } catch (cause) {
        throw new MendlineError('MDL_CONFIG_INVALID', `mqtts.crl_file: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
      }
      schedule()
    },
    stop() {
      isStopped = true
      cancel()
    },
    isRevoked,
  }
}

/** Serial number as it is compared: upper case hex without leading zeros. */
const serialOf = (serial: string): string => serial.toUpperCase().replace(/^0+(?=.)/, '')

async function readRevoked(pem: Buffer, authorities: string | Buffer): Promise<ReadonlySet<string>> {
  // Loaded here, since most installations have no certificates and must not pay its start.
  await import('reflect-metadata')
  const { PemConverter, X509Certificate, X509Crl } = await import('@peculiar/x509')
  const crl = new X509Crl(PemConverter.decodeFirst(pem.toString('utf8')))
  for (const authority of PemConverter.decode(authorities.toString())) {
    if (await crl.verify({ publicKey: new X509Certificate(authority) })) return new Set(crl.entries.map(({ serialNumber }) => serialOf(serialNumber)))
  }
  throw new Error('the list is not signed by an authority of ca_file')
}
