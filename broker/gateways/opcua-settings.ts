/** What a gateway to an OPC UA server is told: where the server is, who asks, and which variable is which channel of which device. */

/** What is known of a variable beside where it is. */
export interface OpcuaChannel {
  readonly channel: string
  /** Built-in data type that every value must have; absent = the one that the server declares. */
  readonly datatype?: string | undefined
  /** Unit as the catalogue, UCUM or SenML name it; absent = the one that the server declares, or the channel's. */
  readonly unit?: string | undefined
  /** Text channel that takes the name of the status code. */
  readonly quality?: string | undefined
}

/** One variable, by node id (`nsu=<uri>;s=...` or `ns=2;s=...`) or by browse path from the root (`Objects/HeatPumps/HP1/SupplyTemperature`). */
export interface OpcuaNode extends OpcuaChannel {
  readonly node?: string | undefined
  readonly path?: string | undefined
  readonly device: string
}

/** Each object of a type below a folder is a device. */
export interface OpcuaRule {
  /** Browse path of the folder. */
  readonly folder: string
  /** Browse name of the object type; absent = every object. */
  readonly type?: string | undefined
  /** Id of the device; `{name}` stands for the object's browse name. */
  readonly device: string
  /** Channels by the path below the object. */
  readonly channels: Readonly<Record<string, OpcuaChannel>>
}

export type OpcuaUser =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly name: string; readonly password: string }
  | { readonly kind: 'certificate'; readonly certificateFile: string; readonly keyFile: string }

export interface OpcuaServerSettings {
  /** Name of the server here, in logs, metrics and files. */
  readonly name: string
  readonly url: string
  readonly tenant: string
  readonly securityPolicy: string
  readonly securityMode: string
  readonly user: OpcuaUser
  readonly samplingMs: number
  readonly publishingMs: number
  /** Values that the server keeps of each variable between two publishes. */
  readonly queueSize: number
  readonly nodes: readonly OpcuaNode[]
  readonly rules: readonly OpcuaRule[]
}
