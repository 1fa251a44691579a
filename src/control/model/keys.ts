/** The keys of the store. What must be unique is a key, so two writers cannot both have it. */
import { toMapped, type Ip } from '#wire/ip-address.ts'

/** An object, or the marker that it is gone. */
export const objectKey = (kind: string, id: string): string => `o/${kind}/${id}`
/** A name. The parent is an id, or '-' for names of the whole cloud. */
export const nameKey = (parent: string | null, kind: string, name: string): string => `n/${parent ?? '-'}/${kind}/${name}`
/** An address of a vpc: the forwarding record. */
export const addressKey = (vpc: string, ip: Ip): string => `a/${vpc}/${hex(toMapped(ip))}`
/** A MAC address of an account. */
export const macKey = (account: string, mac: string): string => `m/${account}/${mac.replaceAll(':', '')}`
/** A VNI of a facility. */
export const vniKey = (facility: string, vni: number): string => `vni/${facility}/${vni.toString(16).padStart(6, '0')}`
/** A tag of a facility's uplinks. */
export const vlanKey = (facility: string, vlan: number): string => `vlan/${facility}/${String(vlan).padStart(4, '0')}`
/** A public address. */
export const publicKey = (pool: string, ip: Ip): string => `p/${pool}/${hex(ip)}`
/** Anything else that exists once, such as a pair. */
export const onceKey = (what: string, ...parts: readonly string[]): string => `once/${what}/${parts.join('/')}`
/** The place of a subnet in a facility. */
export const placementKey = (subnet: string, facility: string): string => onceKey('placement', subnet, facility)
/** Written by everything whose networks must not overlap within one parent, so that two cannot miss each other. */
export const guardKey = (parent: string, what: string): string => `g/${parent}/${what}`
/** What a host cannot do of a vnic. */
export const exceptionKey = (vnic: string): string => `x/vnic/${vnic}`
/** Some API has the feed of a host. Goes with the lease of that API. */
export const hereKey = (host: string): string => `here/${host}`
/** Who has which blocks of public ports: of a vpc and a pool, as the host of the wire has said. */
export const natBlocksKey = (nat: string): string => `nb/${nat}`
/** One API decides a thing. Goes with the lease of that API; no mirror has it. */
export const leadKey = (what: string): string => `lead/${what}`
/** Keys of checkpoints. */
const checkpoints = 'cp/'
export const checkpointKeys = { from: checkpoints, to: 'cp0' }
export const isCheckpointKey = (key: string): boolean => key.startsWith(checkpoints)
/** Of a checkpoint of some API: what its file must say. An export leaves it out. */
export const checkpointKey = (id: string): string => `${checkpoints}${id}`
/** What to forget on a day. */
export const expiryKey = (day: string, id: string): string => `t/${day}/${id}`
/** An audit record. */
export const auditKey = (hour: string, id: string): string => `au/${hour}/${id}`
/** The day on which a token was last used. */
export const usedKey = (token: string): string => `used/${token}`
/** A browser's session, by the SHA-256 of its secret. */
export const sessionKey = (hash: string): string => `ses/${hash}`
/** How far a plan has come that takes several transactions. */
export const planKey = (plan: string): string => `plan/${plan}`

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
