/** When the API last wrote something to a host that is no ping. */
import type { AgentRoutes } from '#control/agents/call.ts'

export class Writes {
  readonly #last = new Map<string, number>()

  /** The same routes, whose answers are watched. */
  of(routes: AgentRoutes): AgentRoutes {
    return Object.fromEntries(
      Object.entries(routes).map(([name, handler]) => [
        name,
        (call: Parameters<typeof handler>[0]) => {
          const { host, response } = call
          const write = response.write.bind(response) as (text: string) => boolean
          response.write = ((text: string) => {
            if (!text.startsWith('{"type":"ping"}')) this.#last.set(host, performance.timeOrigin + performance.now())
            return write(text)
          }) as typeof response.write
          return handler(call)
        },
      ]),
    )
  }

  /** The last of these hosts. */
  last = (hosts: Iterable<string>): number => Math.max(0, ...Array.from(hosts, (host) => this.#last.get(host) ?? 0))
}
