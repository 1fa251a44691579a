/** `vpc lab exec GUEST|HOST -- COMMAND`. */
import { enter, findCommand } from '#lab/lab-enter.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'
import { text } from '../../option.ts'

export default command({
  path: 'lab exec',
  summary: 'run a command in a guest or host of a lab',
  description: `The command replaces this one: its input, output, signals and exit code are its own. On a host, vpc
    speaks to that host's vpcd. Besides guests and hosts, you can enter 'underlay' and the machines at the end of links.
    Where labs share names, use --lab, or write the lab before the guest.`,
  options: { lab: text('the lab, where more than one has such a guest or host', 'NAME') },
  positionals: [
    { name: 'GUEST|HOST', help: 'where to run it' },
    { name: 'COMMAND', help: 'the command and its arguments, after --', isRest: true },
  ],
  examples: [
    { line: 'vpc lab exec red1 -- ping -c 3 10.0.0.2', does: 'ping from guest red1' },
    { line: 'vpc lab exec h1 -- vpc list', does: 'list the objects of host h1' },
    { line: 'vpc lab exec --lab demo h1 -- tcpdump -ni underlay0', does: 'watch the underlay of host h1 of lab demo' },
  ],
  async run({ lab }, _, words) {
    const { entrance, argv } = await tellingLabErrors(() => findCommand(words, lab))
    const entered = enter(entrance, argv)
    become(entered.argv, { ...process.env, ...entered.env })
  },
})

/** Replace this process by another program. Does not come back. */
function become(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): never {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as Record<string, string>
  // execve looks for no program itself: env(1) does, in the PATH that it is given.
  process.execve!('/usr/bin/env', ['env', ...argv], set)
  throw new Error('execve came back')
}
