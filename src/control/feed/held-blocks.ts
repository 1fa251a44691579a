/** Who has which blocks of public ports, as the store has it. */
import { natBlocksKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'

/** What the store has of a NAT: who said it, and lines such as `10.0.0.5 203.0.113.9 1024-1087`. */
export interface HeldBlocks {
  readonly host: string
  readonly blocks: readonly string[]
}

/** What the store has of a NAT's item. */
export const heldBlocks = ({ claim }: Pick<Mirror, 'claim'>, nat: string): HeldBlocks | undefined =>
  claim(natBlocksKey(nat))?.value as unknown as HeldBlocks | undefined
