/** `vpc console`. */
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { integer } from '../option.ts'

export default command({
  path: 'console',
  summary: 'show this host in a browser: objects, counters, drops, traces',
  description: `Serves a page on loopback until you press Ctrl-C, and prints its address. The address is good for one browser: it
    becomes a cookie there. The page shows the objects of this host, their counters, packets as they are dropped, and what would become
    of a packet; it changes nothing. Needs a management handle with READ, and READ on ports for traces.

    A process of its own speaks HTTP. Started by root, it runs as a user that nobody else is, and can only ask for what the page shows.
    From another machine: ssh -L PORT:127.0.0.1:PORT. The console of a whole cloud is at /console/ of its API.`,
  options: { port: integer('port on 127.0.0.1; 0 takes a free one', 'PORT', 0, 65_535).default(0) },
  examples: [{ line: 'vpc console', does: 'prints an address for a browser' }],
  async run({ port }, { vpc, output, signal }) {
    const { startHostConsole } = await import('../console/host-console.ts')
    const client = await vpc()
    await using mgmt = await client.mgmt()
    await using running = await startHostConsole(client, mgmt, port)
    output.item({ url: running.url }, `the console of this host: ${running.url}`)
    const stopped = new Promise<undefined>((resolve) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(undefined))
      signal.addEventListener('abort', () => resolve(undefined))
    })
    const why = await Promise.race([stopped, running.ended])
    if (why !== undefined) throw new Failure('failed', `the console has ended: ${why}`)
  },
})
