/** Memory outside of the JavaScript heap, so that its address can be given to the kernel and to C libraries. */
import koffi from 'koffi'

/** Bytes that do not move. They live as long as the object that holds them: keep it while anybody has the address. */
export interface Memory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  readonly address: bigint
}

/**
 * Who has only the address left does not keep the memory: the collector may take it in the middle of the system call that is given the
 * address. So all memory stays at least until the present turn of the event loop is over.
 */
function hold(buffer: ArrayBuffer): void {
  if (held.push(buffer) === 1) setImmediate(() => (held = []))
}

let held: ArrayBuffer[] = []

/** Allocate zeroed memory. */
export function allocate(size: number): Memory {
  // A typed array that makes its own buffer may live on the heap, where the collector moves it; an ArrayBuffer never does.
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

/** Allocate a string as C wants it, with a NUL at its end. */
export const allocateString = (text: string): Memory => allocateCopy(Buffer.from(`${text}\0`))
