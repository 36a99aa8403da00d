/**
 * The table of all routes in docs/api.md, out of the description that the server gives at /openapi.json, so that neither a route nor a
 * parameter can be missing there. The API is built without anything behind it: a route says what it takes before it is asked.
 */
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { ApiPorts } from '../api/ports.ts'
import { createApi } from '../api/server.ts'

interface Operation {
  readonly summary?: string
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string; readonly required?: boolean }>
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
const PREFIX = '/api/v1'

/** Markdown table of the routes, by path. */
export async function routeTable(): Promise<string> {
  const settings = { host: '127.0.0.1', port: 0 }
  const api = await createApi({ ports: {} as ApiPorts, clock: systemClock, log: silentLog, limits, settings, version: '' })
  const { paths } = JSON.parse((await api.app.inject('/openapi.json')).body) as {
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  await api.stop()
  const rows = Object.keys(paths)
    .sort()
    .flatMap((path) =>
      METHODS.flatMap((method) => {
        const operation = paths[path]?.[method]
        return operation === undefined ? [] : [rowOf(method, path, operation)]
      }),
    )
  return ['| route | query | does |', '|---|---|---|', ...rows].join('\n')
}

function rowOf(method: string, path: string, { summary = '', parameters = [] }: Operation): string {
  const route = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : path
  const query = parameters
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, required }) => `\`${name}\`${required === true ? ' (required)' : ''}`)
  return `| \`${method.toUpperCase()} ${route}\` | ${query.join(', ')} | ${summary.replaceAll('|', '\\|')} |`
}
