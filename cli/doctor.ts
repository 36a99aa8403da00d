/** `doctor` looks whether this machine can run the platform: version, native modules, ports, folder, disk and clock. It changes nothing. */
import { closeSync, existsSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { addServerFlags, readConfig, type ServerFlags } from './settings.ts'

type Verdict = 'ok' | 'warn' | 'fail'
type Finding = readonly [verdict: Verdict, text: string]

const DISK_MIB_MIN = 1_024
/** A group commit above this makes acknowledgements slow; drives with power-loss protection need under 1 ms. */
const FDATASYNC_MS_MAX = 50
const CLOCK_FROM_MS = Date.UTC(2025, 0, 1)

export function doctorVerb(program: Command): void {
  addServerFlags(program.command('doctor').description('check whether this machine can run the platform')).action(async (flags: ServerFlags) => {
    const config = readConfig(flags)
    const findings: Finding[] = [nodeVersion(), await native('@duckdb/node-api'), await native('onnxruntime-node'), await native('node:sqlite')]
    findings.push(await portFree('MQTT', config.mqtt.host, config.mqtt.port), await portFree('HTTP', config.http.host, config.http.port))
    findings.push(...folder(config), clock())
    for (const [verdict, text] of findings) console.log(`${verdict.padEnd(4)}  ${text}`)
    const failed = findings.filter(([verdict]) => verdict === 'fail').length
    console.log(failed === 0 ? 'This machine can run Mendline.' : `${failed} of ${findings.length} checks failed.`)
    process.exitCode = failed === 0 ? 0 : 1
  })
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  return [major >= 24 ? 'ok' : 'fail', `Node ${process.versions.node}${major >= 24 ? '' : '; 24 is needed (npm ci brings it)'}`]
}

async function native(name: string): Promise<Finding> {
  try {
    await import(name)
    return ['ok', `${name} loads`]
  } catch (error) {
    return ['fail', `${name} does not load: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`]
  }
}

function portFree(name: string, host: string, port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(['fail', `${name} port ${host}:${port} cannot be opened: ${error.code}`]))
    server.listen(port, host, () => server.close(() => resolve(['ok', `${name} port ${host}:${port} is free`])))
  })
}

function folder(config: Config): Finding[] {
  let existing = config.dataDir
  while (!existsSync(existing)) existing = dirname(existing)
  try {
    const { bavail, bsize } = statfsSync(existing)
    const freeMib = Math.floor((bavail * bsize) / 2 ** 20)
    return [
      ['ok', `data folder ${config.dataDir}${existing === config.dataDir ? '' : ' (will be made)'}`],
      [freeMib >= DISK_MIB_MIN ? 'ok' : 'warn', `${freeMib} MiB free on its disk`],
      syncTime(existing),
    ]
  } catch (error) {
    return [['fail', `data folder ${existing}: ${error instanceof Error ? error.message : String(error)}`]]
  }
}

/** Median time of a write of 4 KiB with fdatasync, which each acknowledgement waits for. */
function syncTime(path: string): Finding {
  const scratch = mkdtempSync(join(path, '.mendline-doctor-'))
  try {
    const file = openSync(join(scratch, 'sync'), 'w')
    const times = Array.from({ length: 20 }, () => {
      const startedMs = performance.now()
      writeSync(file, Buffer.alloc(4096, 1))
      fdatasyncSync(file)
      return performance.now() - startedMs
    }).sort((a, b) => a - b)
    closeSync(file)
    const medianMs = times[10] ?? 0
    return [medianMs <= FDATASYNC_MS_MAX ? 'ok' : 'warn', `fdatasync takes ${medianMs.toFixed(2)} ms (median of 20)`]
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function clock(): Finding {
  const now = Date.now()
  return [now > CLOCK_FROM_MS ? 'ok' : 'fail', `clock says ${new Date(now).toISOString()}`]
}
