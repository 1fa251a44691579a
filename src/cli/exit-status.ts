/** What the exit codes mean, for help and the manual. */
import { exitCodes, type FailureKind } from './failure.ts'

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'Done, or nothing was left to do.',
  failed: 'The operation failed. Nothing is half done.',
  usage: 'The command line is wrong.',
  unreachable: 'vpcd, or the API of a cloud, does not answer.',
  conflict: 'The state of the host conflicts: the object exists with other settings, is connected to another one, or is in use.',
  denied: 'Permission denied.',
}

/** Exit codes and what they mean. */
export const exitStatus = Object.entries(exitCodes).map(([kind, code]) => [code, meanings[kind as FailureKind | 'ok']] as const)
