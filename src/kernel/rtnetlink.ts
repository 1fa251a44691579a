/**
 * Numbers and structs of rtnetlink (linux/rtnetlink.h, if_link.h, if_addr.h, veth.h), declared here because
 * distributions' headers are older than kernels.
 */
import { cStruct, pad, u16, u32, u8 } from '#abi/c-struct.ts'

export const rtm = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWNSID: 88,
  GETNSID: 90,
} as const

export const rtnlgrp = { LINK: 1 } as const

export const af = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const

export const ifinfomsg = cStruct({ family: u8, pad: pad(1), type: u16, index: u32, flags: u32, change: u32 })
export const ifaddrmsg = cStruct({ family: u8, prefixLength: u8, flags: u8, scope: u8, index: u32 })
export const rtmsg = cStruct({
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
})

export const iff = {
  UP: 0x1,
  LOOPBACK: 0x8,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  LOWER_UP: 0x10000,
} as const

export const ifla = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  PROMISCUITY: 30,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  CARRIER: 33,
  LINK_NETNSID: 37,
  GSO_MAX_SEGS: 40,
  GSO_MAX_SIZE: 41,
  NEW_NETNSID: 45,
  TARGET_NETNSID: 46,
  NEW_IFINDEX: 49,
  MIN_MTU: 50,
  MAX_MTU: 51,
  ALT_IFNAME: 53,
  GRO_MAX_SIZE: 58,
  TSO_MAX_SIZE: 59,
} as const

export const RTEXT_FILTER_SKIP_STATS = 8

export const iflaInfo = { KIND: 1, DATA: 2 } as const
export const iflaInet6 = { ADDR_GEN_MODE: 8 } as const
export const ADDR_GEN_MODE_NONE = 1
export const VETH_INFO_PEER = 1

export const iflaVxlan = {
  ID: 1,
  LINK: 3,
  LOCAL: 4,
  LEARNING: 7,
  PORT_RANGE: 10,
  PORT: 15,
  LOCAL6: 17,
  UDP_CSUM: 18,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
  COLLECT_METADATA: 25,
} as const

export const iflaTun = {
  OWNER: 1,
  GROUP: 2,
  TYPE: 3,
  VNET_HDR: 5,
  PERSIST: 6,
  MULTI_QUEUE: 7,
  NUM_QUEUES: 8,
  NUM_DISABLED_QUEUES: 9,
} as const

export const ifa = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const
export const ifaFlag = { NODAD: 0x02 } as const

export const rta = { DST: 1, SRC: 2, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, CACHEINFO: 12, TABLE: 15 } as const
export const netnsa = { NSID: 1, PID: 2, FD: 3 } as const
