/** `vpc libvirt detach`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../command.ts'
import { Failure } from '../../failure.ts'
import { removeInterface } from '../../libvirt/interfaces.ts'
import { surroundingOptions, surroundingsOf } from '../../libvirt/options.ts'
import { recordsOf } from '../../libvirt/record.ts'
import { connectOption, macsOf, runningDomain, virsh } from '../../libvirt/virsh.ts'
import { alreadySo, done } from '../../outcome.ts'

export default command({
  path: 'libvirt detach',
  summary: 'unplug an interface from a running guest of libvirt',
  description: `Has virsh detach it, waits until the guest has let it go, and takes away what vpc made for it. The guest learns of it by
    ACPI: the domain needs the feature acpi.`,
  positionals: [
    { name: 'DOMAIN', help: 'name or UUID of the domain' },
    { name: 'DEV', help: 'name of the interface on the host, as vpc libvirt list shows it' },
  ],
  options: { connect: connectOption, ...surroundingOptions },
  examples: [{ line: 'vpc libvirt detach web1 web1-db', does: 'the guest loses it, and its vnic goes' }],
  async run(given, context, [domain, dev]) {
    const { connect, timeout } = given
    const around = surroundingsOf(given, context)
    const { uuid, name } = runningDomain(connect, domain!)
    const recorded = recordsOf(around.stateDir, uuid).find((each) => each.dev === dev)
    if (recorded === undefined) return alreadySo(context.output, `domain ${name} has no interface ${dev} of vpc`)
    const { mac } = recorded
    if (macsOf(connect, uuid).includes(mac)) virsh(connect, ['detach-interface', uuid, 'ethernet', '--mac', mac, '--live'])
    for (const end = performance.now() + timeout * 1000; macsOf(connect, uuid).includes(mac); await sleep(200))
      if (performance.now() > end)
        throw new Failure(
          'failed',
          `the guest of domain ${name} has not let ${dev} go within ${timeout} s; does it run, and has it <features><acpi/></features>?`,
        )
    await removeInterface(recorded, around)
    done(context.output, `domain ${name} no longer has ${dev}`, { mac })
  },
})
