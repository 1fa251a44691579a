/** Between whom a packet was that a host has dropped. */
import type { SeenDrop } from './counters.ts'

type Drop = Pick<SeenDrop, 'vnic'> & Partial<Pick<SeenDrop, 'peer' | 'text'>>

/** An end of a path. */
interface End {
  readonly id?: string | undefined
  readonly address: string
}

/**
 * Whether a dropped packet was between two ends: by its vnic and its peer, where groups have refused it; else by the
 * addresses in its headers.
 */
export function isDropBetween({ vnic, peer, text = '' }: Drop, [a, b]: readonly [End, End]): boolean {
  // What a guest sends to itself stays in it.
  if (a.address === b.address) return false
  if (peer) return (vnic === a.id && peer === b.address) || (vnic === b.id && peer === a.address)
  const words = text.split(/[^0-9a-f.:]+/)
  return [a, b].every(({ address }) => words.some((word) => isOf(word, address)))
}

/** Is a word of a summary this address, perhaps with a port? IPv6 addresses with ports stand in brackets. */
const isOf = (word: string, address: string): boolean => word === address || (!address.includes(':') && word.startsWith(`${address}:`))
