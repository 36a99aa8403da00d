/** `serve` runs the platform, `demo` the platform with a small simulated street. Both print one line when they accept and stop cleanly. */
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { flushCompiled } from '../compile-cache.ts'
import { createLog } from '../log.ts'
import { initialise, isInitialised } from './data-folder.ts'
import { addServerFlags, readConfig, type ServerFlags } from './settings.ts'

/** From the signal to the end of the process, whatever hangs. */
const STOP_DEADLINE_MS = 10_000

export function serverVerbs(program: Command): void {
  addServerFlags(program.command('serve').description('run the platform'))
    .option('--dev', 'loopback only, API key `dev`, devices without credentials')
    .option('--check', 'check the configuration and exit')
    .action(serve)
  addServerFlags(program.command('demo').description('run the platform with a small simulated street')).action(demo)
}

async function serve(flags: ServerFlags & { readonly check?: boolean }): Promise<void> {
  const config = readConfig(flags)
  if (flags.check === true) {
    console.log('The configuration is valid.')
    return
  }
  if (config.dev) initialise(config.dataDir, systemClock.now())
  else if (!isInitialised(config.dataDir)) {
    throw new MendlineError('MDL_CONFIG_MISSING', `${config.dataDir} is no initialised data folder; \`mendline init\` makes one`)
  }
  const log = createLog(config.logLevel)
  const stopping = untilSignal()
  const { startPlatform } = await import('../main.ts')
  const platform = await startPlatform(config, { log, clock: systemClock })
  console.log(`ready mqtt=${platform.mqttUrl} http=${platform.httpUrl}`)
  flushCompiled()
  await stopping
  await stopWithin(() => platform.stop())
}

async function demo(flags: ServerFlags): Promise<void> {
  const config = readConfig({ ...flags, data: flags.data ?? './data-demo' }, { dev: true, log_level: flags.logLevel ?? 'warn' })
  initialise(config.dataDir, systemClock.now())
  const log = createLog(config.logLevel)
  const stopping = untilSignal()
  const { runDemo } = await import('../demo.ts')
  const running = await runDemo(config, { log, clock: systemClock })
  await stopping
  await stopWithin(() => running.stop())
}

/**
 * Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. When `bin/mendline.mjs` is gone, killed or not, nobody
 * can signal this process any more under the id that they know, so that is a signal as well. Without a channel there is no such event.
 */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0
    const onSignal = (): void => {
      count++
      if (count > 1) process.exit(1)
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.once('disconnect', resolve)
    if (process.connected === false) resolve()
  })
}

async function stopWithin(stop: () => Promise<void>): Promise<void> {
  const deadline = setTimeout(() => {
    console.error('Stopping took too long; what was acknowledged is in the journal.')
    process.exit(1)
  }, STOP_DEADLINE_MS - 500)
  await stop()
  clearTimeout(deadline)
  // Native modules may hold the loop open; everything of ours is closed.
  process.exit(0)
}
