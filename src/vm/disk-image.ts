/** Disk images: their format, and whether a guest can have them. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { DiskFormat } from './definition.ts'
import { VmError } from './vm-error.ts'

const qcow2Magic = 0x514649fb

/** The format by the file name's ending. Looking into a raw image would let its guest choose. */
export function formatOfName(path: string): DiskFormat | undefined {
  if (/\.qcow2$/i.test(path)) return 'qcow2'
  return /\.(raw|img|iso)$/i.test(path) ? 'raw' : undefined
}

/** Magic, version, backing file, and at 24 the size that a guest sees. */
const headerBytes = 32

/**
 * Whether a file begins as a qcow2 image does. For what a person chooses: a guest may write this into its own raw disk.
 */
export const looksQcow2 = (path: string): boolean => statSync(path).isFile() && hasMagic(headerOf(path))

const hasMagic = (header: Buffer): boolean => header.length >= 4 && header.readUInt32BE(0) === qcow2Magic

function headerOf(path: string): Buffer {
  const header = Buffer.alloc(headerBytes)
  const fd = openSync(path, 'r')
  try {
    return header.subarray(0, readSync(fd, header, 0, headerBytes, 0))
  } finally {
    closeSync(fd)
  }
}

/** How large a guest sees the disk of an image that was checked. */
export const virtualBytes = (path: string, format: DiskFormat): number =>
  format === 'raw' ? statSync(path).size : Number(headerOf(path).readBigUInt64BE(24))

/**
 * Check an image before it is used. QEMU gets the file by its descriptor and can open no other file, so an image with a
 * backing image is refused. Throws VmError.
 */
export function checkDisk(path: string, format: DiskFormat): void {
  if (format === 'raw') {
    const file = statSync(path)
    if (file.isFile() && file.size === 0) throw new VmError('EINVAL', `${path} is empty: it is no image of a disk`)
    return
  }
  const header = headerOf(path)
  if (header.length < headerBytes || !hasMagic(header)) {
    throw new VmError('EINVAL', `${path} is not a qcow2 image; say what it is with --disk-format`)
  }
  if (header.readBigUInt64BE(8) === 0n) return
  const whole = path.replace(/(\.qcow2)?$/, '-whole.qcow2')
  throw new VmError(
    'EINVAL',
    `${path} has a backing file, which QEMU may not open; make it whole: qemu-img convert -O qcow2 ${path} ${whole}`,
  )
}
