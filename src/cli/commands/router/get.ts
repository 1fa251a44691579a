/** `vpc router get`. */
import { command } from '../../command.ts'
import { routerId } from '../../id-options.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'router get',
  summary: 'show a router',
  options: { routerId },
  examples: [{ line: 'vpc router get main', does: 'its switch, subnets and routes' }],
  async run({ routerId: id }, { vpc, output }) {
    await using router = await (await vpc()).openRouter(id)
    const info = await router.describe()
    output.result(info, () =>
      formatFields(
        [
          ['unit name', info.unit],
          ['id', info.id],
          ['switch', info.switch ?? 'none'],
          ['subnets', info.subnets.join(', ') || 'none'],
          ['routes', info.routes.join(', ') || 'none'],
        ],
        output.style,
      ),
    )
  },
})
