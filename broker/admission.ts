/**
 * Admission: how many sockets may stand open, in all and per address, how many of them without a login, and how many logins are
 * checked at one time. At a limit a socket is closed at once; a login waits in order, so that power coming back to a town ends in a
 * wait and not in a collapse.
 */
import type { Limits } from '#kernel/limits.ts'

/** A socket's place; ended when the socket is closed. */
export interface Ticket {
  /** Runs `begin` when a login may be checked; at once while there is room. */
  login(begin: () => void): void
  /** Says that the login is over and the socket is no longer half open. */
  loggedIn(): void
  /** Gives the place back; more calls do nothing. */
  end(): void
}

export interface Admission {
  /** Gives a place, or undefined at a limit. */
  admit(address: string): Ticket | undefined
  /** Open sockets, with and without login. */
  count(): { readonly open: number; readonly halfOpen: number }
}

interface Address {
  open: number
  halfOpen: number
}

export function createAdmission(limits: Limits): Admission {
  const addresses = new Map<string, Address>()
  const waiting: Array<{ begin: () => void; isOver: boolean }> = []
  let open = 0
  let halfOpen = 0
  let logins = 0

  const startLogins = (): void => {
    while (logins < limits.loginsInFlight_MAX) {
      const next = waiting.shift()
      if (next === undefined) return
      if (next.isOver) continue
      logins++
      next.begin()
    }
  }

  const createTicket = (address: string, of: Address): Ticket => {
    let state: 'silent' | 'waiting' | 'checking' | 'in' | 'ended' = 'silent'
    const place = { begin: (): void => {}, isOver: false }
    const leaveHalfOpen = (): void => {
      of.halfOpen--
      halfOpen--
      place.isOver = true
      if (state !== 'checking') return
      logins--
      startLogins()
    }
    return {
      login(begin) {
        if (state !== 'silent') return
        state = 'waiting'
        place.begin = () => {
          state = 'checking'
          begin()
        }
        waiting.push(place)
        startLogins()
      },
      loggedIn() {
        if (state === 'in' || state === 'ended') return
        leaveHalfOpen()
        state = 'in'
      },
      end() {
        if (state === 'ended') return
        if (state !== 'in') leaveHalfOpen()
        state = 'ended'
        open--
        of.open--
        if (of.open === 0) addresses.delete(address)
      },
    }
  }

  return {
    admit(address) {
      const of = addresses.get(address) ?? { open: 0, halfOpen: 0 }
      if (open >= limits.connections_MAX || of.open >= limits.connectionsPerAddress_MAX) return undefined
      if (halfOpen >= limits.halfOpen_MAX || of.halfOpen >= limits.halfOpenPerAddress_MAX) return undefined
      addresses.set(address, of)
      open++
      halfOpen++
      of.open++
      of.halfOpen++
      return createTicket(address, of)
    },
    count: () => ({ open, halfOpen }),
  }
}
