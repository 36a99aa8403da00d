/**
 * What is kept by tenant and device: two maps instead of one joined key, so that no text is made for a reading. Readings come in runs of one
 * device, and nearly always of one tenant, so the last of each is asked before a map is. Hot.
 */
export class DeviceMap<Value> {
  readonly #tenants = new Map<string, Map<string, Value>>()
  #tenant: string | undefined
  #devices: Map<string, Value> | undefined
  #device: string | undefined
  #value: Value | undefined

  get(tenant: string, device: string): Value | undefined {
    if (tenant === this.#tenant) {
      if (device === this.#device) return this.#value
    } else {
      this.#tenant = tenant
      this.#devices = this.#tenants.get(tenant)
    }
    this.#device = device
    this.#value = this.#devices?.get(device)
    return this.#value
  }

  set(tenant: string, device: string, value: Value): void {
    let devices = this.#tenants.get(tenant)
    if (devices === undefined) {
      devices = new Map()
      this.#tenants.set(tenant, devices)
    }
    devices.set(device, value)
    this.#forgetLast()
  }

  delete(tenant: string, device: string): boolean {
    this.#forgetLast()
    return this.#tenants.get(tenant)?.delete(device) ?? false
  }

  clear(): void {
    this.#forgetLast()
    this.#tenants.clear()
  }

  /** Tenant by tenant, as they came. */
  values(): Value[] {
    return [...this.#tenants.values()].flatMap((devices) => [...devices.values()])
  }

  /** Devices of one tenant with what is kept of them. */
  ofTenant(tenant: string): Array<readonly [device: string, value: Value]> {
    return [...(this.#tenants.get(tenant) ?? [])]
  }

  entries(): Array<readonly [tenant: string, device: string, value: Value]> {
    return [...this.#tenants].flatMap(([tenant, devices]) => [...devices].map(([device, value]) => [tenant, device, value] as const))
  }

  #forgetLast(): void {
    this.#tenant = undefined
    this.#devices = undefined
    this.#device = undefined
    this.#value = undefined
  }
}
