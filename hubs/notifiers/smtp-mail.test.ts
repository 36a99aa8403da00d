import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { createSmtpMail } from './smtp-mail.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A real SMTP server on loopback that takes or refuses, or answers nothing. */
async function mailServer(mood: 'takes' | 'refuses' | 'hangs' | 'greets late') {
  const greetings: Array<() => void> = []
  const messages: Array<{ to: string[]; body: string }> = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onConnect: (_session, done) => (mood === 'greets late' ? void greetings.push(done) : done()),
    onRcptTo: (_address, _session, done) => (mood === 'refuses' ? done(new Error('550 no such person')) : mood === 'hangs' ? undefined : done()),
    onData(stream, session, done) {
      void text(stream).then((body) => {
        messages.push({ to: session.envelope.rcptTo.map(({ address }) => address), body })
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  const mail = createSmtpMail({ url: `smtp://127.0.0.1:${port}`, from: 'mendline@example.com' })
  cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())), mail.stop)
  const send = (timeoutMs = 5_000, words = 'Leave the house') =>
    mail.send({ to: 'li@example.com', subject: '[E0] 燃气', text: words, signal: AbortSignal.timeout(timeoutMs) })
  /** From now on it greets, those that wait first. */
  const wakeUp = (): void => {
    mood = 'takes'
    for (const greet of greetings) greet()
  }
  return { messages, send, wakeUp }
}

describe('mail by SMTP', () => {
  it('brings the message to the address', async () => {
    const { messages, send } = await mailServer('takes')
    await send()
    expect(messages).toMatchObject([{ to: ['li@example.com'] }])
    expect(messages[0]?.body).toContain('Leave the house')
  })

  it.each(['refuses', 'hangs'] as const)('fails, to be tried again, when the server %s', async (mood) => {
    const { messages, send } = await mailServer(mood)
    await expect(send(500)).rejects.toMatchObject({ code: 'MDL_HUBS_MAIL_FAILED', retryable: true })
    expect(messages).toEqual([])
  })

  it('leaves nothing behind of messages that were given up while the server hung: the next is taken first and alone', async () => {
    const { messages, send, wakeUp } = await mailServer('greets late')
    const stale = await Promise.allSettled(Array.from({ length: 20 }, () => send(300, 'stale')))
    expect(stale.filter(({ status }) => status === 'fulfilled')).toEqual([])
    wakeUp()
    await send(5_000, 'a new danger')
    await send(5_000, 'the next')
    expect(messages.map(({ body }) => /stale|a new danger|the next/.exec(body)?.[0])).toEqual(['a new danger', 'the next'])
  })
})
