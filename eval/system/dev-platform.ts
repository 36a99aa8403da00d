/** The whole platform in this process for a system test: in a folder of its own, on free ports, with the key of `--dev`. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { loadConfig } from '../../config.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { type Platform, startPlatform } from '../../main.ts'

/** Starts it over `folder`; a second start over the same folder is a restart. */
export function startDevPlatform(folder: string): Promise<Platform> {
  const flags = { data: join(folder, 'data'), dev: true, 'mqtt.port': 0, 'http.port': 0 }
  return startPlatform(loadConfig({ environment: {}, flags }), { log: silentLog, clock: systemClock })
}

/** Asks the API and gives the text of the answer, which must be a success. */
export async function callApi({ httpUrl }: Platform, request: { method: 'GET' | 'POST'; path: string; body?: unknown }): Promise<string> {
  const { method, path, body } = request
  const response = await fetch(`${httpUrl}/api/v1${path}`, {
    method,
    headers: { authorization: 'Bearer dev', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.ok, text).toBe(true)
  return text
}
