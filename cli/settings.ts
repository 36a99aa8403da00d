/** The flags that every server verb has, and the configuration that they, the environment and the file give together. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'

export interface ServerFlags {
  readonly data?: string
  readonly mqttPort?: string
  readonly httpPort?: string
  readonly config?: string
  readonly logLevel?: string
  readonly dev?: boolean
}

export const DEFAULT_CONFIG_FILE = 'mendline.yaml'

/** Adds `--data --mqtt-port --http-port --config --log-level`. */
export function addServerFlags(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of all data')
    .option('--mqtt-port <port>', 'port of MQTT, 0 = a free one')
    .option('--http-port <port>', 'port of API, console and metrics, 0 = a free one')
    .option('--config <file>', `settings (default: ${DEFAULT_CONFIG_FILE} where it exists)`)
    .option('--log-level <level>', 'debug, info, warn or error')
}

/** Reads the settings; `fixed` are those that the verb decides. @throws MendlineError MDL_CONFIG_INVALID, MDL_CONFIG_UNSAFE */
export function readConfig(flags: ServerFlags, fixed: Readonly<Record<string, string | boolean>> = {}): Config {
  return loadConfig({
    file: flags.config ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : undefined),
    environment: process.env,
    flags: {
      data: flags.data,
      'mqtt.port': flags.mqttPort,
      'http.port': flags.httpPort,
      log_level: flags.logLevel,
      dev: flags.dev,
      ...fixed,
    },
  })
}
