/**
 * In development mode anybody on this machine is let in, and a browser is on this machine: a foreign page must not get in through it. So requests
 * must name a loopback host (no DNS rebinding), and one that a page made must come from a page of that host.
 */
import type { IncomingHttpHeaders } from 'node:http'

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether the request names this machine and was not made by a page of another. */
export function isFromThisMachine({ host, origin }: IncomingHttpHeaders): boolean {
  return isLoopback(`http://${host ?? ''}`) && (origin === undefined || isLoopback(origin))
}

const isLoopback = (url: string): boolean => URL.canParse(url) && LOOPBACK_NAMES.has(new URL(url).hostname)
