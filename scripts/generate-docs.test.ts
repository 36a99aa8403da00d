import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#kernel/errors.ts'
import { generatedDocuments } from './generate-docs.ts'

describe('generated documents', () => {
  it.each([...generatedDocuments()])('%s is what `node scripts/generate-docs.ts` writes', (name, text) => {
    expect(readFileSync(join(import.meta.dirname, '..', name), 'utf8')).toBe(text)
  })
  it('name every error code', () => {
    const text = generatedDocuments().get('docs/errors.md') ?? ''
    for (const code of Object.keys(ERROR_CODES)) expect(text).toContain(`\`${code}\``)
  })
})
