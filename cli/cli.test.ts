import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const wrapper = join(root, 'bin', 'mendline.mjs')
const folder = mkdtempSync(join(tmpdir(), 'mendline-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Servers of the running test; a test that fails leaves none behind. */
const servers = new Set<ChildProcess>()
afterEach(async () => {
  for (const server of servers) {
    server.kill('SIGTERM')
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  }
  servers.clear()
})

let count = 0
const place = (): string => join(folder, String(count++))

/** Runs a verb through the wrapper, in a folder without settings. */
function mendline(args: readonly string[], environment: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [wrapper, ...args], { cwd: folder, env: { PATH: process.env.PATH ?? '', ...environment } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

/** Starts a server verb and waits for its line; `child` is the wrapper. */
async function serve(
  args: readonly string[],
): Promise<{ child: ChildProcess; mqtt: string; http: string; stop(signal: NodeJS.Signals): Promise<number | null> }> {
  const child = spawn(process.execPath, [wrapper, 'serve', '--mqtt-port', '0', '--http-port', '0', '--log-level', 'error', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servers.add(child)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const stop = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exited
  }
  for await (const line of createInterface({ input: child.stdout })) {
    const [, mqtt, http] = /^ready mqtt=(\S+) http=(\S+)$/.exec(line) ?? []
    if (mqtt === undefined || http === undefined) throw new Error(`not the ready line: ${line}`)
    return { child, mqtt, http, stop }
  }
  throw new Error(`the server ended with ${await exited}`)
}

describe('exit codes', () => {
  it.each<readonly [string, readonly string[], number, RegExp]>([
    ['help', ['--help'], 0, /serve/],
    ['the version', ['--version'], 0, /^\d+\.\d+\.\d+/],
    ['an unknown verb', ['fly'], 2, /unknown command/],
    ['an unknown flag', ['serve', '--fast'], 2, /unknown option/],
    ['a missing flag', ['replay', 'x.csv'], 2, /--map/],
    ['a setting that cannot be', ['serve', '--mqtt-port', 'x'], 2, /mqtt\.port/],
    ['a folder that was not initialised', ['serve', '--data', join(folder, 'none')], 2, /mendline init/],
    ['a client verb without a key', ['devices'], 2, /MENDLINE_API_KEY/],
    ['a server that does not answer', ['devices', '--key', 'dev', '--url', 'http://127.0.0.1:1'], 1, /does not answer/],
    ['a valid configuration', ['serve', '--check'], 0, /valid/],
  ])('tell %s', async (_name, args, code, words) => {
    const ended = await mendline(args)
    expect([ended.code, ended.out + ended.err]).toEqual([code, expect.stringMatching(words)])
  })
  it.each([
    ['mqtt.port', ['--mqtt-port', 'TAKEN', '--http-port', '0']],
    ['http.port', ['--mqtt-port', '0', '--http-port', 'TAKEN']],
  ])('name the setting of a port that is taken: %s', { timeout: 30_000 }, async (setting, flags) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const ports = flags.map((flag) => flag.replace('TAKEN', String(port)))
    const { code, err } = await mendline(['serve', '--dev', '--data', place(), '--log-level', 'error', ...ports])
    other.close()
    expect([code, err]).toEqual([1, expect.stringContaining(`MDL_CONFIG_PORT: ${setting}: port ${port} on 127.0.0.1 is taken`)])
    expect(err).not.toContain('    at ')
  })
  it('say what is missing when nothing is installed', async () => {
    const bare = place()
    const { mkdirSync, copyFileSync } = await import('node:fs')
    mkdirSync(join(bare, 'bin'), { recursive: true })
    copyFileSync(wrapper, join(bare, 'bin', 'mendline.mjs'))
    const ended = await new Promise<string>((resolve) => {
      execFile(process.execPath, [join(bare, 'bin', 'mendline.mjs')], (error, _out, err) => resolve(`${error?.code} ${err}`))
    })
    expect(ended).toMatch(/^2 .*npm ci/)
  })
})

describe('init and serve', () => {
  it('make a working installation whose key opens the API, once, and stop cleanly on SIGTERM', async () => {
    const [data, config] = [place(), `${place()}.yaml`]
    const made = await mendline(['init', '--data', data, '--config', config])
    const token = /^mdl_\S+$/m.exec(made.out)?.[0] ?? ''
    expect([made.code, existsSync(join(data, 'mendline.json'))]).toEqual([0, true])
    expect(readFileSync(config, 'utf8')).not.toContain(token)
    expect((await mendline(['init', '--data', data, '--config', config])).code).toBe(2)
    const server = await serve(['--config', config])
    const status = async (key: string) => (await fetch(`${server.http}/api/v1/devices`, { headers: { authorization: `Bearer ${key}` } })).status
    expect([await status(token), await status('dev')]).toEqual([200, 401])
    expect(await server.stop('SIGTERM')).toBe(0)
    const checked = await mendline(['db', 'check', '--config', config])
    expect([checked.code, checked.out]).toEqual([0, expect.stringContaining('whole')])
    expect((await mendline(['db', 'stats', '--config', config])).out).toMatch(/1 rows {2}api_keys/)
  }, 60_000)
  it('stop in order when the process that started the server is killed', { timeout: 30_000 }, async () => {
    const { child, http, stop } = await serve(['--dev', '--data', place()])
    expect((await fetch(`${http}/livez`)).status).toBe(200)
    // The server shares the pipe of its starter, so the pipe ends with the server.
    const silent = once(child.stdout ?? process.stdout, 'close')
    await stop('SIGKILL')
    await silent
    await expect(fetch(`${http}/livez`)).rejects.toThrow()
  })
  it('never write into a folder that holds other things', async () => {
    writeFileSync(join(folder, 'precious.txt'), 'x')
    expect((await mendline(['init', '--data', folder, '--config', `${place()}.yaml`])).code).toBe(2)
  })
})

describe('replay', () => {
  it('stores every sample once, also when the recording is sent twice', async () => {
    const server = await serve(['--dev', '--data', place()])
    const csv = `${place()}.csv.gz`
    const lines = Array.from(
      { length: 250 },
      (_, index) => `11/06/2012 00:0${Math.floor(index / 60)}:${String(index % 60).padStart(2, '0')};${index % 90};0`,
    )
    writeFileSync(csv, gzipSync([...lines, 'broken;1;1', '11/06/2012 01:00:00;;'].join('\n')))
    const map = join(root, 'docs', 'examples', 'tracebase.yaml')
    const environment = { MENDLINE_URL: server.http, MENDLINE_API_KEY: 'dev' }
    const common = [csv, '--map', map, '--device', 'fridge-1', '--keep-times', '--boot', '7', '--mqtt', server.mqtt]
    const first = await mendline(['replay', ...common, '--type', 'plug_power', '--create'], environment)
    expect([first.code, first.err]).toEqual([0, expect.stringContaining('csv.gz:251 the time is not')])
    expect(JSON.parse(first.out)).toMatchObject({ samples: 250, acknowledged: 250, bad_rows: 1, empty_rows: 1, boot: 7 })
    const secret = /shown this once: (\S+)/.exec(first.err)?.[1] ?? ''
    expect((await mendline(['replay', ...common], { ...environment, MENDLINE_DEVICE_SECRET: secret })).code).toBe(0)
    const refused = await mendline(['replay', ...common], { ...environment, MENDLINE_DEVICE_SECRET: 'wrong' })
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('MDL_BROKER_BAD_CREDENTIALS')])
    const keys = async () => {
      const answer = await fetch(`${server.http}/api/v1/readings/raw?device=fridge-1`, { headers: { authorization: 'Bearer dev' } })
      return (await answer.text())
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { boot: number; seq: number; observed_at_ms: number })
    }
    await expect.poll(async () => (await keys()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(250)
    expect((await keys()).map(({ boot, seq }) => `${boot}/${seq}`)).toEqual(lines.map((_, index) => `7/${index}`))
    expect((await keys())[0]?.observed_at_ms).toBe(Date.UTC(2012, 5, 10, 22))
    expect(await server.stop('SIGINT')).toBe(0)
  }, 90_000)
})
