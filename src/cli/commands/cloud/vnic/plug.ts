/** `vpc cloud vnic plug`. */
import { bindVnic } from '../../../cloud/binding-actions.ts'
import { common, dryRun, target, whose } from '../../../cloud/resource-command.ts'
import { waiting } from '../../../cloud/waiting.ts'
import { command } from '../../../command.ts'
import { text, valueOption } from '../../../option.ts'
import { failure, success } from '#wire/result.ts'
import { kindOf } from '#resource/kinds.ts'

const units = ['hostif', 'vmnic'] as const

export default command({
  path: 'cloud vnic plug',
  summary: 'plug a vnic in on a host, or move it to another one',
  description: `The agent of the host makes the interface: a hostif for a container, a vmnic for a virtual machine. A vnic that is on
    another host moves; that host sends its frames on for a minute.`,
  examples: [{ line: 'vpc vnic plug web1 --host=h1', does: 'a hostif for web1 on host h1' }],
  positionals: [target],
  options: {
    ...whose(kindOf('vnic')),
    host: text('the host: its name or id', 'NAME', { names: 'host' }).required,
    unit: valueOption<(typeof units)[number]>('what the guest gets', {
      placeholder: units.join('|'),
      completion: { words: units },
      parse: (given) =>
        given === 'hostif' || given === 'vmnic' ? success(given) : failure(`'${given}' is not one of ${units.join(', ')}`),
    }).default('hostif', 'hostif'),
    dryRun,
    ...waiting,
    ...common,
  },
  run: (values, { output }, [given]) => bindVnic(given!, { host: values.host, unit: values.unit }, values, output),
})
