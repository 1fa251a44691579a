/** The mark of frames that a program of this host sends out of a unit's device: they reach the unit. */

/** skb->mark, as VPC_MARK_UNIT in bpf/abi.h. */
export const unitMark = 0x76580000
