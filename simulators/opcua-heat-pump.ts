/**
 * A simulated OPC UA server with heat pumps: an object type, variables with units and ranges, history of all but one. What it tells is set
 * by its user (`set`) or by a slow walk (`walk`); faults of the field can be put in: bad and uncertain status, a value of another type
 * than declared, no source time. It can be stopped and started again on the same port, and its history is kept in between, as a real
 * controller keeps it on its flash. Secured by Basic256Sha256 unless told otherwise.
 */
import { join } from 'node:path'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import {
  DataType,
  DataValue,
  MessageSecurityMode,
  type ReadRawModifiedDetails,
  SecurityPolicy,
  StatusCodes,
  VariantArrayType,
} from 'node-opcua-client'
import { OPCUAServer } from 'node-opcua-server'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'

type AddressSpace = NonNullable<OPCUAServer['engine']['addressSpace']>
type Namespace = ReturnType<AddressSpace['registerNamespace']>
type UAObject = ReturnType<Namespace['addObject']>
type UAVariable = ReturnType<Namespace['addVariable']>

/** Unit of a variable as OPC UA part 8 has it: the code of UNECE recommendation 20 as a number, and what people read. */
const unitOf = (code: string, label: string) => ({
  namespaceUri: 'http://www.opcfoundation.org/UA/units/un/cefact',
  unitId: [...code].reduce((id, letter) => id * 256 + letter.charCodeAt(0), 0),
  displayName: { text: label },
})

/** Namespace of the simulated objects. */
export const HEAT_PUMP_NAMESPACE = 'urn:mendline:simulators:heat-pump'

/** Data type, unit, range and first value of each variable of a heat pump; `hasHistory` false for the one that the controller forgets. */
export const HEAT_PUMP_VARIABLES = {
  SupplyTemperature: { dataType: DataType.Double, unit: unitOf('CEL', '°C'), low: -20, high: 90, first: 35 },
  ReturnTemperature: { dataType: DataType.Double, unit: unitOf('CEL', '°C'), low: -20, high: 90, first: 30 },
  OutdoorTemperature: { dataType: DataType.Float, unit: unitOf('CEL', '°C'), low: -40, high: 60, first: 5, hasHistory: false },
  CompressorFrequency: { dataType: DataType.Double, unit: unitOf('HTZ', 'Hz'), low: 0, high: 120, first: 50 },
  ElectricalPower: { dataType: DataType.Double, unit: unitOf('KWT', 'kW'), low: 0, high: 12, first: 1.5 },
  CompressorStarts: { dataType: DataType.UInt32, first: 0 },
  EnergyCounter: { dataType: DataType.Int64, first: 0 },
  DefrostActive: { dataType: DataType.Boolean, first: false },
  OperatingMode: { dataType: DataType.String, first: 'heating' },
} as const

export type HeatPumpVariable = keyof typeof HEAT_PUMP_VARIABLES

export interface HeatPumpServerSettings {
  /** 0 = a free one, kept over restarts. */
  readonly port: number
  /** Folder of certificates; made with a key of 2048 bits when absent. */
  readonly pki: string
  readonly pumps: readonly string[]
  /** Also lets clients in without security. */
  readonly allowsPlain?: boolean
  /** Certificates of clients are trusted at first sight. */
  readonly trustsAnybody?: boolean
  readonly users?: Readonly<Record<string, string>>
}

export interface SetOptions {
  readonly status?: keyof typeof STATUSES
  /** Data type on the wire, when it is to differ from the declared one. */
  readonly dataType?: keyof typeof DataType
  readonly sourceMs?: number
}

const STATUSES = {
  Good: StatusCodes.Good,
  UncertainSensorNotAccurate: StatusCodes.UncertainSensorNotAccurate,
  BadSensorFailure: StatusCodes.BadSensorFailure,
  BadDeviceFailure: StatusCodes.BadDeviceFailure,
} as const

export interface HeatPumpServer {
  start(): Promise<{ readonly url: string; readonly port: number }>
  /** Closes all sessions; the history stays. */
  stop(): Promise<void>
  set(pump: string, variable: HeatPumpVariable, value: unknown, options?: SetOptions): void
  /** Gives all variables of a pump their first values, good ones. */
  reset(pump: string): void
  /** Writes into the history what happened while nobody was connected. */
  remember(pump: string, variable: HeatPumpVariable, value: number, sourceMs: number): void
  /** One step of a slow walk of all pumps. */
  walk(random: Random): void
  /** Puts one fault of the field in: a bad or uncertain status, or a value of another type. */
  spoil(random: Random): void
}

