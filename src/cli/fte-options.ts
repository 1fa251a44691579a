/** The options of the forwarding table commands, and their entries from options or from a file. */
import type { ForwardingEntry } from '#client/text.ts'
import type { Result } from '#wire/result.ts'
import { parseVni } from '#wire/vni.ts'
import { readBatch, type BatchColumn } from './batch-file.ts'
import { usageFailure } from './failure.ts'
import { macOrZeroOption, parseMacOrZero, parseVtep, vniOption, vtepOption } from './kinds.ts'
import { flag, text } from './option.ts'

export const broadcastMac = '00:00:00:00:00:00'

export const fteVni = vniOption('VNI of the subnet').short('n')
export const fteMac = macOrZeroOption(`MAC address of the destination; ${broadcastMac}: broadcast and multicast`).short('m')
export const fteVtep = vtepOption('underlay address of the host that has it').short('r')
export const fteForward = flag('forward frames for it from the underlay to that host, each once')
export const fteFile = text(
  'file of entries, a line each: VNI MAC VTEP, and FLAGS as list prints them; - is standard input',
  'FILE',
  'file',
).short('f')

/** The flags of an entry as `list` prints them. Whether it is used cannot be set. */
export const flagsText = ({ forward, used }: { readonly forward: boolean; readonly used: boolean }): string =>
  [...(forward ? ['forward'] : []), ...(used ? ['used'] : [])].join(',') || '-'

function parseFlags(text: string): Result<string> {
  const odd = text.split(',').find((word) => !['-', 'forward', 'used'].includes(word))
  return odd === undefined ? { ok: true, value: text } : { ok: false, problem: `'${odd}' is not a flag; those are forward and used` }
}

const columns: readonly BatchColumn[] = [
  { title: 'VNI', parse: parseVni },
  { title: 'MAC', parse: parseMacOrZero },
  { title: 'VTEP', parse: parseVtep },
  { title: 'FLAGS', parse: parseFlags, optional: true },
]

/** The entries of a file. */
export const ftesOfFile = (file: string): ForwardingEntry[] =>
  readBatch(file, columns).map(([vni, mac, vtep, flags]) => ({
    vni: vni as number,
    mac: mac as string,
    vtep: vtep as string,
    ...(String(flags).split(',').includes('forward') && { forward: true }),
  }))

interface Given {
  readonly vni: number | undefined
  readonly mac: string | undefined
  readonly vtep: string | undefined
  readonly file: string | undefined
  readonly forward: boolean
}

/** The one entry of the options, or those of the file. Throws a usage failure when it is neither or both. */
export function ftesOf({ vni, mac, vtep, file, forward }: Given): ForwardingEntry[] {
  if (file !== undefined) {
    if ((vni ?? mac ?? vtep) !== undefined || forward)
      throw usageFailure('--file replaces --vni, --mac, --vtep and --forward; give one or the other')
    return ftesOfFile(file)
  }
  if (vni === undefined || mac === undefined || vtep === undefined) throw usageFailure('give --vni, --mac and --vtep, or --file')
  return [{ vni, mac, vtep, ...(forward && { forward }) }]
}
