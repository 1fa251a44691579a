/** `vpc mux fte list`. */
import { command } from '../../../command.ts'
import { flagsText, fteVni } from '../../../fte-options.ts'
import { muxId } from '../../../id-options.ts'

export default command({
  path: 'mux fte list',
  summary: 'list the forwarding entries of a mux',
  description: `vpc mux fte set --file reads the lines that this command prints. Flag forward: see vpc mux fte set. Flag
    used: packets of this host's interfaces used the entry since vpc mux fte clear-used. An entry without it may be
    deleted to make room.`,
  options: { muxId, vni: fteVni.help('only entries of this VNI') },
  examples: [{ line: 'vpc mux fte list vpcmux0', does: 'every entry' }],
  async run({ muxId: id, vni }, { vpc, output }) {
    await using mux = await (await vpc()).openMux(id)
    const entries = (await mux.entriesWithFlags())
      .filter((each) => vni === undefined || each.vni === vni)
      .toSorted((a, b) => a.vni - b.vni || (a.mac < b.mac ? -1 : a.mac > b.mac ? 1 : 0))
    output.result(entries, () => ({
      columns: ['VNI', 'MAC', 'VTEP', 'FLAGS'],
      rows: entries.map((each) => [each.vni, each.mac, each.vtep, flagsText(each)]),
    }))
  },
})
