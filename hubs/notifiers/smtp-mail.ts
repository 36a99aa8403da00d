/**
 * Sends mail by SMTP: one message to one address over a connection of its own, which is closed when the sender gives the message up, so that
 * a server that hung takes no stale mail when it is back. Certificates of the server are checked; where it offers STARTTLS that is used. A
 * server that does not answer in time, or refuses, is a failure that may be tried again.
 */
import { createTransport } from 'nodemailer'
import { MendlineError } from '#kernel/errors.ts'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly signal: AbortSignal
}

export interface MailSender {
  /** Resolves when the server took the message for the address. @throws MendlineError MDL_HUBS_MAIL_FAILED (retryable) */
  send(mail: Mail): Promise<void>
  stop(): void
}

const TIMEOUT_MS = 8_000

/** `url` as `smtp://user:password@host:587` or `smtps://...`; `from` is the sender's address. */
export function createSmtpMail({ url, from }: { readonly url: string; readonly from: string }): MailSender {
  const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS, dnsTimeout: TIMEOUT_MS }
  const { protocol, hostname, port, username, password } = new URL(url)
  const isSecure = protocol === 'smtps:'
  const login = username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }
  const transport = createTransport({
    ...{ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (isSecure ? 465 : 587) : Number(port), secure: isSecure },
    ...login,
    ...timeouts,
    ...{ disableFileAccess: true, disableUrlAccess: true },
    // A server on the own machine has no certificate that anybody could check.
    ...(isLoopback(hostname) ? { ignoreTLS: !isSecure, tls: { rejectUnauthorized: false } } : {}),
  })
  return {
    async send({ to, subject, text, signal }) {
      const ended = new Promise<never>((_, reject) => {
        const fail = (): void => reject(new Error('the mail server did not answer in time'))
        if (signal.aborted) fail()
        else signal.addEventListener('abort', fail, { once: true })
      })
      try {
        const headers = { 'auto-submitted': 'auto-generated', 'x-priority': '1' }
        await Promise.race([transport.sendMail({ from, to: { name: '', address: to }, subject, text, headers, signal }), ended])
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        throw new MendlineError('MDL_HUBS_MAIL_FAILED', `the mail server did not take the message: ${message}`, { retryable: true, cause })
      }
    },
    stop: () => transport.close(),
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127[.]/.test(host)
