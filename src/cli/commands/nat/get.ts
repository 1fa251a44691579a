/** `vpc nat get`. */
import { command } from '../../command.ts'
import { natId } from '../../id-options.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'nat get',
  summary: 'show a NAT',
  options: { natId },
  examples: [{ line: 'vpc nat get outside', does: 'its router, its wire and its addresses' }],
  async run({ natId: id }, { vpc, output }) {
    const client = await vpc()
    await using nat = await client.openNat(id)
    const info = await nat.describe()
    const both = (four: string | null, six: string | null): string => [four, six].filter((each) => each !== null).join(', ') || 'none'
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['router', nameOf(info.router)],
          ['ethlink', nameOf(info.ethlink)],
          ['gateway host', info.via ?? 'none'],
          ['on the wire', both(info.prefix4, info.prefix6)],
          ['next router', both(info.gateway4, info.gateway6)],
          ['pool', info.pool.join(', ') || 'none'],
          ['shared', info.shared.join(', ') || 'none'],
          ['floats', info.floats.join(', ') || 'none'],
          ['obstacle', info.obstacle ?? 'none'],
        ],
        output.style,
      ),
    )
  },
})
