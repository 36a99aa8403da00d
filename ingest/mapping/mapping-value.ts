/**
 * One field or column into the value of a channel: texts by a declared number format, tables of words, units, scale and offset. What is
 * not declared is not converted: a text stays a text, and is then refused by a channel of numbers.
 */
import type { ErrorCode } from '#kernel/errors.ts'
import { convertUnit } from '#kernel/unit-conversion.ts'
import type { Unit } from '#kernel/units.ts'
import type { FieldRule } from './mapping-document.ts'

export type Mapped =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'wrong'; readonly code: ErrorCode; readonly reason: string }

const ABSENT: Mapped = { kind: 'absent' }
const wrong = (code: ErrorCode, reason: string): Mapped => ({ kind: 'wrong', code, reason })

const FORMATS = {
  point: { pattern: /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/, read: Number, name: 'a number with a decimal point' },
  comma: {
    pattern: /^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d*)?$/,
    read: (text: string) => Number(text.replaceAll('.', '').replace(',', '.')),
    name: 'a number with a decimal comma',
  },
  hex: { pattern: /^(0[xX])?[0-9a-fA-F]{1,13}$/, read: (text: string) => Number.parseInt(text, 16), name: 'a number in hexadecimal' },
} as const

/** Makes the value of a channel from what stood in the payload; `unit` is the channel's. */
export function mapValue(given: unknown, rule: FieldRule, unit: Unit | undefined): Mapped {
  if (given === undefined || given === null) return ABSENT
  if (rule.absent?.some((value) => value === given) === true) return ABSENT
  if (rule.values !== undefined) return fromTable(given, rule.values)
  const number = typeof given === 'string' ? fromText(given, rule) : given
  if (typeof number === 'string' && rule.number !== undefined)
    return wrong('MDL_INGEST_VALUE_TYPE', `the text "${shorten(number)}" is not ${FORMATS[rule.number].name}`)
  if (typeof number !== 'number') {
    const isPlain = rule.scale === undefined && rule.offset === undefined && rule.unit === undefined
    return isPlain ? { kind: 'value', value: number } : wrong('MDL_INGEST_VALUE_TYPE', `a ${typeof number} has no scale, offset or unit`)
  }
  const scaled = number * (rule.scale ?? 1) + (rule.offset ?? 0)
  if (rule.unit === undefined || unit === undefined) return { kind: 'value', value: scaled }
  const conversion = convertUnit(rule.unit, unit)
  return typeof conversion === 'object'
    ? { kind: 'value', value: conversion.apply(scaled) }
    : wrong('MDL_INGEST_UNIT', `the unit ${rule.unit} is not the channel's ${unit} and does not convert to it`)
}

function fromTable(given: unknown, values: NonNullable<FieldRule['values']>): Mapped {
  const isWord = typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean'
  const key = String(given)
  if (isWord && Object.hasOwn(values, key)) return { kind: 'value', value: values[key] }
  return wrong(
    'MDL_INGEST_VALUE_TYPE',
    `${isWord ? `"${shorten(key)}"` : `a ${typeof given}`} is none of the table's ${Object.keys(values).length} words`,
  )
}

/** A number where the text is one in the declared format, else the text. */
function fromText(text: string, { number, suffix }: FieldRule): number | string {
  const bare = (suffix !== undefined && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text).trim()
  if (number === undefined || !FORMATS[number].pattern.test(bare)) return text
  return FORMATS[number].read(bare)
}

const shorten = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 64)}…`)
