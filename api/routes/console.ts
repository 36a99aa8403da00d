/** The console: one page with its script and style, read once and served under a strict content policy. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from '../app.ts'

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/console.js', 'console.js', 'text/javascript; charset=utf-8'],
  ['/console.css', 'console.css', 'text/css; charset=utf-8'],
] as const

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

export async function consoleRoutes(app: App): Promise<void> {
  const folder = join(import.meta.dirname, '..', '..', 'console')
  for (const [path, file, type] of FILES) {
    const body = await readFile(join(folder, file), 'utf8')
    app.get(path, async (_request, reply) => reply.headers(HEADERS).type(type).send(body))
  }
}
