/** Audit records, as the API tells them: who changed what, and what was refused. */

/** An audit record. Refusals have a path, and no kind. */
export interface AuditItem {
  readonly time: string
  readonly request: string
  readonly principal: string
  /** Id of the token that the principal had shown. */
  readonly token: string
  /** Where the request came from. */
  readonly source: string
  readonly method: string
  readonly path?: string
  readonly kind?: string
  readonly id?: string
  readonly name?: string | null
  readonly org?: string | null
  readonly account?: string | null
  readonly vpc?: string | null
  readonly fields?: readonly string[]
  /** Revision of the thing before; null: there was none. */
  readonly before?: string | null
  /** Of a binding: the hosts of a vnic before and after. */
  readonly hosts?: readonly (string | null)[]
  /** `done`, or what was done instead; of a refusal: the status of the answer. */
  readonly result: string | number
  /** Revision of the change; a refusal has none. */
  readonly revision?: string
}
