/** What was published, in memory and as a file: one JSON object a line, the payload as base64, so that any bytes survive. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface RecordedMessage {
  /** Arrival, epoch ms. */
  readonly at_ms: number
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly payload: Uint8Array
}

export interface Recording {
  readonly messages: readonly RecordedMessage[]
  add(message: RecordedMessage): void
  /** Calls `listener` for each further message; the returned function ends that. */
  listen(listener: (message: RecordedMessage) => void): () => void
  /** Messages on one topic, payloads parsed as JSON. */
  json(topic: string): unknown[]
  clear(): void
  /** Writes all messages to a file that `replay` takes. */
  save(file: string): void
}

export function createRecording(): Recording {
  const messages: RecordedMessage[] = []
  const listeners = new Set<(message: RecordedMessage) => void>()
  return {
    messages,
    add(message) {
      messages.push(message)
      for (const listener of [...listeners]) listener(message)
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    json: (topic) => messages.filter((message) => message.topic === topic).map(({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8'))),
    clear() {
      messages.length = 0
    },
    save(file) {
      const lines = messages.map(({ payload, ...rest }) => JSON.stringify({ ...rest, payload_base64: Buffer.from(payload).toString('base64') }))
      writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
    },
  }
}

/** Reads a saved recording; throws with the line number when a line is not one of ours. */
export function readRecording(file: string): RecordedMessage[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const messages: RecordedMessage[] = []
  for (const [index, line] of lines.entries()) {
    if (line === '') continue
    const message = parseLine(line)
    if (message === undefined) throw new Error(`${file}: line ${index + 1} is not a recorded message`)
    messages.push(message)
  }
  return messages
}

function parseLine(line: string): RecordedMessage | undefined {
  try {
    const { at_ms, topic, qos, retain, payload_base64: payload } = JSON.parse(line) as Record<string, unknown>
    if (typeof at_ms !== 'number' || typeof topic !== 'string' || typeof payload !== 'string') return undefined
    if (qos !== 0 && qos !== 1 && qos !== 2) return undefined
    return { at_ms, topic, qos, retain: retain === true, payload: Buffer.from(payload, 'base64') }
  } catch {
    return undefined
  }
}
