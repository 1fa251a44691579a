/** libbpf itself, loaded once. Its warnings are not printed: they become part of the error that they explain. */
import koffi from 'koffi'
import { libc } from './libc.ts'
import { allocate } from './memory.ts'

export const libbpf = koffi.load('libbpf.so.1')

const printCallback = koffi.pointer(koffi.proto('int libbpf_print_fn(int level, void *format, void *arguments)'))
const setPrint = libbpf.func('libbpf_set_print', 'void *', [printCallback])
// A va_list argument is a pointer on x86-64 and on arm64, where it is larger than two registers.
const vsnprintf = libc.func('int vsnprintf(void *text, size_t size, void *format, void *arguments)')

/** enum libbpf_print_level */
const LEVEL_INFO = 1
const NOTE_SIZE = 4096

/** Run calls of libbpf and append its warnings to `notes`. Its debugging messages are left out. */
export function collectNotes<T>(notes: string[], run: () => T): T {
  const text = allocate(NOTE_SIZE)
  const print = (level: number, format: bigint, args: bigint): number => {
    if (level > LEVEL_INFO) return 0
    const length: number = vsnprintf(text.address, NOTE_SIZE, format, args)
    notes.push(
      Buffer.from(text.bytes.subarray(0, Math.min(length, NOTE_SIZE - 1)))
        .toString('utf8')
        .trimEnd(),
    )
    return 0
  }
  const callback = koffi.register(print, printCallback)
  setPrint(callback)
  try {
    return run()
  } finally {
    setPrint(null)
    koffi.unregister(callback)
  }
}
