/** `vpc lab up FILE`. */
import { constants } from 'node:os'
import { bringUp } from '#lab/lab-up.ts'
import { drawLab } from '#lab/drawing.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'

export default command({
  path: 'lab up',
  summary: 'make hosts and guests from a lab file',
  description: `Makes a network namespace for each host, with a vpcd of its own, and one for each guest, joined as the
    file says; see examples/. If the lab is up from the same file, nothing changes. When the command is interrupted or
    fails, it removes all that it has made.`,
  positionals: [{ name: 'FILE', help: 'the lab file, YAML' }],
  examples: [
    { line: 'vpc lab up examples/two-hosts.yaml', does: 'bring up two hosts with a guest on each' },
    { line: 'vpc lab exec a -- ping -c 3 10.0.0.2', does: 'ping from the one guest to the other' },
  ],
  async run(_, { output }, [file]) {
    const interrupt = new AbortController()
    const stop = (name: NodeJS.Signals): void => interrupt.abort(name)
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const name of names) process.on(name, stop)
    try {
      const progress = (line: string): void => void process.stderr.write(`  ${line}\n`)
      const { plan, already } = await tellingLabErrors(() => bringUp(file!, { signal: interrupt.signal, progress }))
      const result = {
        changed: !already,
        name: plan.name,
        hosts: plan.hosts.map(({ name }) => name),
        guests: plan.guests.map(({ name }) => name),
      }
      const first = plan.guests[0]?.name ?? plan.hosts[0]!.name
      const ways = `\`vpc lab exec ${first} -- COMMAND\` goes in, \`vpc lab down ${plan.name}\` takes it down`
      output.result(result, () => (already ? `lab ${plan.name} is up already; ${ways}` : `${drawLab(plan)}lab ${plan.name} is up; ${ways}`))
    } catch (error) {
      if (!interrupt.signal.aborted) throw error
      process.stderr.write(`vpc: interrupted; lab of ${file} is taken back\n`)
      return 128 + constants.signals[interrupt.signal.reason as NodeJS.Signals]
    } finally {
      for (const name of names) process.off(name, stop)
    }
  },
})
