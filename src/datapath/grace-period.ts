/** For operations on many devices: the kernel's waits made short. */
export { endAbandonedGracePeriods, withQuickGracePeriods } from '#kernel/grace-period.ts'
