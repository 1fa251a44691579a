/** Audits what the services for guests know: the files, not their contents, which may have secrets of guests. */
import type { Context } from '../../context.ts'
import { compareGuestFiles } from '../guest-files.ts'
import type { Findings } from './finding.ts'

/** Compare all. */
export function auditGuestFiles(context: Context, findings: Findings): void {
  context.keepGuestFiles.current?.flush()
  for (const { service, key, text, found } of compareGuestFiles(context)) {
    const what = `${service} of ${key}`
    if (text === undefined) findings.strange('entry', what, '', 'a file of no guest')
    else if (found === undefined) findings.missing('entry', what, '', 'a file with what the service knows')
    else findings.different('entry', what, '', 'what the objects say', 'something else')
  }
}
