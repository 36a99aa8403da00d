/**
 * Reads the air handlers of the public LBNL fault detection set: minutes of MZVAV-2-1 (laboratory) and MZVAV-2-2 (simulated), by day. A day is
 * faulty as the inventory that came with the data says, which is the protocol of the experiment. It differs from the files in two
 * places: 30 August 2007 of the laboratory is its third leak (2.0 GPM) and labelled clean in the file, and 30 and 31 May 2009 are
 * in the file and in no list of the inventory; they are counted apart.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NormalRow } from '../../models/learn-normal/normal-model.ts'

/** Columns that measure or drive, in the order of the rows' values. */
export const CHANNELS = [
  'AHU: Supply Air Temperature',
  'AHU: Outdoor Air Temperature',
  'AHU: Mixed Air Temperature',
  'AHU: Return Air Temperature',
  'AHU: Supply Air Fan Speed Control Signal',
  'AHU: Exhaust Air Damper Control Signal',
  'AHU: Outdoor Air Damper Control Signal',
  'AHU: Cooling Coil Valve Control Signal',
  'AHU: Heating Coil Valve Control Signal',
  'AHU: Supply Air Duct Static Pressure',
] as const
export const OUTDOOR = 1
export const COOLING = 7
export const HEATING = 8

const LEAKS = ['8/28/2007', '8/29/2007', '8/30/2007']
const UNLISTED = new Set(['5/30/2009', '5/31/2009'])
const FAULTS = {
  'MZVAV-2-1': new Set(LEAKS),
  'MZVAV-2-2': new Set([
    ...LEAKS,
    ...['2/12/2008', '5/7/2008', '5/8/2008', '9/5/2007', '9/6/2007'],
    ...['5/6/2008', '8/31/2007', '5/15/2008', '9/1/2007', '9/2/2007'],
  ]),
} as const

export type System = keyof typeof FAULTS
export interface Day {
  readonly date: string
  /** `leak` = the heating coil's valve leaks; `other` = another fault; `unlisted` = in the file and not in the inventory. */
  readonly label: 'clean' | 'leak' | 'other' | 'unlisted'
  /** What the file says. */
  readonly isFaultyInFile: boolean
  /** Means of ten minutes while occupied, without the first hour and a half, in which the plant comes up. */
  readonly steps: readonly NormalRow[]
}

const STEP = 10
const START_UP = 90

/** @throws Error when the file is not as it is known */
export function readLbnl(folder: string, system: System): readonly Day[] {
  const [head = '', ...lines] = readFileSync(join(folder, `${system}.csv`), 'utf8').split(/\r?\n/)
  const headers = head.split(',').map((name) => name.trim())
  const placeOf = (name: string): number => {
    const place = headers.indexOf(name)
    if (place < 0) throw new Error(`${system}.csv has no column ${name}`)
    return place
  }
  const places = CHANNELS.map(placeOf)
  const [occupied, truth] = [placeOf('Occupancy Mode Indicator'), placeOf('Fault Detection Ground Truth')]
  const days = new Map<string, { isFaultyInFile: boolean; minutes: NormalRow[] }>()
  for (const line of lines) {
    const cells = line.split(',')
    const [date = ''] = (cells[0] ?? '').split(' ')
    if (date === '') continue
    const day = days.get(date) ?? { isFaultyInFile: cells[truth] === '1', minutes: [] }
    days.set(date, day)
    if (Number(cells[occupied]) < 1) continue
    const values = Float64Array.from(places, (place) => ((cells[place] ?? '') === '' ? Number.NaN : Number(cells[place])))
    day.minutes.push({ atMs: Date.parse(`${cells[0]} UTC`), values })
  }
  return [...days].map(([date, { isFaultyInFile, minutes }]) => ({ date, label: labelOf(system, date), isFaultyInFile, steps: stepsOf(minutes) }))
}

function labelOf(system: System, date: string): Day['label'] {
  if (LEAKS.includes(date)) return 'leak'
  if (FAULTS[system].has(date)) return 'other'
  return system === 'MZVAV-2-1' && UNLISTED.has(date) ? 'unlisted' : 'clean'
}

function stepsOf(minutes: readonly NormalRow[]): NormalRow[] {
  const steps: NormalRow[] = []
  for (let begin = START_UP; begin + STEP <= minutes.length; begin += STEP) {
    const some = minutes.slice(begin, begin + STEP)
    const values = Float64Array.from(CHANNELS, (_, channel) => some.reduce((sum, row) => sum + (row.values[channel] ?? Number.NaN), 0) / STEP)
    if (!values.some(Number.isNaN)) steps.push({ atMs: some[0]?.atMs ?? 0, values })
  }
  return steps
}
