/** Shortens the kernel's waits during operations on many devices. */
export { endAbandonedGracePeriods, quickGracePeriods, withQuickGracePeriods } from '#kernel/grace-period.ts'
