/**
 * `mapping`: tries a mapping on a sample without a server, by the code that decodes live messages, and registers and lists mappings on
 * a running one. `test` prints each reading and all that would be kept out with its reason, and fails when there is any.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { type ApplianceType, type Channel, readingLayout } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { epochMs } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import { unitOfName } from '#kernel/units.ts'
import { decodeMessage } from '../ingest/decode.ts'
import { compileMapping } from '../ingest/mapping/compile-mapping.ts'
import type { MappingDocument } from '../ingest/mapping/mapping-document.ts'
import { type ClientFlags, createClient, show } from './client.ts'
import { isColumnMapping, lineParser, readMappingFile } from './replay-mapping.ts'

interface TestFlags {
  readonly type?: string
  readonly at?: string
  readonly json?: boolean
}

type ServerFlags = ClientFlags & { readonly tenant?: string }

/** Rows of a recording that are printed. */
const ROWS_SHOWN = 20

export function mappingVerbs(program: Command): void {
  const mapping = program.command('mapping').description('try, register and list mappings of foreign payloads')
  mapping
    .command('test')
    .description('apply a mapping to a sample and print readings and what is kept out')
    .argument('<mapping>', 'mapping, see docs/payloads/mapping.md')
    .argument('<sample>', 'a payload (JSON), payloads one a line (.ndjson, .jsonl), or a recording for a mapping of columns (CSV)')
    .option('--type <type>', 'appliance type of the catalogue (default: a type made of the mapping)')
    .option('--at <ms>', 'time of receipt (default: now, or the latest time in the sample)')
    .option('--json', 'print JSON')
    .action((file: string, sample: string, flags: TestFlags) => {
      const found = tryMapping(file, sample, flags)
      console.log(flags.json === true ? JSON.stringify(found, null, 2) : report(found))
      if (found.refused.length > 0) process.exitCode = 1
    })
  const server = (command: Command): Command =>
    command
      .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
      .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
      .option('--tenant <id>', "another tenant than the key's own")
      .option('--json', 'print JSON')
  const suffix = ({ tenant }: ServerFlags): string => (tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`)
  server(mapping.command('add').description('register a mapping, or its next version').argument('<mapping>')).action(
    async (file: string, flags: ServerFlags) => {
      const { text } = readMappingFile(file)
      show(flags, await createClient(flags).send('POST', `/mappings${suffix(flags)}`, { definition: text }), ['mapping', 'version', 'match'])
    },
  )
  server(mapping.command('list').description('list mappings')).action(async (flags: ServerFlags) => {
    show(flags, await createClient(flags).send('GET', `/mappings${suffix(flags)}`), ['mapping', 'version', 'match', 'created_at_ms'])
  })
}

/** What a sample becomes. */
export interface Tried {
  readonly readings: ReadonlyArray<{ readonly at: string; readonly fw?: string; readonly values: Readonly<Record<string, unknown>> }>
  readonly refused: ReadonlyArray<{ readonly field: string; readonly code: string; readonly reason: string }>
}

/** Applies a mapping to a sample. @throws MendlineError MDL_MAPPING_INVALID, MDL_REPLAY_INVALID */
export function tryMapping(file: string, sample: string, flags: TestFlags): Tried {
  const { document } = readMappingFile(file)
  const bytes = readSample(sample)
  if (isColumnMapping(document)) return tryLines(document, bytes.toString('utf8'))
  const type = typeFor(document, flags.type)
  const isLines = /\.(ndjson|jsonl)$/.test(sample)
  const payloads = isLines
    ? bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => Buffer.from(line))
    : [bytes]
  const tried = payloads.map((payload) => decodeSample(document, { payload, type, at: flags.at }))
  return {
    readings: tried.flatMap(({ readings }) => readings.map((reading) => readingRow(reading, type))),
    refused: tried.flatMap(({ quarantine }, index) => quarantine.map((entry) => refusalRow(entry, isLines ? `line ${index + 1}: ` : ''))),
  }
}

function readSample(sample: string): Buffer {
  try {
    const bytes = readFileSync(sample)
    return sample.endsWith('.gz') ? gunzipSync(bytes) : bytes
  } catch (cause) {
    throw new MendlineError('MDL_REPLAY_INVALID', `${sample}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

interface Sample {
  readonly payload: Buffer
  readonly type: ApplianceType
  readonly at: string | undefined
}

/** Ages do not matter in a sample: a recording may be years old. */
const SAMPLE_LIMITS = { ...limits, quarantinePerPayload_MAX: 10_000 }

function decodeSample(document: MappingDocument, { payload, type, at }: Sample) {
  const mapping = compileMapping(document)
  const received = at === undefined ? Date.now() : Number(at)
  if (!Number.isSafeInteger(received) || received < 0) throw new MendlineError('MDL_REPLAY_INVALID', '--at is a time in ms since 1970')
  return decodeMessage(
    {
      tenant: 'sample',
      device: 'sample',
      type: type.id,
      kind: 'tele',
      form: 'mapped',
      context: 'sample@1',
      payload,
      received_at_ms: epochMs(received),
      maxAgeDays: limits.deviceAgeDays_MAX,
    },
    type,
    { ...SAMPLE_LIMITS, mappingOf: () => mapping },
  )
}

/** The named type of the catalogue, or one that has the channels of the mapping. */
function typeFor(document: MappingDocument, name: string | undefined): ApplianceType {
  const known = applianceTypes.find(({ id }) => id === name)
  if (known !== undefined) return known
  if (name !== undefined) throw new MendlineError('MDL_REPLAY_INVALID', `the catalogue has no type ${name}`)
  const channels = (document.fields ?? []).map(({ channel, values, min, max }): Channel => {
    const words = Object.values(values ?? {})
    const unit = unitOfName(channel)
    const isText = words.length > 0 ? words.every((word) => typeof word === 'string') : false
    const isClaim = words.length > 0 && words.every((word) => typeof word === 'boolean')
    return {
      name: channel,
      kind: isText ? 'text' : isClaim ? 'boolean' : 'number',
      unit,
      min: min ?? -Number.MAX_VALUE,
      max: max ?? Number.MAX_VALUE,
      step: 0,
      isAggregated: true,
      isSafety: false,
      description: { en: channel, 'zh-CN': channel },
    }
  })
  return {
    id: 'sample',
    version: '1',
    name: { en: 'sample', 'zh-CN': 'sample' },
    channels,
    faults: [],
    parts: [],
    steps: [],
    rules: [],
    recipe: undefined,
  }
}

function readingRow(reading: Reading, type: ApplianceType): Tried['readings'][number] {
  const values: Record<string, unknown> = {}
  const { indexOf } = readingLayout(type)
  for (const { name, kind } of type.channels) {
    if (kind === 'text') continue
    const value = reading.numbers[indexOf.get(name) ?? -1] ?? Number.NaN
    if (!Number.isNaN(value)) values[name] = kind === 'boolean' ? value === 1 : value
  }
  for (const [name, text] of reading.texts) values[name] = text
  const at = new Date(reading.observed_at_ms).toISOString()
  return reading.fw === undefined ? { at, values } : { at, fw: reading.fw, values }
}

const refusalRow = ({ field, code, reason }: QuarantineEntry, line: string): Tried['refused'][number] => ({ field: `${line}${field}`, code, reason })

function tryLines(document: Parameters<typeof lineParser>[0], text: string): Tried {
  const parse = lineParser(document)
  const readings: Array<Tried['readings'][number]> = []
  const refused: Array<Tried['refused'][number]> = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const parsed = parse(line)
    if (parsed.kind === 'sample') readings.push({ at: new Date(parsed.sample.timeMs).toISOString(), values: parsed.sample.values })
    if (parsed.kind === 'bad') refused.push({ field: `line ${index + 1}`, code: 'MDL_REPLAY_INVALID', reason: parsed.reason })
  }
  return { readings, refused }
}

function report({ readings, refused }: Tried): string {
  const lines = readings
    .slice(0, ROWS_SHOWN)
    .map(({ at, fw, values }) =>
      [at, ...(fw === undefined ? [] : [`fw=${fw}`]), ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].join('  '),
    )
  if (readings.length > ROWS_SHOWN) lines.push(`... ${readings.length - ROWS_SHOWN} more`)
  for (const { field, code, reason } of refused.slice(0, ROWS_SHOWN)) lines.push(`kept out: ${field === '' ? 'all' : field}  ${code}  ${reason}`)
  if (refused.length > ROWS_SHOWN) lines.push(`... ${refused.length - ROWS_SHOWN} more`)
  return [...lines, `${readings.length} readings, ${refused.length} kept out`].join('\n')
}
