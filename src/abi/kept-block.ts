/** Blocks of public ports that inside addresses had on another host, as lines: `10.0.0.5 203.0.113.9 1024-1087`. */
import { familyOf, formatIp, parseIp } from '#wire/ip-address.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { json } from './codec.ts'
import { kindOf, listOf, type Kind } from './kind.ts'

/** As src/datapath/nat-cell-layout.ts has them: a block begins at a multiple of its size. */
const blockPorts = 64
const firstPort = 1024

/** Of eight public addresses, all blocks. */
const mostBlocks = 8 * 1008

export interface KeptBlock {
  readonly inside: string
  readonly address: string
  /** Number of the block. */
  readonly block: number
}

/** Read a line in the form that `parse` gives. */
export function keptBlock(line: string): KeptBlock {
  const [inside = '', address = '', ports = ''] = line.split(' ')
  return { inside, address, block: (Number(ports.split('-')[0]) - firstPort) / blockPorts }
}

function parse(text: string): Result<string> {
  const [inside = '', address = '', ports = '', ...rest] = text.trim().split(/\s+/)
  const [from, to] = [parseIp(inside), parseIp(address)]
  if (!from.ok) return from
  if (!to.ok) return to
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(ports) ?? []
  const begin = Number(first)
  const isBlock = begin >= firstPort && begin % blockPorts === 0 && Number(last) === begin + blockPorts - 1 && Number(last) <= 0xffff
  if (!isBlock || rest.length > 0) return failure(`'${text}' is not a block of ports; one looks like 10.0.0.5 203.0.113.9 1024-1087`)
  if (familyOf(from.value) !== familyOf(to.value)) return failure(`'${text}': its addresses must be of one family`)
  return success(`${formatIp(from.value)} ${formatIp(to.value)} ${begin}-${last}`)
}

function fromJson(value: unknown): ReturnType<Kind<readonly string[]>['fromJson']> {
  const read = listOf(value, (item) => {
    const found = typeof item === 'string' ? parse(item) : failure(`this must be a block of ports, not ${kindOf(item)}`)
    return found.ok ? { ok: true, value: found.value } : { ok: false, problem: found.problem }
  })
  return read.ok && read.value.length > mostBlocks
    ? { ok: false, problem: `${read.value.length} blocks are more than ${mostBlocks}` }
    : read
}

/** The list of a NAT. */
export const keptBlocks: Kind<readonly string[], readonly string[]> = {
  codec: {
    shape: 'json, array of `INSIDE ADDRESS FIRST-LAST`',
    encode: (value) => json<readonly string[]>('').encode(value),
    decode(input) {
      const read = json<unknown>('').decode(input)
      if (!read.ok) return read
      const found = fromJson(read.value)
      return found.ok ? found : { ok: false, why: found.problem }
    },
  },
  text: { placeholder: 'BLOCK', isList: true, parse },
  shape: 'list of blocks of ports',
  toJson: (value) => value,
  fromJson,
}
