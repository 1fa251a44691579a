/** Memory outside of the JavaScript heap, so that its address can be given to the kernel and to C libraries. */
import koffi from 'koffi'

/**
 * Bytes that do not move. They live as long as the object that holds them: keep the object while anybody uses the
 * address.
 */
export interface Memory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  readonly address: bigint
}

/**
 * An address alone does not keep the memory: the collector may free it in the middle of the system call that uses the
 * address. So all memory stays at least until the present turn of the event loop ends.
 */
function hold(buffer: ArrayBuffer): void {
  if (held.push(buffer) === 1) setImmediate(() => (held = []))
}

let held: ArrayBuffer[] = []

/** Allocate zeroed memory. */
export function allocate(size: number): Memory {
  // A typed array with a buffer of its own may live on the heap, where the collector moves it; an ArrayBuffer never
  // does.
  const buffer = new ArrayBuffer(Math.max(size, 1))
  const bytes = new Uint8Array(buffer, 0, size)
  hold(buffer)
  return { bytes, view: new DataView(buffer), address: koffi.address(new Uint8Array(buffer)) }
}

/** Allocate memory that starts with a copy of the given bytes. */
export function allocateCopy(source: Uint8Array): Memory {
  const memory = allocate(source.length)
  memory.bytes.set(source)
  return memory
}

/**
 * The address of bytes, for a system call that only reads them: copying megabytes takes as long as the call. The bytes
 * stay there for the present turn of the event loop. Asking a small array on the heap for its buffer moves it off the
 * heap.
 */
export function addressOf(bytes: Uint8Array): bigint {
  const buffer = bytes.buffer as ArrayBuffer
  hold(buffer)
  return koffi.address(new Uint8Array(buffer)) + BigInt(bytes.byteOffset)
}

/** Allocate a string as C wants it, with a NUL at its end. */
export const allocateString = (text: string): Memory => allocateCopy(Buffer.from(`${text}\0`))
