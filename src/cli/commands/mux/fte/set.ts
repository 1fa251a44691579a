/** `vpc mux fte set`. */
import type { MuxInfo } from '#abi/info.ts'
import { parseEndpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'
import { Failure } from '../../../failure.ts'
import type { ForwardingEntry } from '#client/text.ts'
import { command } from '../../../command.ts'
import { fteFile, fteForward, fteMac, ftesOf, fteVni, fteVtep } from '../../../fte-options.ts'
import { muxId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'mux fte set',
  summary: 'set which host has a MAC address',
  description: `Replaces an existing entry. Entries of MAC 00:00:00:00:00:00 are the hosts that get the broadcasts of
    the VNI: each is added to the others, up to 64. Entries of a file are set all or none.

    With --forward, this host sends frames for the MAC on to the host that has it, while other hosts still send them
    here because a machine has just moved. It forwards each frame once, and never to the host that it came from. Setting
    the entry without --forward clears the flag.`,
  options: { muxId, vni: fteVni, mac: fteMac, vtep: fteVtep, forward: fteForward, file: fteFile },
  examples: [
    {
      line: 'vpc mux fte set vpcmux0 --vni=5001 --mac=02:00:5e:10:00:02 --vtep=192.0.2.2',
      does: 'one entry',
    },
    {
      line: 'vpc mux fte set vpcmux0 --file=entries.txt',
      does: 'many, lines such as: 5001 02:00:5e:10:00:02 192.0.2.2',
    },
  ],
  async run({ muxId: id, vni, mac, vtep, forward, file }, { vpc, output }) {
    const entries = ftesOf({ vni, mac, vtep, forward, file })
    await using mux = await (await vpc()).openMux(id, { write: true })
    const info = await mux.describe()
    if (vtep !== undefined && vtep === ownVtep(info))
      throw new Failure('failed', `${vtep} is where ${unitText(info)} itself listens; name the host that has the guest`, { code: 'EINVAL' })
    const known = new Set((await mux.entries()).map(textOf))
    const isSame = entries.every((each) => known.has(textOf(each)))
    if (!isSame) await mux.setEntries(entries)
    const [only] = entries
    const what = entries.length === 1 ? `${only!.mac} of VNI ${only!.vni} is behind ${only!.vtep}` : `${entries.length} entries set`
    const told = isSame ? alreadySo : done
    told(output, `${unitText(await mux.describe())}: ${what}`, { id, entries: entries.length })
  },
})

/** This host as entries would have it. */
function ownVtep({ listen }: MuxInfo): string | undefined {
  const own = listen === null ? undefined : parseEndpoint(listen)
  return own?.ok ? formatIp(own.value.address) : undefined
}

const textOf = ({ vni, mac, vtep, forward = false }: ForwardingEntry): string => `${vni} ${mac} ${vtep} ${forward}`
