/** `vpc mux show`. */
import { command } from '../../command.ts'
import { muxId } from '../../id-options.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'mux show',
  summary: 'show a mux',
  options: { muxId },
  examples: [{ line: 'vpc mux show --mux-id=b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80', does: 'its underlay and listen address' }],
  async run({ muxId: id }, { vpc, output }) {
    await using mux = await (await vpc()).openMux(id)
    const info = await mux.describe()
    const [, host = 'none', port = 'none'] = /^(.*):(\d+)$/.exec(info.listen ?? '') ?? []
    output.result(info, () =>
      formatFields(
        [
          ['unit name', info.unit],
          ['id', info.id],
          ['interface id', info.underlay ?? 'none'],
          ['listen address', host],
          ['listen port', port],
          ['mtu', info.mtuBytes],
          ['entries', info.entries],
        ],
        output.style,
      ),
    )
  },
})
