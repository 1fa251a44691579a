/** The options of the neighbour commands, and their entries from options or from a file. */
import type { Neighbour } from '#client/text.ts'
import { parseVni } from '#wire/vni.ts'
import { readBatch, type BatchColumn } from './batch-file.ts'
import { usageFailure } from './failure.ts'
import { ipOption, macOption, parseAddress, parseInterfaceMac, vniOption } from './kinds.ts'
import { text } from './option.ts'

export const neighbourVni = vniOption('VNI of the subnet').short('n')
export const neighbourAddress = ipOption("the neighbour's IP address").short('a')
export const neighbourMac = macOption("the neighbour's MAC address").short('m')
export const neighbourFile = text('file of entries, a line each: VNI ADDRESS MAC; - is standard input', 'FILE', 'file').short('f')

const columns: readonly BatchColumn[] = [
  { title: 'VNI', parse: parseVni },
  { title: 'ADDRESS', parse: parseAddress },
  { title: 'MAC', parse: parseInterfaceMac },
  // As list prints it: the flag used cannot be set.
  { title: 'FLAGS', parse: (word) => ({ ok: true, value: word }), optional: true },
]

interface Given {
  readonly vni: number | undefined
  readonly address: string | undefined
  readonly mac: string | undefined
  readonly file: string | undefined
}

/** The one entry of the options, or those of the file. Throws a usage failure when it is neither or both. */
export function neighboursOf({ vni, address, mac, file }: Given): Neighbour[] {
  if (file !== undefined) {
    if ((vni ?? address ?? mac) !== undefined) throw usageFailure('--file replaces --vni, --address and --mac; give one or the other')
    return readBatch(file, columns).map(([n, ip, each]) => ({ vni: n as number, address: ip as string, mac: each as string }))
  }
  if (vni === undefined || address === undefined || mac === undefined) throw usageFailure('give --vni, --address and --mac, or --file')
  return [{ vni, address, mac }]
}
