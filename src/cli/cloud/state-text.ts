/** A derived state in words. */

/** What the API derives of a vnic or a host: schema DerivedState of its OpenAPI document. */
export interface DerivedState {
  readonly time: string
  readonly kind: string
  readonly id: string
  readonly name: string | null
  readonly state: string
  readonly late: boolean
  readonly problem: { readonly code: string; readonly text: string; readonly since: string } | null
}

/** `vnic web1 (ID) is degraded: vpcd has no room`. */
export function stateText({ kind, name, id, state, late, problem }: DerivedState): string {
  const what = `${kind} ${name === null ? id : `${name} (${id})`} is ${state}`
  if (problem !== null) return `${what}: ${problem.text}`
  return late ? `${what}, and its host is late` : what
}
