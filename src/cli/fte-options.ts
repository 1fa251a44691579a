/** The options of the forwarding table commands, and their entries from options or from a file. */
import type { ForwardingEntry } from '#client/text.ts'
import { parseVni } from '#wire/vni.ts'
import { readBatch, type BatchColumn } from './batch-file.ts'
import { usageFailure } from './failure.ts'
import { macOrZeroOption, parseMacOrZero, parseVtep, vniOption, vtepOption } from './kinds.ts'
import { text } from './option.ts'

export const broadcastMac = '00:00:00:00:00:00'

export const fteVni = vniOption('VNI of the subnet').short('n')
export const fteMac = macOrZeroOption(`MAC address of the destination; ${broadcastMac}: broadcast and multicast`).short('m')
export const fteVtep = vtepOption('underlay address of the host that has it').short('r')
export const fteFile = text('file of entries, a line each: VNI MAC VTEP; - is standard input', 'FILE', 'file').short('f')

const columns: readonly BatchColumn[] = [
  { title: 'VNI', parse: parseVni },
  { title: 'MAC', parse: parseMacOrZero },
  { title: 'VTEP', parse: parseVtep },
]

/** The entries of a file. */
export const ftesOfFile = (file: string): ForwardingEntry[] =>
  readBatch(file, columns).map(([vni, mac, vtep]) => ({ vni: vni as number, mac: mac as string, vtep: vtep as string }))

interface Given {
  readonly vni: number | undefined
  readonly mac: string | undefined
  readonly vtep: string | undefined
  readonly file: string | undefined
}

/** The one entry of the options, or those of the file. Throws a usage failure when it is neither or both. */
export function ftesOf({ vni, mac, vtep, file }: Given): ForwardingEntry[] {
  if (file !== undefined) {
    if ((vni ?? mac ?? vtep) !== undefined) throw usageFailure('--file stands instead of --vni, --mac and --vtep')
    return ftesOfFile(file)
  }
  if (vni === undefined || mac === undefined || vtep === undefined) throw usageFailure('give --vni, --mac and --vtep, or --file')
  return [{ vni, mac, vtep }]
}
