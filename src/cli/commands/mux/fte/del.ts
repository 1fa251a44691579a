/** `vpc mux fte del`. */
import type { ForwardingEntry } from '#client/text.ts'
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { usageFailure } from '../../../failure.ts'
import { broadcastMac, fteFile, fteMac, ftesOfFile, fteVni, fteVtep } from '../../../fte-options.ts'
import { muxId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'mux fte del',
  summary: 'delete forwarding entries',
  description: `An entry that does not exist is no error. For MAC 00:00:00:00:00:00, --vtep says which host gets no more
    broadcasts. A file may have the lines that vpc mux fte list prints.`,
  options: { muxId, vni: fteVni, mac: fteMac, vtep: fteVtep, file: fteFile },
  examples: [{ line: 'vpc mux fte del vpcmux0 --vni=5001 --mac=02:00:5e:10:00:02', does: 'one entry' }],
  async run({ muxId: id, vni, mac, vtep, file }, { vpc, output }) {
    const asked = askedFor({ vni, mac, vtep, file })
    const client = await vpc()
    await using mux = await openIfThere((options) => client.openMux(id, options))
    if (mux === undefined) return alreadySo(output, `there is no mux ${id}`, { id, entries: 0 })
    const there = new Set((await mux.entries()).map(keyOf))
    const entries = asked.filter((entry) => there.has(keyOf(entry)))
    const unit = unitText(await mux.describe())
    if (entries.length === 0) return alreadySo(output, `${unit} has no such entry`, { id, entries: 0 })
    await mux.deleteEntries(entries)
    done(output, `${unit}: deleted ${entries.length === 1 ? '1 entry' : `${entries.length} entries`}`, { id, entries: entries.length })
  },
})

type Key = Omit<ForwardingEntry, 'vtep'> & { readonly vtep?: string }

// An entry of one MAC has one VTEP; broadcast has many.
const keyOf = ({ vni, mac, vtep }: Key): string => `${vni} ${mac}${mac === broadcastMac ? ` ${vtep}` : ''}`

interface Given {
  readonly vni: number | undefined
  readonly mac: string | undefined
  readonly vtep: string | undefined
  readonly file: string | undefined
}

function askedFor({ vni, mac, vtep, file }: Given): Key[] {
  if (file !== undefined) {
    if ((vni ?? mac ?? vtep) !== undefined) throw usageFailure('--file replaces --vni, --mac and --vtep; give one or the other')
    return ftesOfFile(file)
  }
  if (vni === undefined || mac === undefined) throw usageFailure('give --vni and --mac, or --file')
  if (mac === broadcastMac && vtep === undefined) throw usageFailure(`--mac=${broadcastMac} needs --vtep: broadcast goes to several hosts`)
  return [{ vni, mac, ...(vtep !== undefined && { vtep }) }]
}
