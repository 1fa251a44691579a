/** `vpc libvirt release`. */
import { command } from '../../command.ts'
import { Failure } from '../../failure.ts'
import { removeInterface } from '../../libvirt/interfaces.ts'
import { surroundingOptions, surroundingsOf } from '../../libvirt/options.ts'
import { recordsOf } from '../../libvirt/record.ts'
import { connectOption, virsh } from '../../libvirt/virsh.ts'
import { alreadySo, done } from '../../outcome.ts'

export default command({
  path: 'libvirt release',
  summary: 'take away what a domain of libvirt has left',
  description: `The hook does this when a guest ends. It is needed after the machine was switched off while the guest ran and the domain
    was forgotten by libvirt since, or when the cloud did not answer.`,
  positionals: [{ name: 'DOMAIN', help: 'name or UUID of the domain, as vpc libvirt list shows it' }],
  options: { connect: connectOption, ...surroundingOptions },
  examples: [{ line: 'vpc libvirt release web1', does: 'take away the interfaces of web1, which does not run' }],
  async run(given, context, [domain]) {
    const around = surroundingsOf(given, context)
    const records = recordsOf(around.stateDir).filter(({ domain: uuid, name }) => uuid === domain || name === domain)
    if (records.length === 0) return alreadySo(context.output, `nothing is left of domain ${domain}`)
    const running = virsh(given.connect, ['list', '--uuid']).split('\n')
    const alive = records.find((each) => running.includes(each.domain))
    if (alive !== undefined)
      throw new Failure('conflict', `domain ${alive.name} runs; vpc libvirt detach takes one interface away`, { code: 'EBUSY' })
    for (const each of records) await removeInterface(each, around)
    done(context.output, `took away ${records.map(({ dev }) => dev).join(', ')} of domain ${domain}`)
  },
})
