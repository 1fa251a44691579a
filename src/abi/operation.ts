/** One operation of vpc_ctl: the parts of its 32-bit command, the right that it needs, its input and output. */
import { nothing, type Codec } from './codec.ts'
import { objectType, type TypeName } from './object-type.ts'

export const commandBit = {
  in: 0x80000000,
  out: 0x40000000,
  mutate: 0x20000000,
  privileged: 0x10000000,
} as const

/** One operation: its type and number, its input and output, and the right that it needs. */
export interface Operation<I = any, O = any> {
  readonly name: string
  readonly type: TypeName
  readonly op: number
  readonly in: boolean
  readonly out: boolean
  /** Needs a descriptor opened with WRITE. Every operation that mutates is privileged as well. */
  readonly mutate: boolean
  readonly command: number
  readonly takes: Codec<I>
  readonly gives: Codec<O>
}

/** The input and the output of an operation. */
export type InputOf<O> = O extends Operation<infer I, any> ? I : never
export type OutputOf<O> = O extends Operation<any, infer V> ? V : never

/** Declare an operation. */
export function operation<I, O>(
  name: string,
  type: TypeName,
  op: number,
  { takes, gives, mutate }: { readonly takes: Codec<I>; readonly gives: Codec<O>; readonly mutate: boolean },
): Operation<I, O> {
  const shape = { in: takes !== (nothing as unknown), out: gives !== (nothing as unknown) }
  const bits = (shape.in ? commandBit.in : 0) | (shape.out ? commandBit.out : 0) | (mutate ? commandBit.mutate | commandBit.privileged : 0)
  return { name, type, op, ...shape, mutate, command: (bits | (objectType[type] << 16) | op) >>> 0, takes, gives }
}
