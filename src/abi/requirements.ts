/** What a host must have, for all that says so: the probe, the pages of the commands, README and the tests. */

/**
 * The oldest kernel that vpcd runs on. Older ones may have all that is asked for, from 6.6 on, but nobody has tried:
 * `test/kernels` boots this one and the newest.
 */
export const oldestKernel = { major: 6, minor: 12 } as const

/** The same in words: `6.12`. */
export const oldestKernelText = `${oldestKernel.major}.${oldestKernel.minor}`
