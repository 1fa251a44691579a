/** VXLAN network identifiers: 24 bits; 0 is never encapsulated. */
import { failure, must, success, type Result } from './result.ts'
import { u24be, type Field } from './struct.ts'

declare const vniBrand: unique symbol
/** 0 to 16777215. */
export type Vni = number & { readonly [vniBrand]: true }

/** The field of a format. */
export const vni = u24be as Field<Vni>

export const maxVni = 0xffffff

export const isVni = (value: number): value is Vni => Number.isInteger(value) && value >= 0 && value <= maxVni

/** Decimal digits, without sign, space or leading zero. */
export function parseVni(text: string): Result<Vni> {
  const value = /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : NaN
  return isVni(value) ? success(value) : failure(`'${text}' is not a VNI; a VNI is a number from 0 to ${maxVni}`)
}

/** A constant. Throws TypeError when the number is none. */
export const vniFrom = (value: number): Vni => must(parseVni(String(value)))
