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
async function mailServer(mood: 'takes' | 'refuses' | 'hangs') {
  const messages: Array<{ to: string[]; body: string }> = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) => (mood === 'refuses' ? done(new Error('550 no such person')) : mood === 'takes' ? done() : undefined),
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
  const send = (timeoutMs = 5_000) =>
    mail.send({ to: 'li@example.com', subject: '[E0] 燃气', text: 'Leave the house', signal: AbortSignal.timeout(timeoutMs) })
  return { messages, send }
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
})
