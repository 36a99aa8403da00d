/**
 * InfluxDB 2 from its Go module, for one run of the contract suite on a real server. The build takes minutes on one core and needs Go, a
 * Rust toolchain and pkg-config, so it is no part of `npm test`. Its Flux library denies warnings that newer compilers know, so a wrapper
 * caps them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, running, untilAccepts } from '../load/servers.ts'

const VERSION = 'v2.7.12'
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'mendline', 'influxdb')
const program = join(cache, 'influxd')

export const TOKEN = 'contract-suite'
export const ORGANISATION = 'mendline'

export interface InfluxServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server with an organisation of its own, building it first where it is not there; a sentence says why it cannot. */
export async function startInfluxdb(): Promise<InfluxServer | string> {
  const fault = existsSync(program) ? undefined : build()
  if (fault !== undefined) return fault
  const folder = mkdtempSync(join(tmpdir(), 'mendline-influxdb-'))
  const port = await freePort()
  const places = [
    '--bolt-path',
    join(folder, 'influxd.bolt'),
    '--engine-path',
    join(folder, 'engine'),
    '--sqlite-path',
    join(folder, 'influxd.sqlite'),
  ]
  const child = spawn(program, [...places, '--http-bind-address', `127.0.0.1:${port}`, '--reporting-disabled', '--log-level', 'error'], {
    stdio: 'ignore',
  })
  await untilAccepts(port)
  const url = `http://127.0.0.1:${port}`
  await post(`${url}/api/v2/setup`, { username: 'suite', password: 'contract-suite', org: ORGANISATION, bucket: 'first', token: TOKEN })
  const server = running('influxdb', child, 0, port, 0)
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { url, stop }
}

/** Makes an empty bucket. */
export async function makeBucket(url: string, name: string): Promise<void> {
  const answer = await fetch(`${url}/api/v2/orgs?org=${ORGANISATION}`, { headers: { authorization: `Token ${TOKEN}` } })
  const { orgs } = (await answer.json()) as { orgs: ReadonlyArray<{ id: string }> }
  await post(`${url}/api/v2/buckets`, { orgID: orgs[0]?.id, name, retentionRules: [] })
}

async function post(url: string, body: object): Promise<void> {
  const headers = { authorization: `Token ${TOKEN}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
}

function build(): string | undefined {
  for (const tool of ['go', 'cargo', 'pkg-config']) if (spawnSync(tool, ['version']).error !== undefined) return `${tool} is not installed`
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, 'rustc.sh'), '#!/bin/sh\nrustc="$1"; shift\nexec "$rustc" "$@" --cap-lints warn\n')
  chmodSync(join(cache, 'rustc.sh'), 0o755)
  writeFileSync(join(cache, 'go.mod'), `module mendline.example/influxdb-peer\n\ngo 1.22\n\nrequire github.com/influxdata/influxdb/v2 ${VERSION}\n`)
  const toolchain = spawnSync('rustup', ['show', 'active-toolchain'], { encoding: 'utf8' }).stdout?.split(' ')[0] ?? ''
  const environment = {
    GOBIN: cache,
    GOFLAGS: '-mod=mod -buildvcs=false',
    PKG_CONFIG: join(cache, 'pkg-config'),
    RUSTC_WRAPPER: join(cache, 'rustc.sh'),
    ...(toolchain === '' ? {} : { RUSTUP_TOOLCHAIN: toolchain }),
  }
  console.log(`building InfluxDB ${VERSION} from its Go module; this takes minutes, once`)
  const run = (parts: readonly string[]): boolean => {
    const [command = '', ...rest] = ['env', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...parts]
    return spawnSync(command, rest, { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  }
  if (!run(['go', 'install', 'github.com/influxdata/pkg-config@v0.3.0'])) return 'the wrapper of pkg-config cannot be built'
  return run(['go', 'build', '-o', program, 'github.com/influxdata/influxdb/v2/cmd/influxd']) ? undefined : 'InfluxDB cannot be built'
}
