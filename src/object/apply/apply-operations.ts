/**
 * The operations of a management handle on the whole host: export its document, and make the host as a document says.
 */
import { atPath, type HostChange, type HostDocument, type HostFile } from '#abi/host-file.ts'
import { readHostFileInSteps } from '#abi/host-file-read.ts'
import { quickGracePeriods } from '#datapath/grace-period.ts'
import type { Call, Operations } from '../operation.ts'
import { VpcError } from '../vpc-error.ts'
import { compareHost } from './compare.ts'
import { exportHost } from './export.ts'
import { checkOwners, checkUnits } from './check.ts'
import { applyHost } from './perform.ts'
import { readOwner } from '../type/owner.ts'
import { Steps } from './steps.ts'

type DocumentCall = Call<undefined, HostDocument>

export const applyOperations: Operations<undefined> = {
  mgmtExport: ({ context }) => exportHost(context.model),
  mgmtExportOwned: ({ context, tx, input }: Call<undefined, string>) => exportHost(context.model, readOwner(tx, input)),
  *mgmtPlan(call): Generator<void, readonly HostChange[]> {
    const file = yield* readInput(call)
    const comparison = yield* compareHost(call.context.model, file)
    yield* checkUnits(call.context, comparison)
    yield* checkOwners(call.context, file, comparison)
    return comparison.changes
  },
  *mgmtApply(call): Generator<void, readonly HostChange[]> {
    const { tx } = call
    const file = yield* readInput(call)
    using _ = quickGracePeriods(file.hostifs.length + file.vmnics.length)
    const changes: readonly HostChange[] = yield* applyHost(new Steps(call), file)
    tx.asked = 'apply the document'
    return changes
  },
}

function* readInput({ tx, input }: DocumentCall): Generator<void, HostFile> {
  tx.asked = 'read the document'
  yield
  const read = yield* readHostFileInSteps(input)
  if (read.ok) return read.value
  const { path, problem } = read.problem
  throw new VpcError('EINVAL', atPath(path, problem))
}
