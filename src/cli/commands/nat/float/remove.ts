/** `vpc nat float remove`. */
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { natId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'nat float remove',
  summary: 'take a public address from its station',
  description: `An address that stands for nobody is no error.`,
  options: { natId, address: ipOption('public address').required },
  examples: [{ line: 'vpc nat float remove outside --address=203.0.113.20', does: 'take it' }],
  async run({ natId: id, address }, { vpc, output }) {
    const client = await vpc()
    await using nat = await openIfThere((options) => client.openNat(id, options))
    if (nat === undefined) return alreadySo(output, `there is no NAT ${id}`, { id })
    const info = await nat.describe()
    const float = info.floats.find((each) => each.startsWith(`${address} `))
    if (float === undefined) return alreadySo(output, `${unitText(info)} has no floating address ${address}`, { id })
    await nat.deleteFloats([float])
    done(output, `${unitText(info)}: removed ${float}`, { id, float })
  },
})
