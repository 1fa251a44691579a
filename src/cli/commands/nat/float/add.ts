/** `vpc nat float add`. */
import { command } from '../../../command.ts'
import { natId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'nat float add',
  summary: 'give a station a public address',
  description: `The public address stands for the station, in both directions and with all ports. It is one of the
    NAT's pool. If it stood for another station before, it moves to this one.`,
  options: {
    natId,
    address: ipOption('public address').required,
    inside: ipOption('address of the station, in a subnet of the router').required,
  },
  examples: [
    {
      line: 'vpc nat float add outside --address=203.0.113.20 --inside=10.1.0.5',
      does: 'one address for one station',
    },
  ],
  async run({ natId: id, address, inside }, { vpc, output }) {
    const float = `${address} to ${inside}`
    await using nat = await (await vpc()).openNat(id, { write: true })
    const info = await nat.describe()
    if (info.floats.includes(float)) return alreadySo(output, `${unitText(info)} has ${float}`, { id, float })
    const before = info.floats.find((other) => other.startsWith(`${address} to `))
    await nat.addFloats([float])
    done(output, `${unitText(info)}: ${float}${before === undefined ? '' : ` (was ${before})`}`, { id, float })
  },
})
