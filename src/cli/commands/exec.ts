/** `vpc exec PROGRAM ARGS…`. */
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { openOption } from '../open-option.ts'
import { flag, text } from '../option.ts'

export default command({
  path: 'exec',
  summary: 'run a program in which vpc_open(2) and vpc_ctl(2) are system calls',
  description: `In the program, and in all of its children, system call 580 is vpc_open and 581 is vpc_ctl: arguments by
    pointer, -1 and errno, and a real file descriptor as vpc_open's result. The program needs no changes, and may be
    linked statically or not. It replaces this command: its input, output, signals and exit code are its own. See
    docs/system-calls.md.

    With --open the program starts with open descriptors; VPC_FDS has their numbers, in the order of the options,
    separated by spaces. With --user it runs as another user, without privileges. With --no-open its system call
    vpc_open fails with EPERM: it keeps the descriptors that it was given, and gets no others by that call.

    The utility of the original opens a vmnic for READ alone and then sets its queues, which is EPERM here. With
    --compat, an OPEN for READ gives WRITE as well to a caller who may write the object. Nothing else needs the option.

    Below another vpc exec, the outer one decides. When vpcd stops, it closes the program's descriptors at their other
    end, and the two system calls fail with ENOSYS until the program is started anew.`,
  options: {
    open: openOption,
    noOpen: flag('let vpc_open fail with EPERM'),
    compat: flag('give WRITE too when a caller who may write opens for READ, as the original did'),
    user: text('run the program as this user, by name or number', 'USER'),
  },
  positionals: [
    { name: 'PROGRAM', help: 'the program to run, found by PATH' },
    { name: 'ARGS', help: 'its arguments', isRest: true, isOptional: true },
  ],
  examples: [
    { line: 'vpc exec ./make-switch', does: 'run a program that calls vpc_open and vpc_ctl' },
    {
      line: 'vpc exec --user=nobody --no-open --open=vmnic:07f95a11-6788-2ae7-c306-ba95cff1db38:rw -- ./set-queues 4',
      does: 'let an unprivileged program have one vmnic, and nothing else',
    },
  ],
  async run({ open, noOpen, compat, user }, { vpc }, words) {
    const { becomeSupervised, listenForVpcCalls } = await import('#launch/supervised.ts')
    const { LaunchError } = await import('#launch/launch-error.ts')
    try {
      const client = await vpc()
      const fds: number[] = []
      for (const { type, id, write } of open) fds.push((await client.open(id, type, { write })).fd)
      const mgmt = await client.mgmt()
      const listener = listenForVpcCalls()
      // Below another `vpc exec` there can be no second listener: the calls go to the one above.
      if (listener !== undefined) await mgmt.supervise(listener, { compat })
      becomeSupervised(words as [string, ...string[]], { fds, noOpen, user })
    } catch (error) {
      if (error instanceof LaunchError) throw new Failure('failed', error.message, { code: error.code })
      throw error
    }
  },
})
