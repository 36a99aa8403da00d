/** Habits that no linter knows: file lengths, banned calls with their replacement, links in documents, documented error codes. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#kernel/errors.ts'
import { unitOfName } from '#kernel/units.ts'
import { applianceTypes } from '../catalogue/registry.ts'

const root = join(import.meta.dirname, '..')
const LINES_MAX = 350

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const code = tracked.filter((file) => file.endsWith('.ts'))
const stageFiles = code.filter(
  (file) => /^(kernel|catalogue|broker|ingest|models|rules|hubs|api|workers|operations)\//.test(file) && !file.endsWith('.test.ts'),
)

/** What must not stand in stages, and what to use for it. */
const BANNED: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'the Clock port (kernel/clock.ts)'],
  [/\bMath\.random\(/, 'the Random port (kernel/random.ts)'],
  [/(?<![.\w])set(Timeout|Interval)\(/, 'Clock.after'],
  [/\bperformance\.now\(/, 'Clock.monotonicMs'],
]

function findings(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  )
}

describe('the tree', () => {
  it('has no source file above the limit of lines', () => {
    const long = code.map((file) => [file, read(file).trimEnd().split('\n').length] as const).filter(([, lines]) => lines > LINES_MAX)
    expect(long).toEqual([])
  })

  it.each(BANNED)('uses a port instead of %s', (pattern) => {
    expect(
      findings(
        stageFiles.filter((file) => file !== 'kernel/clock.ts'),
        pattern,
      ),
    ).toEqual([])
  })

  it('begins every module with a comment that says what it does', () => {
    const bare = code.filter((file) => !file.endsWith('.test.ts') && !/^\s*(#!.*\n)?\/\*\*/.test(read(file)) && file !== 'vitest.config.ts')
    expect(bare).toEqual([])
  })

  it('documents every error code, and no other', () => {
    const documented = [...read('docs/errors.md').matchAll(/`(MDL_[A-Z_]+)`/g)].map((match) => match[1])
    expect([...new Set(documented)].sort()).toEqual(Object.keys(ERROR_CODES).sort())
  })

  it('has no dead link between its documents', () => {
    const dead = tracked
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map((match) => match[1] ?? '')
          .filter((target) => !existsSync(join(root, dirname(file), target)))
          .map((target) => `${file} -> ${target}`),
      )
    expect(dead).toEqual([])
  })

  it('names every number channel with its unit last', () => {
    const wrong = applianceTypes.flatMap((type) =>
      type.channels
        .filter((channel) => channel.kind === 'number' && unitOfName(channel.name) !== channel.unit)
        .map((channel) => `${type.id}.${channel.name}`),
    )
    expect(wrong).toEqual([])
  })

  it('registers every folder of the catalogue', () => {
    const folders = new Set(
      code.map((file) => /^catalogue\/([^/]+)\/[^/]+\.ts$/.exec(file)?.[1]).filter((name) => name !== undefined && name !== 'blocks'),
    )
    const registry = read('catalogue/registry.ts')
    expect([...folders].filter((folder) => !registry.includes(`./${folder}/`))).toEqual([])
  })
})
