/**
 * `ca` keeps the own certificate authority in the data folder: makes it, issues and revokes certificates of devices, gateways and servers.
 * It works on files and needs no running server; a running one sees the new CRL within a second.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { CertificateAuthority } from '../operations/certificate-authority.ts'
import { addServerFlags, readConfig, type ServerFlags } from './settings.ts'

interface AuthorityFlags extends ServerFlags {
  readonly ca?: string
  readonly days: string
}

/** Opens the authority of a folder; its packages are loaded here, so that no other verb waits for them. */
async function openAuthority(folder: string): Promise<CertificateAuthority> {
  const { createCertificateAuthority } = await import('../operations/certificate-authority.ts')
  return createCertificateAuthority({ folder, clock: systemClock })
}

/** The authority of a data folder. */
export const authorityOf = (dataDir: string): Promise<CertificateAuthority> => openAuthority(join(dataDir, 'ca'))

/** Ten years; devices are issued from it and cannot outlive it. */
export const AUTHORITY_DAYS = 3_650

export function authorityVerbs(program: Command): void {
  const ca = program.command('ca').description('the own certificate authority for devices, gateways and the server')
  const add = (name: string, description: string): Command =>
    addServerFlags(ca.command(name).description(description)).option('--ca <dir>', 'folder of the authority (default: ca in the data folder)')
  add('init', 'make an authority: its key, its certificate and an empty list of revoked ones')
    .option('--days <n>', 'validity', String(AUTHORITY_DAYS))
    .action(init)
  add('issue', 'issue a certificate')
    .argument('<name>', '{tenant}:{principal}, or with --server the host names and addresses separated by commas')
    .option('--days <n>', 'validity', '825')
    .option('--server', 'of a server instead of a device or gateway')
    .option('--csr <file>', 'request (PEM) of somebody who keeps the key; without it a key is made')
    .option('--out <dir>', 'where the files go', '.')
    .action(issue)
  add('revoke', 'revoke a certificate by its serial number, or all of a name').argument('<serial or name>').action(revoke)
  add('list', 'list what was issued').option('--json', 'print JSON').action(list)
}

const open = (flags: AuthorityFlags): Promise<CertificateAuthority> =>
  flags.ca === undefined ? authorityOf(readConfig(flags).dataDir) : openAuthority(flags.ca)

function daysOf({ days }: AuthorityFlags): number {
  const count = Number(days)
  if (Number.isInteger(count) && count >= 1 && count <= 36_500) return count
  throw new MendlineError('MDL_CA_INVALID', '--days is an integer from 1 to 36500')
}

async function init(flags: AuthorityFlags): Promise<void> {
  const authority = await open(flags)
  await authority.init(daysOf(flags))
  console.log(`Made ${authority.files.certificate} (to give away), ${authority.files.key} (keep it secret) and ${authority.files.revoked}.`)
}

async function issue(
  name: string,
  flags: AuthorityFlags & { readonly server?: boolean; readonly csr?: string; readonly out: string },
): Promise<void> {
  const request = flags.csr === undefined ? undefined : readFileSync(flags.csr, 'utf8')
  const base = join(flags.out, name.split(',')[0]?.replace(':', '_') ?? '')
  for (const taken of [`${base}.crt`, ...(request === undefined ? [`${base}.key`] : [])]) {
    if (existsSync(taken)) throw new MendlineError('MDL_CA_INVALID', `${taken} exists; move it away or choose another --out`)
  }
  const kind = flags.server === true ? 'server' : 'client'
  const issued = await (await open(flags)).issue({ name, kind, days: daysOf(flags), request })
  mkdirSync(flags.out, { recursive: true })
  if (issued.key !== undefined) writeFileSync(`${base}.key`, issued.key, { mode: 0o600, flag: 'wx' })
  writeFileSync(`${base}.crt`, issued.certificate)
  console.log(`Made ${base}.crt${issued.key === undefined ? '' : ` and ${base}.key`}, serial number ${issued.serial}.`)
}

async function revoke(serialOrName: string, flags: AuthorityFlags): Promise<void> {
  const revoked = await (await open(flags)).revoke(serialOrName)
  for (const { serial, name } of revoked) console.log(`revoked ${serial} ${name}`)
  if (revoked.length === 0) console.log('it was revoked already')
}

async function list(flags: AuthorityFlags & { readonly json?: boolean }): Promise<void> {
  const issued = (await open(flags)).list()
  if (flags.json === true) console.log(JSON.stringify(issued, null, 2))
  else if (issued.length === 0) console.log('none')
  for (const { serial, name, expires_at_ms, revoked_at_ms } of flags.json === true ? [] : issued) {
    const state = revoked_at_ms === null ? `until ${new Date(expires_at_ms).toISOString()}` : `revoked ${new Date(revoked_at_ms).toISOString()}`
    console.log(`${serial.padEnd(34)}${name}  ${state}`)
  }
}
