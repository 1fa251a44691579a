/** The declarations of bpf/abi-nat-cells.h for TypeScript, as layout.ts has those of abi.h. */
import { array, bytes, cStruct, pad, u16, u32, u64, u8, type Field, type Value } from '#abi/c-struct.ts'

/** Public addresses of a NAT for source NAT. */
export const natAddresses = 8
/** Lower ports are nobody's. */
export const natFirstPort = 1024
/** Public ports in a block. */
export const natBlock = 64
/** Blocks of a public address. */
export const natAddressBlocks = 1008
/** Blocks that an inside address may have. */
export const natGuestBlocks = 8
/** Port whose cell, in the plane of TCP, is about the whole address. */
export const natHead = 1023

/** enum vpc_nat_plane: its name, by number. */
export const natPlanes = ['tcp', 'udp', 'icmp'] as const
export type NatPlane = (typeof natPlanes)[number]

/** enum vpc_nat_block_state */
export const natBlockState = { free: 0, taken: 1, leaving: 2 } as const

/** VPC_NAT_OVER, of the `fins` of a cell: its TCP connection is over. */
export const natOver = 32

/** VPC_NAT_CELL: index of a cell. */
export const natCellIndex = (address: number, plane: number, port: number): number => (address * natPlanes.length + plane) * 65536 + port
/** Cells of a public address. */
export const cellsOfAddress = natPlanes.length * 65536

const beU16: Field<number> = { size: 2, align: 2, read: (v, o) => v.getUint16(o), write: (v, o, n) => v.setUint16(o, n) }

/** struct vpc_nat_cell */
export const natCell = cStruct({
  turn: u32,
  lastS: u32,
  peers: u64,
  seed: u32,
  vpc: u32,
  inside: bytes(16),
  port: beU16,
  state: u8,
  fins: u8,
  pad: pad(4),
})
export type NatCell = Value<typeof natCell>

/** struct vpc_nat_head */
export const natHeadCell = cStruct({ taken: u32, addresses: u32, pad: pad(16), addr: bytes(16), rest: pad(8) })

/** struct vpc_nat_guest_key */
export const natGuestKey = cStruct({ nat: u32, vpc: u32, inside: bytes(16) })
/** struct vpc_nat_guest */
export const natGuest = cStruct({
  address: u32,
  count: u32,
  used: array(u32, 3),
  hand: u32,
  fullTick: array(u32, 4),
  lastS: u32,
  sinceS: u32,
  block: array(u16, natGuestBlocks),
})
/** struct vpc_nat_inside_key */
export const natInsideKey = cStruct({ nat: u32, vpc: u32, inside: bytes(16), port: beU16, plane: u8, pad: pad(1) })
/** struct vpc_nat_frag */
export const natFrag = cStruct({ lastS: u32, to: bytes(16) })
/** struct vpc_nat_expire */
export const natExpire = cStruct({ nat: u32, cells: u32, blocks: u32, pad: pad(4) })
