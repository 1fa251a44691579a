/**
 * Keys and values of the mirror in little memory: those of a vnic's addresses and MAC have ids as their bytes, in one
 * string of Latin-1. There are millions of them, and few are read. Others stay as they are.
 */
import { dashed, putDigits } from './packed-digits.ts'

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const mac = '(?:[0-9a-f]{2}:){5}[0-9a-f]{2}'
const place = `,"host":"(${uuid})","epoch":(\\d{1,15})`
/** What a vnic claims: its MAC; an address, in groups, plugged in. In the form that JSON.stringify makes. */
const vnicClaim = new RegExp(
  `^\\{"kind":"vnic","id":"(${uuid})"(?:,"mac":"(${mac})","groups":\\[((?:"${uuid}"(?:,(?="))?){0,255})\\](?:${place})?)?\\}$`,
)
const claimKey = new RegExp(`^([am]/)(${uuid})/((?:[0-9a-f]{2})+)$`)

/** The first character of what is packed: which of these it is. None of them is in a text or key of the store. */
const forms = { plain: 0, claim: 1, address: 2, plugged: 3 } as const
const keyMark = '\x01'

/** Where what is being packed grows: 255 groups fit. */
const scratch = Buffer.alloc(8192)
let length = 0

function putHex(text: string): void {
  length = putDigits(text, scratch, length)
}

function taken(): string {
  const text = scratch.toString('latin1', 0, length)
  length = 0
  return text
}

/** A revision in front of a text: 2 ** 53 has 7 bytes. */
const revisionLength = 7

/** The revision, and which form it is. */
export const frontLength = revisionLength + 1

/** Whether a value is bytes: else what follows is text. */
export const isPacked = (value: string): boolean => value.charCodeAt(revisionLength) !== forms.plain

/** A text with its revision. */
export function packText(text: string, revision: number): string {
  scratch.writeUIntBE(Math.floor(revision / 2 ** 32), 0, 3)
  scratch.writeUInt32BE(revision % 2 ** 32, 3)
  length = revisionLength
  const [found, id, address, groups, host, epoch] = vnicClaim.exec(text) ?? []
  if (found === undefined) {
    scratch[length++] = forms.plain
    return taken() + text
  }
  scratch[length++] = host !== undefined ? forms.plugged : address !== undefined ? forms.address : forms.claim
  putHex(id!)
  if (address !== undefined) {
    putHex(address)
    const all = groups === '' ? [] : groups!.split(',')
    scratch[length++] = all.length
    for (const group of all) putHex(group.slice(1, -1))
  }
  if (host !== undefined) {
    putHex(host)
    length += scratch.write(epoch!, length, 'latin1')
  }
  return taken()
}

/** The revision of what was packed. */
export function revisionOf(packed: string): number {
  let revision = 0
  for (let i = 0; i < revisionLength; i++) revision = revision * 256 + packed.charCodeAt(i)
  return revision
}

/** The text that was packed. */
export function unpackText(packed: string): string {
  const form = packed.charCodeAt(revisionLength)
  const at = revisionLength + 1
  if (form === forms.plain) return packed.slice(at)
  const id = `{"kind":"vnic","id":"${idAt(packed, at)}"`
  if (form === forms.claim) return `${id}}`
  const count = packed.charCodeAt(at + 22)
  const groups = Array.from({ length: count }, (_, i) => `"${idAt(packed, at + 23 + 16 * i)}"`)
  const hostAt = at + 23 + 16 * count
  const plugged = form === forms.plugged ? `,"host":"${idAt(packed, hostAt)}","epoch":${packed.slice(hostAt + 16)}` : ''
  return `${id},"mac":"${hexOf(packed.slice(at + 16, at + 22)).replace(/..(?=.)/g, '$&:')}","groups":[${groups.join(',')}]${plugged}}`
}

const hexOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('hex')

const idAt = (packed: string, at: number): string => dashed(hexOf(packed.slice(at, at + 16)))

/** A key in fewer bytes. Keys of one first word that are packed have the order that they had. */
export function packKey(key: string): string {
  const [found, room, id, rest] = claimKey.exec(key) ?? []
  if (found === undefined) return key
  length = scratch.write(room + keyMark, 0, 'latin1')
  putHex(id!)
  putHex(rest!)
  return taken()
}

/** The key that was packed. */
export function unpackKey(key: string): string {
  if (key[2] !== keyMark) return key
  const hex = hexOf(key.slice(3))
  return `${key.slice(0, 2)}${dashed(hex.slice(0, 32))}/${hex.slice(32)}`
}
