/** `vpc cloud vnic detach`. */
import { at, clientOf, textOf } from '../../../cloud/resource-actions.ts'
import { common, target, whose, whoseOf } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'
import { integer } from '../../../option.ts'
import { alreadySo, done } from '../../../outcome.ts'
import { progress } from '../../../vm-failure.ts'
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'

const kind = kindOf('vnic')

export default command({
  path: 'cloud vnic detach',
  summary: 'take the interface of a vnic away from its container',
  description: `Unplugs the vnic and waits until its host has removed the interface. The vnic keeps its addresses. Repeating it changes nothing.`,
  examples: [{ line: 'vpc vnic detach web1', does: 'the container has its eth0 no more' }],
  positionals: [target],
  options: { ...whose(kind), timeout: integer('seconds to wait for hosts', 'SECONDS', 1, 300).default(30), ...common },
  async run({ timeout, ...values }, { output }, [given]) {
    const client = clientOf(values)
    const what = `unplug vnic ${given}`
    const vnic = (await client.must<Resource>(what, 'GET', at(kind, given!, whoseOf(kind, values)))).body
    if (vnic.binding === null) return alreadySo(output, `${textOf(vnic)} is plugged in nowhere`, { vnic })
    const path = `/${kind.plural}/${vnic.id}/binding?wait=ready&timeout=${timeout}s`
    const { body } = await client.must<Resource>(what, 'DELETE', path)
    const late = (body.late ?? []) as { host: string; error: { text: string } | null }[]
    for (const { host, error } of late) progress(`host ${host} is late: ${error?.text ?? `it has not done it within ${timeout} s`}`)
    done(output, `unplugged ${textOf(vnic)}`, { vnic: body })
  },
})
