/**
 * Guards where webhooks may go (server-side request forgery): only https to public addresses, unless a setting allows loopback or
 * named ranges. The name is resolved once for each connection, every answer is checked, and the connection is made to the address
 * that was checked, so that a name cannot change its mind in between.
 */
import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { MendlineError } from '#kernel/errors.ts'

export interface TargetSettings {
  /** Lets http and loopback through (`--dev`, demo, tests). */
  readonly allowLoopback: boolean
  /** Ranges in CIDR notation that are allowed although private, also by http. */
  readonly allowRanges: readonly string[]
}

export interface TargetGuard {
  /** Checks what can be known without resolving. @throws MendlineError MDL_HUBS_WEBHOOK_TARGET_REFUSED */
  checkUrl(url: string): URL
  /** Lookup for a socket's connect: fails when any address of the name is refused. */
  readonly lookup: LookupFunction
  /** The same for plain http: every address must be loopback or in an allowed range, so that no order goes to the internet in the clear. */
  readonly plainLookup: LookupFunction
}

/** Lookup of all addresses of a name, as `dns.lookup` with `all`. */
export type ResolveAll = (name: string, done: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void) => void

const URL_LENGTH_MAX = 2_000

/** Addresses that are not the public internet: private, loopback, link-local, carrier NAT, documentation, multicast, reserved (IANA special-purpose registries). */
const REFUSED = ranges([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // Translated and tunnelled IPv4 (NAT64, Teredo, 6to4) is refused whole: it may end at a private IPv4 address.
  ...[
    '::/128',
    '::1/128',
    '::/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/32',
    '::ffff:0:0:0/96',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
    '5f00::/16',
    'fc00::/7',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
  ],
])
const LOOPBACK = ranges(['127.0.0.0/8', '::1/128'])

/** Creates the guard; `resolve` stands in for the system's resolver in tests. */
export function createTargetGuard(settings: TargetSettings, resolve: ResolveAll = resolveBySystem): TargetGuard {
  const allowed = ranges(settings.allowRanges)
  const isExempt = (address: string): boolean => contains(allowed, address) || (settings.allowLoopback && contains(LOOPBACK, address))
  const isAllowed = (address: string): boolean => isExempt(address) || (isIP(address) !== 0 && !contains(REFUSED, address))
  return {
    checkUrl(text) {
      const url = parseUrl(text)
      const host = url.hostname.replace(/^\[|\]$/g, '').replace(/[.]$/, '')
      if (isIP(host) !== 0 && !isAllowed(host)) throw refused('the address is private or reserved', host)
      const isLocalName = host === 'localhost' || host.endsWith('.localhost')
      if (isLocalName && !settings.allowLoopback) throw refused('the address is private or reserved', host)
      // Plain http carries orders in the clear; it is for receivers on the own machine or an allowed network.
      if (
        url.protocol === 'http:' &&
        !(isExempt(host) || (isLocalName && settings.allowLoopback) || (isIP(host) === 0 && settings.allowRanges.length > 0))
      ) {
        throw refused('a public receiver needs https', host)
      }
      return url
    },
    lookup: checkedLookup(resolve, isAllowed, 'the name has a private or reserved address'),
    plainLookup: checkedLookup(resolve, isExempt, 'a public receiver needs https'),
  }
}

/** Lookup that fails when the name has no address, or one that `isAllowed` refuses. */
function checkedLookup(resolve: ResolveAll, isAllowed: (address: string) => boolean, reason: string): LookupFunction {
  return (name, options, done) => {
    resolve(name, (error, addresses) => {
      const first = addresses[0]
      if (error !== null) done(error, '')
      else if (first === undefined) done(refused('the name has no address', name), '')
      else if (addresses.some(({ address }) => !isAllowed(address))) done(refused(reason, name), '')
      else if (options.all === true) done(null, [...addresses])
      else done(null, first.address, first.family)
    })
  }
}

function parseUrl(text: string): URL {
  const url = text.length <= URL_LENGTH_MAX && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused('the URL is malformed or neither https nor http', '')
  if (url.username !== '' || url.password !== '') throw refused('the URL carries credentials', url.hostname)
  return url
}

const refused = (reason: string, host: string): MendlineError => new MendlineError('MDL_HUBS_WEBHOOK_TARGET_REFUSED', reason, { details: { host } })

const resolveBySystem: ResolveAll = (name, done) => systemLookup(name, { all: true }, (error, addresses) => done(error, addresses ?? []))

function ranges(list: readonly string[]): BlockList {
  const blocks = new BlockList()
  for (const entry of list) {
    const [address = '', prefix = ''] = entry.split('/')
    const family = isIP(address)
    const bits = Number(prefix)
    if (family === 0 || prefix === '' || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) {
      throw new MendlineError('MDL_CONFIG_INVALID', `${entry} is no address range`)
    }
    blocks.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return blocks
}

/** IPv6 forms of an IPv4 address (`::ffff:10.0.0.1`) count as that IPv4 address. */
function contains(blocks: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && blocks.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
