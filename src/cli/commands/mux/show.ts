/** `vpc mux show`. */
import type { MuxInfo } from '#abi/info.ts'
import { command } from '../../command.ts'
import { muxId } from '../../id-options.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

/** The setting, and what closes the direct ways. */
function directText({ direct, objections }: MuxInfo): string {
  const reasons = [...new Set([...objections.out, ...objections.in])]
  if (direct !== 'auto' || reasons.length === 0) return direct
  const which = objections.out.length === 0 ? 'not in' : objections.in.length === 0 ? 'not out' : 'not now'
  return `auto, ${which}: ${reasons.join('; ')}`
}

export default command({
  path: 'mux show',
  summary: 'show a mux',
  options: { muxId },
  examples: [{ line: 'vpc mux show vpcmux0', does: 'its underlay and listen address' }],
  async run({ muxId: id }, { vpc, output }) {
    const client = await vpc()
    await using mux = await client.openMux(id)
    const info = await mux.describe()
    const nameOf = await objectNames(client, info)
    const [, host = 'none', port = 'none'] = /^(.*):(\d+)$/.exec(info.listen ?? '') ?? []
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['underlay', nameOf(info.underlay)],
          ['listen address', host],
          ['listen port', port],
          ['mtu', info.mtuBytes],
          ['direct', directText(info)],
          ['entries', info.entries],
        ],
        output.style,
      ),
    )
  },
})
