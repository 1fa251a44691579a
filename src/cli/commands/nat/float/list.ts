/** `vpc nat float list`. */
import { command } from '../../../command.ts'
import { natId } from '../../../id-options.ts'

export default command({
  path: 'nat float list',
  summary: 'list the floating addresses of a NAT',
  options: { natId },
  examples: [{ line: 'vpc nat float list outside', does: 'each with its station' }],
  async run({ natId: id }, { vpc, output }) {
    await using nat = await (await vpc()).openNat(id)
    const floats = (await nat.listFloats()).map((text) => {
      const [address, , inside] = text.split(' ')
      return { address: address!, inside: inside! }
    })
    output.result(floats, () => ({ columns: ['ADDRESS', 'INSIDE'], rows: floats.map(({ address, inside }) => [address, inside]) }))
  },
})
