/** A TCP proxy whose connections can be cut, for tests of what a client does then. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a client and the port that `target` names at the time of a connection. */
export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  isOpen = true

  constructor(target: () => number) {
    this.#server = createServer((socket) => {
      if (!this.isOpen) return void socket.destroy()
      const far = connect(target(), '127.0.0.1')
      for (const [from, to] of [
        [socket, far],
        [far, socket],
      ] as const) {
        this.#sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
      }
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    this.isOpen = false
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}
