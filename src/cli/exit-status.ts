/** What the exit codes mean, for help and the manual. */
import { exitCodes, type FailureKind } from './failure.ts'

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'It is done, or was so already.',
  failed: 'What was asked for could not be done. Nothing is half done.',
  usage: 'The command line is wrong.',
  unreachable: 'vpcd is not there.',
  conflict: 'What is there is in the way: it exists with other settings, is connected to something else, or is in use.',
  denied: 'The caller may not do it.',
}

/** Exit codes and what they mean. */
export const exitStatus = Object.entries(exitCodes).map(([kind, code]) => [code, meanings[kind as FailureKind | 'ok']] as const)
