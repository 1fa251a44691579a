/** `vpc cloud vnic detach`. */
import { agentStateDir } from '../../../agent-state-dir.ts'
import { at, clientOf, textOf } from '../../../cloud/resource-actions.ts'
import { common, target, whose, whoseOf } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'
import { integer, text } from '../../../option.ts'
import { alreadySo, done } from '../../../outcome.ts'
import { thisHost } from '../../../this-host.ts'
import { vmDir } from '../../../vm-dir.ts'
import { progress } from '../../../vm-failure.ts'
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'

const kind = kindOf('vnic')

export default command({
  path: 'cloud vnic detach',
  summary: 'take the interface of a vnic away from its container',
  description: `Unplugs the vnic and waits until its host has removed the interface. The vnic keeps its addresses. Repeating it changes nothing.

    With --vm it takes the vnic of a virtual machine of this host away: a guest that runs releases it first.`,
  examples: [
    { line: 'vpc vnic detach web1', does: 'the container has its eth0 no more' },
    { line: 'vpc vnic detach web1-db --vm=web1', does: 'virtual machine web1 loses it' },
  ],
  positionals: [target],
  options: {
    ...whose(kind),
    timeout: integer('seconds to wait for hosts', 'SECONDS', 1, 300).default(30),
    vm: text('virtual machine of this host that has it', 'NAME'),
    agentStateDir,
    vmDir,
    ...common,
  },
  async run({ timeout, vm, vmDir: vms, agentStateDir: stateDir, ...values }, { output }, [given]) {
    const client = clientOf(values)
    const what = `unplug vnic ${given}`
    const vnic = (await client.must<Resource>(what, 'GET', at(kind, given!, whoseOf(kind, values)))).body
    if (vm !== undefined) {
      const { detachFromVm } = await import('../../../vm-vnic.ts')
      const isChanged = await detachFromVm(client, vnic, { vm, host: await thisHost(stateDir), vmDir: vms, seconds: timeout })
      return isChanged
        ? done(output, `${textOf(vnic)} is no longer in vm ${vm}`, { vnic })
        : alreadySo(output, `${textOf(vnic)} is not in vm ${vm}`, { vnic })
    }
    if (vnic.binding === null) return alreadySo(output, `${textOf(vnic)} is plugged in nowhere`, { vnic })
    const path = `/${kind.plural}/${vnic.id}/binding?wait=ready&timeout=${timeout}s`
    const { body } = await client.must<Resource>(what, 'DELETE', path)
    const late = (body.late ?? []) as { host: string; error: { text: string } | null }[]
    for (const { host, error } of late) progress(`host ${host} is late: ${error?.text ?? `it has not done it within ${timeout} s`}`)
    done(output, `unplugged ${textOf(vnic)}`, { vnic: body })
  },
})
