/**
 * Real input, whole way: replays the 1-Hz power traces of the tracebase data set through `mendline replay` as a real MQTT client into a fresh
 * platform, and holds what is stored against what was read: every sample acknowledged is stored once. Prints the compressor's cycles as the
 * chart endpoint shows them. `--data DIR` (default ../shared/data), `--quick` one file a device, `--check` exits 1 on any difference.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMendline } from '../load/servers.ts'

const { values: flags } = parseArgs({ options: { data: { type: 'string' }, quick: { type: 'boolean' }, check: { type: 'boolean' } } })
const root = join(import.meta.dirname, '..', '..')
const folder = join(flags.data ?? join(root, '..', 'shared', 'data'), 'appliance-power-tracebase')

const DAY_MS = 86_400_000
const BUCKETS = 288
/** A compressor or motor runs above this (W), by looking at the traces. */
const RUNNING_W = 40

interface Row {
  readonly file: string
  readonly samples: number
  readonly stored: number
  readonly distinct: number
  readonly starts: number
  readonly chart: string
}

if (!existsSync(folder)) {
  console.log(`skipped: there is no data set in ${folder}`)
  console.log(JSON.stringify({ eval: 'replay', skipped: true }))
} else {
  const rows = await replayAll()
  for (const { file, samples, stored, distinct, starts, chart } of rows) {
    console.log(`${file}: ${samples} acknowledged, ${stored} stored, ${distinct} distinct keys, ${starts} starts\n  ${chart}`)
  }
  const wrong = rows.filter(({ samples, stored, distinct }) => stored !== samples || distinct !== samples)
  console.log(`${rows.length} recordings, ${wrong.length} with a difference`)
  console.log(
    JSON.stringify({ eval: 'replay', recordings: rows.length, samples: rows.reduce((sum, { samples }) => sum + samples, 0), wrong: wrong.length }),
  )
  if (flags.check === true && (wrong.length > 0 || rows.length === 0)) process.exitCode = 1
}

async function replayAll(): Promise<readonly Row[]> {
  const server = await startMendline()
  const rows: Row[] = []
  try {
    for (const kind of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
      const files = readdirSync(join(folder, kind.name))
        .filter((name) => name.endsWith('.csv.gz'))
        .sort()
      for (const file of flags.quick === true ? files.slice(0, 1) : files) rows.push(await replayOne(server, join(folder, kind.name, file), file))
    }
  } finally {
    await server.stop()
  }
  return rows
}

async function replayOne(server: { readonly mqttPort: number; readonly httpPort: number | undefined }, path: string, file: string): Promise<Row> {
  const device = file.replace('.csv.gz', '').replaceAll('.', '-')
  const url = `http://127.0.0.1:${server.httpPort}`
  const map = join(root, 'docs', 'examples', 'tracebase.yaml')
  const broker = `mqtt://127.0.0.1:${server.mqttPort}`
  const flagsOfReplay = [
    '--map',
    map,
    '--device',
    device,
    '--type',
    'plug_power',
    '--create',
    '--keep-times',
    '--mqtt',
    broker,
    '--url',
    url,
    '--key',
    'dev',
  ]
  const said = JSON.parse(await outputOf(['replay', path, ...flagsOfReplay])) as { acknowledged: number; from_ms: number }
  const keys = new Set<string>()
  let stored = 0
  for (const line of (await get(`${url}/api/v1/readings/raw?device=${device}&from_ms=0&to_ms=${Number.MAX_SAFE_INTEGER}`)).split('\n')) {
    if (line === '') continue
    const { boot, seq } = JSON.parse(line) as { boot: number; seq: number }
    stored++
    keys.add(`${boot}/${seq}`)
  }
  const span = `from_ms=${said.from_ms}&to_ms=${said.from_ms + DAY_MS}&max_points=${BUCKETS}`
  const { items } = JSON.parse(await get(`${url}/api/v1/readings?device=${device}&channels=power_w&${span}`)) as { items: Array<{ mean: number }> }
  const running = items.map(({ mean }) => mean > RUNNING_W)
  const starts = running.filter((isRunning, index) => isRunning && index > 0 && running[index - 1] === false).length
  return {
    file,
    samples: said.acknowledged,
    stored,
    distinct: keys.size,
    starts,
    chart: running.map((isRunning) => (isRunning ? '#' : '.')).join(''),
  }
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { headers: { authorization: 'Bearer dev' } })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.text()
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'cli.ts'), ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once('exit', (code) => (code === 0 ? resolve(text) : reject(new Error(`mendline ${args[0]} ended with ${code}`))))
  })
}
