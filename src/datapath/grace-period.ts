/** For operations on many devices: the kernel's waits made short. */
export { endAbandonedGracePeriods, quickGracePeriods, withQuickGracePeriods } from '#kernel/grace-period.ts'
