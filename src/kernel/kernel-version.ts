/** The version of the running kernel. */
import { release } from 'node:os'

/** A kernel's version, as text and in parts that compare. */
export interface KernelVersion {
  readonly release: string
  readonly major: number
  readonly minor: number
}

/** The version of the running kernel. */
export function kernelVersion(text = release()): KernelVersion {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? []
  return { release: text, major: Number(major ?? 0), minor: Number(minor ?? 0) }
}

/** Whether a kernel is of some version or newer. */
export const isAtLeast = (version: KernelVersion, major: number, minor: number): boolean =>
  version.major > major || (version.major === major && version.minor >= minor)
