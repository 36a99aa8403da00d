/** The receivers that docs/webhooks.md shows, in TypeScript and Python, run as they stand there against a real server; the drill of the command line raises what they hear. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CrashServer, freePort, startCrashServer } from './crash-server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const WAIT_MS = 120_000
const SOON = { timeout: 20_000 }
const hasPython = spawnSync('python3', ['--version']).status === 0

/** The block of a language, with the secret and the port of the test in the places of the sample's. */
function receiverOf(language: string, port: number): string {
  const page = readFileSync(join(ROOT, 'docs', 'webhooks.md'), 'utf8')
  const [, code = ''] = new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, 's').exec(page) ?? []
  expect(code).toContain('whsec_...')
  expect(code).toContain('9000')
  return code.replaceAll('whsec_..."', `${SECRET}"`).replaceAll("whsec_...'", `${SECRET}'`).replaceAll('9000', String(port))
}

describe('the receivers of docs/webhooks.md', () => {
  let folder = ''
  let server: CrashServer | undefined
  const children: ChildProcess[] = []
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${server?.httpPort}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const mendline = (...verb: string[]) =>
    new Promise<{ code: number | null; out: string; error: string }>((resolve) => {
      const env = { ...process.env, MENDLINE_API_KEY: 'dev', MENDLINE_URL: `http://127.0.0.1:${server?.httpPort}` }
      const child = spawn(process.execPath, ['cli.ts', ...verb], { cwd: ROOT, env })
      let [out, error] = ['', '']
      child.stdout.on('data', (chunk) => (out += String(chunk)))
      child.stderr.on('data', (chunk) => (error += String(chunk)))
      child.once('exit', (code) => resolve({ code, out, error }))
    })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'webhook-docs-'))
    // The sample finds its package as a user's does.
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    server = await startCrashServer({ data: join(folder, 'data'), mqttPort: await freePort(), httpPort: await freePort() })
  }, WAIT_MS)
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each([
    ['ts', 'receiver.ts', process.execPath],
    ['python', 'receiver.py', 'python3'],
  ])(
    'in %s have at most 20 lines, take a drill of the command line, each event once, and refuse what is not signed',
    { timeout: WAIT_MS },
    async (language, name, program) => {
      if (language === 'python' && !hasPython) return void console.log('there is no python3 here: its receiver was not run')
      const port = await freePort()
      const code = receiverOf(language, port)
      expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(20)
      const file = join(folder, name)
      writeFileSync(file, code)
      const child = spawn(program, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
      children.push(child)
      let heard = ''
      child.stdout?.on('data', (chunk) => (heard += String(chunk)))
      const url = `http://127.0.0.1:${port}/`
      const unsigned = { method: 'POST', body: '{}', headers: { 'webhook-id': 'x', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' } }
      await expect.poll(async () => (await fetch(url, unsigned).catch(() => undefined))?.status, SOON).toBe(401)
      expect((await post('/webhooks', { url, secret: SECRET })).status).toBe(201)

      const drill = await mendline('drill', '--wait', '0')
      expect([drill.code, drill.out]).toEqual([1, expect.stringContaining('raised')])
      const id = /em_\w+/.exec(drill.out)?.[0] ?? ''
      await expect.poll(() => heard, SOON).toContain(`mendline.emergency.raised.v1 ${id}`)
      const acknowledged = await mendline('emergencies', 'ack', id, '--by', 'li')
      expect([acknowledged.code, acknowledged.out]).toEqual([0, expect.stringContaining('resolved')])
      await expect.poll(() => heard, SOON).toContain(`mendline.emergency.resolved.v1 ${id}`)
      const lines = heard.trim().split('\n')
      expect(new Set(lines).size).toBe(lines.length)
      expect(lines.map((line) => line.split(' ')[0])).toEqual(['raised', 'acknowledged', 'resolved'].map((step) => `mendline.emergency.${step}.v1`))
      const list = (await (
        await fetch(`http://127.0.0.1:${server?.httpPort}/api/v1/webhooks`, { headers: { authorization: 'Bearer dev' } })
      ).json()) as {
        items: Array<{ endpoint_id: string }>
      }
      const attempts = await mendline('webhooks', 'attempts', list.items[0]?.endpoint_id ?? '')
      expect(attempts.out).toContain('emergency')
      expect(await mendline('webhooks', 'dead', list.items[0]?.endpoint_id ?? '')).toMatchObject({ code: 0, out: 'none\n' })
      await fetch(`http://127.0.0.1:${server?.httpPort}/api/v1/webhooks/${list.items[0]?.endpoint_id}`, {
        ...{ method: 'DELETE', headers: { authorization: 'Bearer dev' } },
      })
    },
  )

  it('and the drill that somebody takes on in time is reported as such', { timeout: WAIT_MS }, async () => {
    const waiting = mendline('drill', '--class', 'E1', '--wait', '60', '--json')
    const raised = async () => {
      const answer = await mendline('emergencies', '--json')
      const { items } = JSON.parse(answer.out) as { items: Array<{ emergency_id: string; state: string; safety_class: string }> }
      return items.find(({ state, safety_class }) => state === 'raised' && safety_class === 'E1')?.emergency_id
    }
    await expect.poll(raised, { timeout: 30_000, interval: 500 }).toBeDefined()
    expect((await post(`/emergencies/${await raised()}/acknowledge`, { by: 'ann' })).status).toBe(200)
    const report = await waiting
    expect(report).toMatchObject({ code: 0 })
    expect(JSON.parse(report.out)).toMatchObject({ state: 'resolved', acknowledged_by: 'person:ann', acknowledged_ms: expect.any(Number) })
    expect((await mendline('drill', '--wait', 'long')).code).toBe(2)
  })
})
