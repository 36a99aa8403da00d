/** Marks on the time axis of one appliance: what was found of it, when, in one line of text each. */
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { ApiPorts } from '../ports.ts'

export interface BoardMark {
  readonly t: number
  /** null while it lasts, or where it is a moment. */
  readonly to_ms: number | null
  readonly kind: 'alarm' | 'diagnosis' | 'channel_state' | 'gap'
  readonly title: string
  readonly text: string
  /** Separated by commas. */
  readonly tags: string
}

interface MarkQuery {
  readonly tenant: string
  readonly device: string
  readonly from_ms: number
  readonly to_ms: number
  /** Most of each kind. */
  readonly limit: number
}

type Ports = Pick<ApiPorts, 'boards' | 'channelStates' | 'truth'>

const SOURCES: Readonly<Record<BoardMark['kind'], (ports: Ports, query: MarkQuery) => Promise<readonly BoardMark[]>>> = {
  alarm: async ({ boards }, query) => (await boards.alarmsOf(query)).map(ofAlarm),
  diagnosis: async ({ boards }, query) => (await boards.diagnosesIn(query)).map(ofDiagnosis),
  channel_state: async ({ channelStates }, query) =>
    (await channelStates.list(query)).map(({ begin_ms, end_ms, channel, state, detail }) => ({
      ...{ t: begin_ms, to_ms: end_ms, kind: 'channel_state', tags: `channel_state,${state}`, title: `${channel} ${state.replaceAll('_', ' ')}` },
      text: Object.entries(detail)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    })),
  gap: async ({ truth }, query) =>
    (await truth.gaps({ ...query, after: 0 })).map(({ from_ms, to_ms, from_seq, to_seq, boot, closed_at_ms }) => ({
      ...{ t: from_ms, to_ms, kind: 'gap', tags: closed_at_ms === null ? 'gap,open' : 'gap,filled' },
      title: `${to_seq - from_seq + 1} readings missing`,
      text: `boot ${boot}, seq ${from_seq} to ${to_seq}${closed_at_ms === null ? '' : '; filled since'}`,
    })),
}

/** Marks of these kinds, oldest first. */
export async function marksOf(ports: Ports, query: MarkQuery, kinds: ReadonlyArray<BoardMark['kind']>): Promise<BoardMark[]> {
  const found = await Promise.all(kinds.map((kind) => SOURCES[kind](ports, query)))
  return found.flat().sort((a, b) => a.t - b.t)
}

function ofAlarm({ began_at_ms, cleared_at_ms, safety_class, title, evidence, rule, rule_version, fault }: Alarm): BoardMark {
  const text = evidence.map(({ condition, value, unit }) => `${condition}: ${value ?? '-'} ${unit}`.trim()).join('; ')
  const tags = ['alarm', safety_class, ...(fault === null ? [] : [fault])].join(',')
  return { t: began_at_ms, to_ms: cleared_at_ms, kind: 'alarm', title: `${safety_class} ${title}`, text: `${text} (${rule} v${rule_version})`, tags }
}

function ofDiagnosis(diagnosis: Diagnosis): BoardMark {
  const { made_at_ms, answer, fault, fault_name, probability, evidence_for, next_question } = diagnosis
  const percent = `${Math.round(probability * 100)} %`
  const title = answer === 'fault' ? `${fault ?? ''} ${fault_name} (${percent})` : answer.replaceAll('_', ' ')
  const reasons = evidence_for.slice(0, 3).map(({ text }) => text)
  const text = [...reasons, ...(next_question === null ? [] : [`Ask: ${next_question}`])].join('; ')
  return { t: made_at_ms, to_ms: null, kind: 'diagnosis', title, text, tags: ['diagnosis', answer, ...(fault === null ? [] : [fault])].join(',') }
}
