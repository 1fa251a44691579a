/** What is said of a host that does not do yet what somebody waits for. */

/** A host that does not do it yet. */
export interface Late {
  readonly host: string
  /** The revision that it has acknowledged; null: it has not been heard here. */
  readonly acked: string | null
  /** What fails there; null: it has not answered. */
  readonly error: { readonly code: string; readonly text: string } | null
}
