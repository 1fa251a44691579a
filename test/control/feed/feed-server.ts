/** The routes of feeds over plain HTTP: a header says which host asks, where the agents' port has a certificate. */
import { createServer, type Server } from 'node:http'
import { answerProblem, type AgentRoutes } from '#control/agents/call.ts'
import { Problem } from '#control/model/problem.ts'

export class FeedServer implements AsyncDisposable {
  readonly #server: Server
  readonly url: string
  /** Ends all requests of a host, as the port does when its certificate does not count any more. */
  readonly ends = new Map<string, AbortController>()

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  }

  static async start(routes: AgentRoutes): Promise<FeedServer> {
    const self: { server?: FeedServer } = {}
    const server = createServer((request, response) => {
      // Tests ask below a path that names the host.
      const [, host, ...rest] = request.url!.split('/')
      const url = new URL(`/${rest.join('/')}`, 'http://api')
      const controller = new AbortController()
      self.server!.ends.set(host!, controller)
      const handler = routes[`${request.method} ${url.pathname}`]
      const call = { host: host!, url, request, response, ended: controller.signal }
      void (handler?.(call) ?? Promise.reject(new Problem('not-found', 'no such path'))).catch((error: unknown) =>
        answerProblem(response, error instanceof Problem ? error : new Problem('internal', String(error))),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (self.server = new FeedServer(server))
  }

  /** Where a host asks. */
  of = (host: string): { url: string } => ({ url: `${this.url}/${host}` })

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}
