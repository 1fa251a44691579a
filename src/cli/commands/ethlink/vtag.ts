/** `vpc ethlink vtag`. */
import type { EthlinkInfo } from '#abi/info.ts'
import type { Ethlink } from '#client/ethlink.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { ethlinkId } from '../../id-options.ts'
import { vlanOption } from '../../kinds.ts'
import { flag } from '../../option.ts'
import { changeSettings, setting } from '../../setting.ts'

export default command({
  path: 'ethlink vtag',
  summary: 'show or set the VLAN tag of an ethlink',
  description: `Frames leave through the ethlink with this tag, and are taken with it.`,
  options: {
    ethlinkId,
    getVtag: flag('show the tag; the default without --set-vtag').short('g'),
    setVtag: vlanOption('the tag; 0: none').short('s'),
  },
  examples: [
    { line: 'vpc ethlink vtag ethlink0', does: 'show it' },
    { line: 'vpc ethlink vtag ethlink0 --set-vtag=42', does: 'set it' },
  ],
  async run({ ethlinkId: id, getVtag, setVtag }, { vpc, output }) {
    if (getVtag && setVtag !== undefined) throw usageFailure('--get-vtag and --set-vtag exclude each other')
    await using ethlink = await (await vpc()).openEthlink(id, { write: setVtag !== undefined })
    if (setVtag === undefined) {
      const vtag = await ethlink.vtag()
      return output.result({ vtag }, String(vtag))
    }
    const settings = setting<Ethlink, EthlinkInfo, number>(
      'vtag',
      setVtag,
      (info) => info.vtag,
      (object, value) => object.setVtag(value),
    )
    await changeSettings(output, ethlink, settings)
  },
})
