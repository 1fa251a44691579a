/** `vpc mux set`. */
import { command } from '../../command.ts'
import { muxId } from '../../id-options.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

const muxOptions = settingOptions('vpcmux')

export default command({
  path: 'mux set',
  summary: 'change settings of a mux',
  description: `Packets to and from other hosts may take a direct way, which bypasses the host's stack: its firewall,
    traffic control on the ingress, and IPsec. With --direct=auto (the default) they do so unless a rule of the host
    must see each of them. vpcd follows the host's rules; vpc mux show and vpc audit say which of them close the direct
    ways.

    With --direct=off all packets take the long way. With --direct=on the host's rules see samples only: a verdict for a
    VTEP still holds within a second, but limits do not limit, counters do not count, and rules by VNI, length or source
    port do not match.

    Unless --exclusive=off is given, programs of this host and guests behind uplinks cannot send UDP to the ports of the
    VTEPs that the mux has entries for. The datapath drops it as not_from_mux.`,
  options: { muxId, ...muxOptions },
  examples: [
    {
      line: 'vpc mux set vpcmux0 --direct=off',
      does: "have the host's firewall see every packet, whatever its rules are",
    },
  ],
  async run({ muxId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('vpcmux', values)
    checkAsked(settings, muxOptions)
    await using mux = await (await vpc()).openMux(id, { write: true })
    await changeSettings(output, mux, settings)
  },
})
