/** `vpc router get`. */
import { command } from '../../command.ts'
import { routerId } from '../../id-options.ts'
import { headRows, namesText, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'router get',
  summary: 'show a router',
  options: { routerId },
  examples: [{ line: 'vpc router get main', does: 'its switch, subnets and routes' }],
  async run({ routerId: id }, { vpc, output }) {
    const client = await vpc()
    await using router = await client.openRouter(id)
    const info = await router.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['switch', nameOf(info.switch)],
          ['subnets', namesText(info.subnets, nameOf)],
          ['routes', info.routes.join(', ') || 'none'],
        ],
        output.style,
      ),
    )
  },
})