/** Creates the server; nothing listens before `start`. */
export function createHeatPumpServer(settings: HeatPumpServerSettings, { clock }: { readonly clock: Clock }): HeatPumpServer {
  const histories = new Map<string, KeptHistory>()
  const variables = new Map<string, UAVariable>()
  let port = settings.port
  let server: OPCUAServer | undefined

  const historyOf = (name: string): KeptHistory => {
    const known = histories.get(name) ?? new KeptHistory()
    histories.set(name, known)
    return known
  }
  const variableOf = (pump: string, variable: HeatPumpVariable): UAVariable => {
    const found = variables.get(`${pump}.${variable}`)
    if (found === undefined) throw new Error(`there is no ${variable} of ${pump}, or the server is not started`)
    return found
  }
  const reset = (pump: string): void => {
    for (const [name, { first }] of entries()) set(pump, name, first)
  }
  const set: HeatPumpServer['set'] = (pump, variable, value, { status = 'Good', dataType, sourceMs } = {}) => {
    const declared = HEAT_PUMP_VARIABLES[variable].dataType
    const wire = dataType === undefined ? declared : DataType[dataType]
    const node = variableOf(pump, variable)
    const dataValue = new DataValue({
      value: { dataType: wire, arrayType: Array.isArray(value) ? VariantArrayType.Array : VariantArrayType.Scalar, value: toWire(wire, value) },
      statusCode: STATUSES[status],
      sourceTimestamp: new Date(sourceMs ?? clock.now()),
      serverTimestamp: new Date(clock.now()),
    })
    ;(node as unknown as { _internal_set_dataValue(given: DataValue): void })._internal_set_dataValue(dataValue)
  }

  return {
    async start() {
      server = await openServer(settings, port)
      const { addressSpace } = server.engine
      if (addressSpace === null) throw new Error('the server has no address space')
      variables.clear()
      for (const [name, variable] of addPumps(addressSpace, settings.pumps, historyOf)) variables.set(name, variable)
      await server.start()
      port = server.endpoints[0]?.port ?? port
      settings.pumps.forEach(reset)
      return { url: `opc.tcp://127.0.0.1:${port}`, port }
    },
    async stop() {
      await server?.shutdown(0)
      server = undefined
    },
    set,
    reset,
    remember(pump, variable, value, sourceMs) {
      const { dataType } = HEAT_PUMP_VARIABLES[variable]
      const sourceTimestamp = new Date(sourceMs)
      historyOf(`${pump}.${variable}`).add(new DataValue({ value: { dataType, value }, sourceTimestamp, serverTimestamp: sourceTimestamp }))
    },
    walk(random) {
      for (const pump of settings.pumps) {
        for (const [name, kind] of entries()) {
          if (!('low' in kind)) continue
          const shown = Number(variableOf(pump, name).readValue().value.value)
          const before = Number.isNaN(shown) ? kind.first : shown
          const step = (random.uniform() - 0.5) * (kind.high - kind.low) * 0.01
          set(pump, name, Number(Math.min(kind.high, Math.max(kind.low, before + step)).toFixed(2)))
        }
      }
    },
    spoil(random) {
      const pump = random.pick(settings.pumps)
      const fault = random.pick(['BadSensorFailure', 'UncertainSensorNotAccurate', 'type'] as const)
      if (fault === 'type') set(pump, 'ReturnTemperature', 'n/a', { dataType: 'String' })
      else set(pump, 'SupplyTemperature', 50, { status: fault })
    },
  }
}

interface Variable {
  readonly dataType: DataType
  readonly first: unknown
  readonly unit?: ReturnType<typeof unitOf>
  readonly low?: number
  readonly high?: number
  readonly hasHistory?: boolean
}

const entries = () => Object.entries(HEAT_PUMP_VARIABLES) as Array<[HeatPumpVariable, (typeof HEAT_PUMP_VARIABLES)[HeatPumpVariable]]>

/** 64-bit whole numbers go as two halves. */
const toWire = (dataType: DataType, value: unknown): unknown =>
  dataType === DataType.Int64 && typeof value === 'number' ? [Math.floor(value / 2 ** 32), value % 2 ** 32] : value

