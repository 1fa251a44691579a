/**
 * Sessions: one descriptor for many objects, each under a number that the client chooses. A session is a management
 * handle that was opened with the flag SESSION. Closing it closes all of its handles.
 */
import { bytes, cStruct, u32, u64, type Value } from './c-struct.ts'

/** Input of `handle open`, 40 bytes: the arguments of vpc_open, and the number of the new handle in the session. */
export const handleOpen = cStruct({ number: u32, pad: u32, id: bytes(16), handleType: u64, flags: u64 })
export type HandleOpen = Value<typeof handleOpen>

/** Start of the input of `handle ctl`, 8 bytes, before the input of the command. The output is the command's. */
export const handleCtl = cStruct({ number: u32, command: u32 })

/** Start of each event of a handle, 4 bytes. */
export const handleEvent = cStruct({ number: u32 })

/** The head of one step of a `transaction`, 8 bytes. `length`: bytes of the step after it. */
export const stepHead = cStruct({ kind: u32, length: u32 })

/** open: a `handleOpen` follows. ctl: a `handleCtl` and the input follow. */
export const stepKind = { open: 1, ctl: 2 } as const

/** One step: open or create an object, or do an operation that changes one. */
export type Step =
  | { readonly kind: 'open'; readonly open: HandleOpen }
  | { readonly kind: 'ctl'; readonly number: number; readonly command: number; readonly input: Uint8Array }

/** Steps back to back. */
export function encodeSteps(steps: readonly Step[]): Uint8Array {
  return Buffer.concat(
    steps.flatMap((step) => {
      const parts =
        step.kind === 'open'
          ? [handleOpen.encode(step.open)]
          : [handleCtl.encode({ number: step.number, command: step.command }), step.input]
      const length = parts.reduce((sum, part) => sum + part.length, 0)
      return [stepHead.encode({ kind: stepKind[step.kind], length }), ...parts]
    }),
  )
}

/** The reverse; a text names the problem of the bytes. */
export function decodeSteps(input: Uint8Array): readonly Step[] | string {
  const steps: Step[] = []
  for (let at = 0; at < input.length;) {
    const place = `step ${steps.length + 1}`
    if (input.length - at < stepHead.size) return `${place} is cut short`
    const { kind, length } = stepHead.decode(input.subarray(at, at + stepHead.size))
    const body = input.subarray(at + stepHead.size, at + stepHead.size + length)
    if (body.length < length) return `${place} has ${length} bytes, of which ${body.length} are there`
    if (kind === stepKind.open) {
      if (length !== handleOpen.size) return `${place} opens with ${length} bytes, not ${handleOpen.size}`
      steps.push({ kind: 'open', open: handleOpen.decode(body) })
    } else if (kind === stepKind.ctl) {
      if (length < handleCtl.size) return `${place} has ${length} bytes, fewer than ${handleCtl.size}`
      steps.push({ kind: 'ctl', ...handleCtl.decode(body.subarray(0, handleCtl.size)), input: body.subarray(handleCtl.size) })
    } else return `${place} is of kind ${kind}; kinds are 1 (open) and 2 (ctl)`
    at += stepHead.size + length
  }
  return steps
}
