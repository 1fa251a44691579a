/** `vpc mux listen`. */
import { command } from '../../command.ts'
import { muxId } from '../../id-options.ts'
import { endpointOption } from '../../kinds.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'mux listen',
  summary: 'say where a mux takes VXLAN packets from other hosts',
  description: `The address must be one of this host. 4789 is the port that VXLAN is registered for; another one helps where something on the way
    takes that one for its own. Listening where it listens changes nothing.`,
  options: { muxId, listenAddr: endpointOption('underlay address and UDP port').required },
  examples: [
    { line: 'vpc mux listen vpcmux0 --listen-addr=192.0.2.1:4789', does: 'an IPv4 underlay' },
    { line: 'vpc mux listen vpcmux0 --listen-addr=[2001:db8::1]:4789', does: 'an IPv6 underlay' },
  ],
  async run({ muxId: id, listenAddr }, { vpc, output }) {
    await using mux = await (await vpc()).openMux(id, { write: true })
    const info = await mux.describe()
    if (info.listen === listenAddr) return alreadySo(output, `${unitText(info)} listens on ${listenAddr}`, { object: info })
    await mux.listen(listenAddr)
    done(output, `${unitText(info)} listens on ${listenAddr}`, { object: await mux.describe() })
  },
})
