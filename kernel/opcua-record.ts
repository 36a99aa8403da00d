/**
 * What an OPC UA gateway writes into the journal: values as the server gave them, with declared and actual data type, status code and both
 * times, as JSON. The gateway judges nothing of it; decoding is a pure function of these records. Shared by the gateway and by decoding.
 */

/** One value of one variable. */
export interface OpcuaValue {
  /** Node id with the namespace's URI, so that it means the same after the server's table of namespaces changed. */
  readonly node: string
  readonly channel: string
  /** Built-in type that the mapping or else the server declares; absent = a type that leaves it open. */
  readonly declared?: string
  /** Built-in type that came; an array or matrix has `[]` behind it. */
  readonly type: string
  readonly status: number
  readonly status_name: string
  readonly source_ms?: number
  readonly server_ms?: number
  /** From the server's history. */
  readonly hist?: boolean
  /** Whole numbers of 64 bits and numbers that are not finite as texts; what has no such form is absent. */
  readonly value?: number | boolean | string
  /** The server keeps no history of the variable. */
  readonly forgotten?: boolean
  /** Unit as the server or else the mapping names it; absent = the channel's. */
  readonly unit?: string
  /** The mapping's word on the unit where the server's is another. */
  readonly unit_wanted?: string
  /** Text channel that takes the name of the status. */
  readonly quality?: string
  /** Name of the status of the value before, where it was another one. */
  readonly status_before?: string
}

/** Values between two instants never came, and the server has no history of them. */
export interface OpcuaGap {
  readonly node: string
  readonly channel: string
  readonly gap: { readonly from_ms: number; readonly to_ms: number; readonly reason: string }
}

export type OpcuaRecord = OpcuaValue | OpcuaGap

/** The two upper bits of a status code. */
export function severityOf(status: number): 'good' | 'uncertain' | 'bad' {
  const bits = status >>> 30
  return bits === 0 ? 'good' : bits === 1 ? 'uncertain' : 'bad'
}