async function openServer({ pki, allowsPlain = false, trustsAnybody = false, users }: HeatPumpServerSettings, port: number): Promise<OPCUAServer> {
  const serverCertificateManager = new OPCUACertificateManager({
    rootFolder: pki,
    automaticallyAcceptUnknownCertificate: trustsAnybody,
    keySize: 2048,
    disableFileWatchers: true,
  })
  const userCertificateManager = new OPCUACertificateManager({ rootFolder: join(pki, 'users'), keySize: 2048, disableFileWatchers: true })
  const server = new OPCUAServer({
    port,
    host: '127.0.0.1',
    hostname: '127.0.0.1',
    // Every change is told, none is gathered with the next.
    serverCapabilities: { minSupportedSampleRate: 0 },
    allowAnonymous: users === undefined,
    serverCertificateManager,
    userCertificateManager,
    securityPolicies: allowsPlain ? [SecurityPolicy.Basic256Sha256, SecurityPolicy.None] : [SecurityPolicy.Basic256Sha256],
    securityModes: allowsPlain ? [MessageSecurityMode.SignAndEncrypt, MessageSecurityMode.None] : [MessageSecurityMode.SignAndEncrypt],
    serverInfo: { applicationUri: 'urn:mendline:simulators:heat-pump-server', productUri: 'mendline-simulators' },
    ...(users === undefined ? {} : { userManager: { isValidUser: (name: string, password: string) => users[name] === password } }),
  })
  await server.initialize()
  return server
}

function* addPumps(
  addressSpace: AddressSpace,
  pumps: readonly string[],
  historyOf: (name: string) => KeptHistory,
): Generator<readonly [string, UAVariable]> {
  const namespace = addressSpace.registerNamespace(HEAT_PUMP_NAMESPACE)
  const pumpType = namespace.addObjectType({ browseName: 'HeatPumpType' })
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: 'HeatPumps', nodeId: 's=HeatPumps' })
  for (const pump of pumps) {
    const object = namespace.addObject({ browseName: pump, nodeId: `s=${pump}`, organizedBy: folder, typeDefinition: pumpType })
    for (const [name, kind] of entries())
      yield [`${pump}.${name}`, addVariable({ addressSpace, namespace, object, history: historyOf(`${pump}.${name}`) }, pump, [name, kind])]
  }
}

interface Place {
  readonly addressSpace: AddressSpace
  readonly namespace: Namespace
  readonly object: UAObject
  readonly history: KeptHistory
}

function addVariable({ addressSpace, namespace, object, history }: Place, pump: string, [name, kind]: readonly [string, Variable]): UAVariable {
  const { dataType, unit, low = 0, high = 0, hasHistory = true } = kind
  const common = {
    browseName: name,
    nodeId: `s=${pump}.${name}`,
    componentOf: object,
    dataType,
    accessLevel: 'CurrentRead',
    minimumSamplingInterval: 0,
  }
  const variable =
    unit === undefined
      ? namespace.addVariable(common)
      : namespace.addAnalogDataItem({ ...common, engineeringUnits: unit, engineeringUnitsRange: { low, high } })
  // A controller with a fault does not check itself.
  Object.assign(variable, { verifyVariantCompatibility: () => {} })
  if (hasHistory) addressSpace.installHistoricalDataNode(variable, { historian: history })
  return variable
}

/** Values kept of one variable; above it the oldest go. */
const HISTORY_MAX = 100_000

/** History of one variable that outlives the server object. */
class KeptHistory {
  readonly #values: DataValue[] = []

  add(value: DataValue): void {
    const ms = timeOf(value)
    const at = this.#values.findLastIndex((known) => timeOf(known) <= ms)
    this.#values.splice(at + 1, 0, value)
    if (this.#values.length > HISTORY_MAX) this.#values.shift()
  }

  async push(value: DataValue): Promise<void> {
    this.add(value)
  }

  extractDataValues(
    { startTime, endTime }: ReadRawModifiedDetails,
    count: number,
    isReversed: boolean,
    reverseDataValue: boolean,
    callback: (error: Error | null, values?: DataValue[]) => void,
  ): void {
    const from = startTime?.getTime() ?? Number.NEGATIVE_INFINITY
    const to = endTime?.getTime() ?? Number.POSITIVE_INFINITY
    const found = this.#values.filter((value) => timeOf(value) >= from && timeOf(value) <= to)
    if (isReversed !== reverseDataValue) found.reverse()
    callback(null, count > 0 ? found.slice(0, count) : found)
  }
}

const timeOf = (value: DataValue): number => value.sourceTimestamp?.getTime() ?? 0
