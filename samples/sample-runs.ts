/**
 * How the tests run the samples for device makers: each as a process of its own with its state in a folder, so that it can be killed and
 * started again. The C sample is compiled by gcc with the sanitizers of address and undefined behaviour, over the host's form of
 * Espressif's headers (`samples/c/host`). What cannot run here is left out and said.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const here = import.meta.dirname
const venv = join(here, '..', '.venv-samples', 'bin', 'python')
const python = [venv, 'python3'].find(
  (command) => (!command.includes('/') || existsSync(command)) && spawnSync(command, ['-c', 'import paho.mqtt']).status === 0,
)
const hasGcc = spawnSync('gcc', ['--version']).status === 0

export interface SampleRun {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly words: string }>
}

export interface SampleSettings {
  readonly mqttPort: number
  readonly secret: string
  /** The device's own memory. */
  readonly folder: string
  /** It ends after so many readings, when all of them are acknowledged. */
  readonly readings: number
  readonly everyMs: number
  readonly env?: Readonly<Record<string, string>>
}

export interface Sample {
  readonly name: string
  /** What is missing to run it here. */
  readonly missing: string | undefined
  /** Before the first start. */
  prepare(): void
  start(settings: SampleSettings): SampleRun
}

export const samples: readonly Sample[] = [
  {
    name: 'Node',
    missing: undefined,
    prepare: () => {},
    start: (settings) => run(process.execPath, [join(here, 'node', 'device.mjs'), '--url', urlOf(settings), ...flagsOf(settings)], settings),
  },
  {
    name: 'Python',
    missing: python === undefined ? 'paho-mqtt' : undefined,
    prepare: () => {},
    start: (settings) => run(python ?? '', [join(here, 'python', 'device.py'), '--port', String(settings.mqttPort), ...flagsOf(settings)], settings),
  },
  {
    name: 'C for an ESP32',
    missing: hasGcc ? undefined : 'gcc',
    prepare: compileC,
    start: (settings) =>
      run(device, [urlOf(settings), 'home:sample', settings.secret, String(settings.readings), String(settings.everyMs)], settings),
  },
]

const urlOf = ({ mqttPort }: SampleSettings): string => `mqtt://127.0.0.1:${mqttPort}`

const flagsOf = ({ secret, folder, readings, everyMs }: SampleSettings): string[] => [
  ...['--name', 'home:sample', '--secret', secret, '--folder', folder],
  ...['--readings', String(readings), '--every-ms', String(everyMs)],
]

let device = ''

/** Takes away what was compiled. */
export function forgetCompiled(): void {
  if (device !== '') rmSync(dirname(device), { recursive: true, force: true })
  device = ''
}

/** Throws with the words of gcc when there is a warning. */
function compileC(): void {
  if (device !== '') return
  const folder = mkdtempSync(join(tmpdir(), 'mendline-sample-c-'))
  const sources = ['main', 'host'].flatMap((part) =>
    readdirSync(join(here, 'c', part))
      .filter((file) => file.endsWith('.c'))
      .map((file) => join(here, 'c', part, file)),
  )
  const checks = ['-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g']
  const words = ['-std=c11', '-D_DEFAULT_SOURCE', ...checks, `-I${join(here, 'c', 'host', 'include')}`, '-Wl,--wrap=gettimeofday']
  const output = join(folder, 'device')
  const { status, stderr } = spawnSync('gcc', [...words, ...sources, '-lpthread', '-o', output], { encoding: 'utf8' })
  if (status !== 0) rmSync(folder, { recursive: true, force: true })
  if (status !== 0) throw new Error(`the C sample does not compile: ${stderr}`)
  device = output
}

function run(command: string, words: readonly string[], { folder, env }: SampleSettings): SampleRun {
  mkdirSync(folder, { recursive: true })
  // `env` becomes the command, so the process that is killed is the sample's.
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)
  const child = spawn('env', [...variables, command, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let heard = ''
  const hear = (chunk: Buffer): void => {
    heard = `${heard}${chunk.toString()}`.slice(-20_000)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return { child, ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, words: heard }))) }
}
