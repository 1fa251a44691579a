/** `vpc cloud host token`. */
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { invitationText, invite } from '../../../cloud/host-invitation.ts'
import { at, clientOf } from '../../../cloud/resource-actions.ts'
import { common, target, whose, whoseOf } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'

const kind = kindOf('host')

export default command({
  path: 'cloud host token',
  summary: 'make a token that a machine joins as this host with',
  description: `The token is good for one machine and one hour; the one before it is good no more. When another machine uses it a second time,
    the host is disabled: the token was stolen. A machine that joins takes the place of the one that was this host.`,
  examples: [{ line: 'vpc host token h1', does: 'what to type on the machine that is to be h1' }],
  positionals: [target],
  options: { ...whose(kind), ...common },
  async run(values, { output }, [given]) {
    const client = clientOf(values)
    const host = (await client.must<Resource>(`show host ${given}`, 'GET', at(kind, given!, whoseOf(kind, values)))).body
    const join = await invite(client, host)
    output.result({ changed: true, join }, invitationText(join))
  },
})
