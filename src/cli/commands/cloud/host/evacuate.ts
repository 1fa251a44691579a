/** `vpc cloud host evacuate`. */
import { kindOf } from '#resource/kinds.ts'
import { evacuateHost } from '../../../cloud/host-actions.ts'
import { common, dryRun, target, whose } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'
import { flag } from '../../../option.ts'

export default command({
  path: 'cloud host evacuate',
  summary: 'unplug everything from a host that is dead',
  description: `Two machines must not run one guest. So the host must have had no feed for a minute, or you know that it is switched off and say
    --fenced. Its vnics are unplugged and its guests wait for another host. No new guest comes. Repeating the command goes on.`,
  examples: [{ line: 'vpc host evacuate h1 --fenced', does: 'h1 is switched off: its vnics may be plugged in elsewhere' }],
  positionals: [target],
  options: {
    ...whose(kindOf('host')),
    fenced: flag('somebody knows that the machine is switched off'),
    dryRun,
    ...common,
  },
  run: (values, { output }, [given]) => evacuateHost(given!, values, output),
})
