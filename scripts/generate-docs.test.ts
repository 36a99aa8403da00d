import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#kernel/errors.ts'
import { generatedDocuments } from './generate-docs.ts'

const documents = await generatedDocuments()

describe('generated documents', () => {
  it.each([...documents])('%s is what `node scripts/generate-docs.ts` writes', (name, text) => {
    expect(readFileSync(join(import.meta.dirname, '..', name), 'utf8')).toBe(text)
  })
  it('name every error code', () => {
    const text = documents.get('docs/errors.md') ?? ''
    for (const code of Object.keys(ERROR_CODES)) expect(text).toContain(`\`${code}\``)
  })
  it.each(['GET /latest', 'GET /gaps', 'GET /windows', 'GET /channel-states', 'POST /exports', 'GET /livez'])('name the route %s', (route) => {
    expect(documents.get('docs/api.md')).toContain(`| \`${route}\` |`)
  })
})
