/** `vpc mux fte get`. */
import { command } from '../../../command.ts'
import { Failure } from '../../../failure.ts'
import { fteMac, fteVni } from '../../../fte-options.ts'
import { muxId } from '../../../id-options.ts'
import { unitText } from '../../../outcome.ts'

export default command({
  path: 'mux fte get',
  summary: 'show which host has a MAC address',
  options: { muxId, vni: fteVni.required, mac: fteMac.required },
  examples: [{ line: 'vpc mux fte get vpcmux0 --vni=5001 --mac=02:00:5e:10:00:02', does: 'ask for one' }],
  async run({ muxId: id, vni, mac }, { vpc, output }) {
    await using mux = await (await vpc()).openMux(id)
    const entries = (await mux.entries()).filter((each) => each.vni === vni && each.mac === mac)
    if (entries.length === 0) {
      const unit = unitText(await mux.describe())
      throw new Failure('failed', `${unit} has no entry for ${mac} in VNI ${vni}; see vpc mux fte list`, { code: 'ENOENT' })
    }
    output.result(entries, entries.map(({ vtep }) => vtep).join('\n'))
  },
})
