/**
 * Lock-out of guessing. Failed logins are counted three ways, each with some free and then a delay that doubles: per name and address, per
 * name, and per address. An attempt during a delay is refused unchecked and counts nothing. Nobody locks a device out from elsewhere: the
 * count of a name holds only for addresses that failed under it themselves, and the count of an address never for names that came in from
 * it before. Names are counted as they are given, known or not, so a lock says nothing about what exists. Memory is bounded.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'

export interface Guesses {
  /** Tells whether an attempt is to be refused unchecked. */
  isLocked(name: string, address: string): boolean
  failed(name: string, address: string): void
  succeeded(name: string, address: string): void
  /** Entries in memory, for tests and metrics. */
  count(): number
}

export function createGuesses({ clock, limits }: { readonly clock: Clock; readonly limits: Limits }): Guesses {
  const shared = { clock, limits }
  const pairs = createTally({ ...shared, free: limits.guessesFree_MAX, lockMs_MAX: limits.guessLockMs_MAX })
  const names = createTally({ ...shared, free: limits.nameGuessesFree_MAX, lockMs_MAX: limits.guessLockMs_MAX })
  const addresses = createTally({ ...shared, free: limits.addressGuessesFree_MAX, lockMs_MAX: limits.addressLockMs_MAX })
  /** Pairs that logged in, the one unused for longest first. */
  const welcome = new Set<string>()
  return {
    isLocked(name, address) {
      const from = networkOf(address)
      const pair = keyOf(name, from)
      if (pairs.isLocked(pair)) return true
      if (pairs.has(pair) && names.isLocked(name)) return true
      return addresses.isLocked(from) && !welcome.has(pair)
    },
    failed(name, address) {
      const from = networkOf(address)
      pairs.add(keyOf(name, from))
      names.add(name)
      addresses.add(from)
    },
    succeeded(name, address) {
      const pair = keyOf(name, networkOf(address))
      pairs.forget(pair)
      welcome.delete(pair)
      welcome.add(pair)
      if (welcome.size > limits.guessEntries_MAX) welcome.delete(firstOf(welcome))
    },
    count: () => pairs.size() + names.size() + addresses.size() + welcome.size,
  }
}

interface TallyOptions {
  readonly clock: Clock
  readonly limits: Limits
  /** Failures without a lock. */
  readonly free: number
  readonly lockMs_MAX: number
}

/** Counts failures by key; at the bound of entries the one that failed longest ago is forgotten. */
function createTally({ clock, limits, free, lockMs_MAX }: TallyOptions) {
  const entries = new Map<string, { count: number; untilMs: number; atMs: number }>()
  const find = (key: string): { count: number; untilMs: number; atMs: number } | undefined => {
    const entry = entries.get(key)
    if (entry === undefined || clock.monotonicMs() - entry.atMs < limits.guessForgetMs) return entry
    entries.delete(key)
    return undefined
  }
  return {
    has: (key: string): boolean => find(key) !== undefined,
    isLocked: (key: string): boolean => (find(key)?.untilMs ?? 0) > clock.monotonicMs(),
    add(key: string): void {
      const nowMs = clock.monotonicMs()
      const count = (find(key)?.count ?? 0) + 1
      const over = count - free
      const lockMs = over <= 0 ? 0 : Math.min(lockMs_MAX, limits.guessLockMs * 2 ** Math.min(over - 1, 30))
      entries.delete(key)
      entries.set(key, { count, untilMs: nowMs + lockMs, atMs: nowMs })
      if (entries.size > limits.guessEntries_MAX) entries.delete(firstOf(entries.keys()))
    },
    forget: (key: string): void => void entries.delete(key),
    size: (): number => entries.size,
  }
}

const firstOf = (keys: Iterable<string>): string => {
  for (const key of keys) return key
  return ''
}

/** The space cannot stand in an address, so no name makes the key of another pair. */
const keyOf = (name: string, from: string): string => `${from} ${name}`

/** An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has all. */
function networkOf(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return groups.slice(0, 4).join(':')
}
