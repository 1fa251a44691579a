/** What went wrong, in the words that a container runtime shows its user. */
import { failureOf } from '#cli/report.ts'
import { CniError } from '#cni/error.ts'

/** The words of an error: the CNI plugin's parts throw errors of their own. */
export const messageOf = (error: unknown): string => (error instanceof CniError ? error.message : failureOf(error).message)
