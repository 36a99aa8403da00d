/** Keys, certificates and issuers that the settings name: read at start, private parts as a type that never prints. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** A value that never shows in logs, JSON or messages; `reveal` gives it to who needs it. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

export interface TlsFiles {
  readonly key: Secret
  readonly cert: string
  readonly ca?: string
}

export interface ConfigFault {
  readonly path: string
  readonly reason: string
}

/** Issuers of tokens by tenant: `{"home": {"issuer": "...", "keys": [JWK, ...]}}`; the keys themselves are checked at the start of the broker. */
export function issuersOf(path: string | undefined, faults: ConfigFault[]): Readonly<Record<string, { issuer: string; keys: object[] }>> {
  if (path === undefined) return {}
  try {
    const issuers = JSON.parse(readFileSync(path, 'utf8')) as Record<string, { issuer?: unknown; keys?: unknown }>
    for (const [tenant, entry] of Object.entries(issuers)) {
      if (typeof entry?.issuer === 'string' && entry.issuer !== '' && Array.isArray(entry.keys)) continue
      faults.push({ path: 'jwt.issuers_file', reason: `tenant ${tenant} needs issuer (text) and keys (list of JWK)` })
    }
    return issuers as Record<string, { issuer: string; keys: object[] }>
  } catch (error) {
    faults.push({ path: 'jwt.issuers_file', reason: error instanceof Error ? error.message : String(error) })
    return {}
  }
}

interface TlsPaths {
  readonly key_file?: string
  readonly cert_file?: string
  readonly ca_file?: string
}

/** Key and certificate of a door, undefined when the settings name none; what cannot be read is a fault. */
export function tlsFiles(section: string, paths: TlsPaths, faults: ConfigFault[]): TlsFiles | undefined {
  if (paths.key_file === undefined && paths.cert_file === undefined) {
    if (paths.ca_file !== undefined) faults.push({ path: `${section}.ca_file`, reason: 'needs key_file and cert_file' })
    return undefined
  }
  const read = (name: keyof TlsPaths): string => {
    const path = paths[name]
    if (path === undefined) {
      faults.push({ path: `${section}.${name}`, reason: 'is missing; TLS needs key_file and cert_file' })
      return ''
    }
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      faults.push({ path: `${section}.${name}`, reason: error instanceof Error ? error.message : String(error) })
      return ''
    }
  }
  const files = { key: new Secret(read('key_file')), cert: read('cert_file') }
  return paths.ca_file === undefined ? files : { ...files, ca: read('ca_file') }
}

/** The CRL is given as a path, since it is read again while the program runs. */
export function crlOf(paths: TlsPaths & { readonly crl_file?: string }, faults: ConfigFault[]): { readonly crlFile?: string } {
  if (paths.crl_file === undefined) return {}
  if (paths.ca_file === undefined) faults.push({ path: 'mqtts.crl_file', reason: 'needs ca_file' })
  return { crlFile: resolve(paths.crl_file) }
}
