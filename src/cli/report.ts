/** Reports a failure: its kind, from any thrown value, and its form for people and for programs. */
import { DaemonUnreachable, VpcError } from '#client/error.ts'
import { fileSentence, isDenied } from '#system/file-problem.ts'
import { Failure, isConflict, type FailureKind } from './failure.ts'
import { styleFor } from './style.ts'
import { formatTable } from './table.ts'

/**
 * The failure of an error. An unexpected error becomes an internal error, whose stack shows only at log level debug.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof VpcError) {
    const kind = kindOf(error)
    // Not ENOENT for the socket: a program would take it for a missing object.
    return new Failure(kind, error.message, { code: kind === 'unreachable' ? kind : error.code })
  }
  const { message, code } = error as NodeJS.ErrnoException
  if (error instanceof Error && 'syscall' in error)
    return new Failure(isDenied(code) ? 'denied' : 'failed', fileSentence(error as NodeJS.ErrnoException), { code: code || 'failed' })
  const what = error instanceof Error ? `${error.name}: ${message}` : String(error)
  return new Failure('failed', `internal error: ${what}; run it again with --log-level=debug to see where`, { code: 'internal' })
}

function kindOf(error: VpcError): FailureKind {
  if (isDenied(error.code)) return 'denied'
  if (isConflict(error.code)) return 'conflict'
  return error instanceof DaemonUnreachable ? 'unreachable' : 'failed'
}

export interface ReportOptions {
  readonly json: boolean
  readonly stream: { readonly isTTY?: boolean; write(text: string): unknown }
  /** The error whose stack is shown too. */
  readonly debug?: unknown
}

/** Print a failure: `vpc: …` and a table of differences, or one line of JSON. */
export function printFailure({ message, code, differences, details }: Failure, { json, stream, debug }: ReportOptions): void {
  if (debug instanceof Error) stream.write(`${debug.stack}\n`)
  if (json) {
    stream.write(`${JSON.stringify({ error: { code, message, ...(differences.length > 0 && { differences }), ...details } })}\n`)
    return
  }
  const style = styleFor(undefined, stream.isTTY === true, process.env)
  stream.write(`${style.red('vpc:')} ${message}\n`)
  if (differences.length === 0) return
  const rows = differences.map(({ setting, asked, is }) => [setting, asked, is])
  stream.write(formatTable({ columns: ['SETTING', 'ASKED', 'IS'], rows }))
}
