/** Requirements of a host, for the probe, the pages of the commands, README and the tests. */

/** The oldest kernel that vpcd runs on. Kernels from 6.6 on may have everything, but nobody has tested them. */
export const oldestKernel = { major: 6, minor: 12 } as const

/** The same in words: `6.12`. */
export const oldestKernelText = `${oldestKernel.major}.${oldestKernel.minor}`
