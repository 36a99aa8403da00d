import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#kernel/errors.ts'
import { generatedDocuments } from './generate-docs.ts'

describe('generated documents', () => {
  it.each([...generatedDocuments()])('docs/%s is what `node scripts/generate-docs.ts` writes', (name, text) => {
    expect(readFileSync(join(import.meta.dirname, '..', 'docs', name), 'utf8')).toBe(text)
  })
  it('name every error code', () => {
    const text = generatedDocuments().get('errors.md') ?? ''
    for (const code of Object.keys(ERROR_CODES)) expect(text).toContain(`\`${code}\``)
  })
})
