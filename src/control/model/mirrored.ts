/** Which keys of the store the mirror has, and in which order. */
import { kinds } from '#resource/kinds.ts'
import type { KeyRange } from '../store/store.ts'
import { objectKey } from './keys.ts'

/** What the mirror keeps, by the first word of a key: names, objects, and claims of all sorts. Others may have more. */
export const rooms = ['a', 'g', 'here', 'm', 'n', 'nb', 'o', 'once', 'p', 'ses', 'used', 'vlan', 'vni', 'x']

// '0' comes after '/'.
export const mirroredRanges: readonly KeyRange[] = rooms.map((room) => ({ from: `${room}/`, to: `${room}0` }))

export const orderedKinds = kinds.map(({ kind }) => kind).sort((a, b) => (objectKey(a, '') < objectKey(b, '') ? -1 : 1))

const known = new Set(rooms)

export const isMirroredRoom = (room: string): boolean => known.has(room)

export const isMirrored = (key: string): boolean => known.has(key.slice(0, key.indexOf('/')))
