/** What errors of gRPC mean: whether to ask another member, and what to tell the caller. */
import { status, type ServiceError } from '@grpc/grpc-js'
import { StoreError } from '../store-error.ts'

/** The revision that was asked for is compacted. */
export class Compacted extends Error {}

export type Verdict =
  /** Another member may answer. `mayBeDone`: this one may have got the question. */
  { readonly kind: 'retry'; readonly mayBeDone: boolean } | { readonly kind: 'final'; readonly error: Error }

const retry = (mayBeDone: boolean): Verdict => ({ kind: 'retry', mayBeDone })

/** Judge an error of a call. */
export function judge(error: unknown, what: string): Verdict {
  const { code, details = String(error) } = error as Partial<ServiceError>
  const final = (kind: StoreError['code'], wayOut: string): Verdict => ({
    kind: 'final',
    error: new StoreError(kind, `cannot ${what}: etcd says: ${details}; ${wayOut}`, { cause: error }),
  })
  switch (code) {
    case status.UNAVAILABLE:
      return retry(!details.startsWith('No connection established'))
    case status.RESOURCE_EXHAUSTED:
      return /space exceeded/.test(details)
        ? final('full', 'nothing was written: vpc db defrag makes room, or raise its quota')
        : retry(false)
    case status.OUT_OF_RANGE:
      return /compacted/.test(details)
        ? { kind: 'final', error: new Compacted(details) }
        : final('invalid', 'nothing was done: it is at an older revision')
    case status.NOT_FOUND:
      return /lease/.test(details) ? final('lease-lost', 'nothing was written: the lease has ended') : final('away', 'see its log')
    case status.PERMISSION_DENIED:
      return final('denied', 'give the user of this certificate a role on the prefix of the store')
    case status.UNAUTHENTICATED:
      return final('denied', 'use a certificate whose common name is a user of etcd')
    case status.INVALID_ARGUMENT:
      if (/old/.test(details)) return retry(false)
      return /user name/.test(details)
        ? final('denied', 'use a certificate whose common name is a user of etcd')
        : final('limit', 'nothing was written: divide the commit')
    default:
      return retry(true)
  }
}

/** The words of an error of gRPC. */
export const detailsOf = (error: unknown): string =>
  ((error as Partial<ServiceError>).details ?? (error as Error).message).replace(/\s*Resolution note: $/, '')
